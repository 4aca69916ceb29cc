//! `video_service [--config FILE] [serve | work | all | migrate | storage check [--fix]]`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service_kit::{app, logging};
use video_service::settings::Settings;
use video_service::startup::{self, Application, Role, StartError};

/// Takes videos in, runs their analysis, serves the results.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings on top of the defaults; `config/video_service.toml` documents every key
    #[arg(long, env = "VIDEO_SERVICE_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Answer requests
    Serve,
    /// Run analyses
    Work,
    /// Do both (the default)
    All,
    /// Bring the database's schema up to date and end
    Migrate,
    /// Look after the stored bytes
    #[command(subcommand)]
    Storage(Storage),
}

#[derive(Clone, Copy, Subcommand)]
enum Storage {
    /// Compare what the database names with what the store has: exit code 1 where they disagree
    Check {
        /// Repair what is found
        #[arg(long)]
        fix: bool,
    },
}

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("video_service: {error}");
            ExitCode::from(if matches!(error, StartError::Settings(_)) { 2 } else { 1 })
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, StartError> {
    let settings = Settings::load(arguments.config.as_deref(), std::env::vars())?;
    logging::start(&settings.log)?;
    app::keep_files_private();
    app::allow_many_connections();
    let role = match arguments.command.unwrap_or(Command::All) {
        Command::Migrate => return startup::migrate(&settings).await.map(|()| ExitCode::SUCCESS),
        Command::Storage(Storage::Check { fix }) => {
            let findings = startup::check_storage(&settings, fix).await?;
            return Ok(ExitCode::from(u8::from(findings > 0 && !fix)));
        }
        Command::Serve => Role::Serve,
        Command::Work => Role::Work,
        Command::All => Role::All,
    };
    let application = Application::build(settings, role).await?;
    application.run_until_stopped().await.map_err(|error| StartError::Environment(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
