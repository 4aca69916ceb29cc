//! The command line: what to do, and how its outcome becomes an exit code.

use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;
use service_kit::{app, logging};

use crate::application::{self, Application, StartError};
use crate::operator;
use crate::settings::Settings;

/// The operator has to change the configuration before another try can succeed.
const BAD_CONFIGURATION: u8 = 2;

/// Most that is read of a line with a password, in bytes.
const MAX_LINE: u64 = 1024;

/// Accounts, sessions and tokens of Kadr.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// A TOML file with the settings that differ from the defaults
    #[arg(long, env = "USER_SERVICE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do.
#[derive(Clone, Debug, Default, Subcommand)]
enum Command {
    /// Answer requests (the default)
    #[default]
    Serve,
    /// Bring the database to the newest schema, and end
    Migrate,
    /// Make administrators
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Invite people, where registration is for the invited
    #[command(subcommand)]
    Invite(InviteCommand),
    /// The keys that sign access tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The services that may ask about tokens, besides the one that is configured
    #[command(subcommand)]
    Clients(ClientsCommand),
}

/// What concerns invites.
#[derive(Clone, Debug, Subcommand)]
enum InviteCommand {
    /// Make a code with which one account can be registered, and print it
    Create {
        /// How long it counts, in days
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=365))]
        days: u16,
    },
}

/// What concerns administrators.
#[derive(Clone, Debug, Subcommand)]
enum AdminCommand {
    /// Create an account that administers the others; the password is asked for, or read from standard input
    Create {
        #[arg(long)]
        username: String,
        #[arg(long)]
        email: String,
    },
}

/// What concerns signing keys.
#[derive(Clone, Debug, Subcommand)]
enum KeysCommand {
    /// Let a new key sign, and print its id; instances that run follow within ten seconds
    Rotate {
        /// Do not honour what earlier keys signed, as after a theft: everybody's access tokens stop, and clients refresh
        #[arg(long)]
        withdraw: bool,
    },
    /// Print all keys, the newest first
    List,
}

/// What concerns service clients.
#[derive(Clone, Debug, Subcommand)]
enum ClientsCommand {
    /// Print all clients, the oldest first, without their secrets
    List,
    /// Make a client, and print its id and its secret, this once
    Create {
        /// What people call it
        name: String,
    },
    /// Give a client another secret, and print it, this once
    Rotate {
        /// As `create` printed it
        id: String,
        /// How long the secret it has counts as well, in hours; afterwards it is refused within ten seconds
        #[arg(long, default_value_t = 24, value_name = "N")]
        overlap_hours: u16,
    },
    /// Remove a client; instances that run refuse it within ten seconds
    Delete {
        /// As `create` printed it
        id: String,
    },
}

impl Cli {
    /// Does it. What goes wrong is one line on standard error; exit code 2 means the configuration, 1 anything else.
    pub async fn run(self) -> ExitCode {
        match self.execute().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("user_service: {error}");
                match error {
                    StartError::Settings(_) => ExitCode::from(BAD_CONFIGURATION),
                    _ => ExitCode::FAILURE,
                }
            }
        }
    }

    async fn execute(self) -> Result<(), StartError> {
        let settings = Settings::load(self.config.as_deref(), std::env::vars())?;
        logging::start(&settings.log)?;
        app::keep_files_private();
        app::allow_many_connections();
        match self.command.unwrap_or_default() {
            Command::Serve => Ok(Application::build(&settings).await?.run_until_stopped().await?),
            Command::Migrate => application::migrate(&settings).await,
            Command::Admin(AdminCommand::Create { username, email }) => {
                let id = operator::create_administrator(&settings, username, email, read_password()?).await?;
                println!("{id}");
                Ok(())
            }
            Command::Invite(InviteCommand::Create { days }) => {
                println!("{}", operator::create_invite(&settings, days).await?.expose_secret());
                Ok(())
            }
            Command::Keys(KeysCommand::Rotate { withdraw }) => {
                println!("{}", operator::rotate_keys(&settings, withdraw).await?);
                Ok(())
            }
            Command::Clients(command) => run_clients(&settings, command).await,
            Command::Keys(KeysCommand::List) => {
                operator::list_keys(&settings).await?.iter().for_each(|line| println!("{line}"));
                Ok(())
            }
        }
    }
}

async fn run_clients(settings: &Settings, command: ClientsCommand) -> Result<(), StartError> {
    match command {
        ClientsCommand::List => {
            operator::list_clients(settings).await?.iter().for_each(|line| println!("{line}"));
        }
        ClientsCommand::Create { name } => println!("{}", operator::create_client(settings, name).await?),
        ClientsCommand::Rotate { id, overlap_hours } => {
            println!("{}", operator::rotate_client(settings, &id, overlap_hours).await?);
        }
        ClientsCommand::Delete { id } => operator::delete_client(settings, &id).await?,
    }
    Ok(())
}

/// Asks for the password on a terminal, where nobody sees it; reads one line where standard input is none. An argument
/// would show in the list of processes.
fn read_password() -> io::Result<String> {
    let input = io::stdin();
    if input.is_terminal() {
        return rpassword::prompt_password("Password: ");
    }
    let mut line = String::new();
    // More than a password can have, so that an endless line is refused for its length.
    input.lock().take(MAX_LINE).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
