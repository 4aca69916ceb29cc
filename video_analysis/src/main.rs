//! `video_analysis FILE`: the report as JSON or as a table.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
