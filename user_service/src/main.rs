//! The `user_service` program.

use std::process::ExitCode;

use clap::Parser;

#[actix_web::main]
async fn main() -> ExitCode {
    user_service::cli::Cli::parse().run().await
}
