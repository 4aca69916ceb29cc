//! The command line: what to do, and how its outcome becomes an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service_kit::logging;

use crate::application::{self, Application, StartError};
use crate::settings::Settings;

/// The operator has to change the configuration before another try can succeed.
const BAD_CONFIGURATION: u8 = 2;

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
#[derive(Clone, Copy, Debug, Default, Subcommand)]
enum Command {
    /// Answer requests (the default)
    #[default]
    Serve,
    /// Bring the database to the newest schema, and end
    Migrate,
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
        match self.command.unwrap_or_default() {
            Command::Serve => Ok(Application::build(&settings).await?.run_until_stopped().await?),
            Command::Migrate => application::migrate(&settings).await,
        }
    }
}
