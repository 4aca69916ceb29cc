//! The command line over the library: a command a file.

mod analyze;
mod explain;
mod export;
mod form;
mod frame;
mod inputs;
mod preview;
mod progress;
#[cfg(feature = "utoipa")]
mod schema;
mod selftest;
mod storyboard;
mod table;
mod verify;

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use serde::de::DeserializeOwned;

/// Analyse video and audio files: shots, fades, black and silent ranges, loudness, poster, metadata.
///
/// `video_analysis FILE` is short for `video_analysis analyze FILE`.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Analyze(analyze::Analyze),
    Explain(explain::Explain),
    Export(export::Export),
    Frame(frame::Frame),
    Preview(preview::FirstLook),
    Storyboard(storyboard::Board),
    Verify(verify::Verify),
    #[command(name = "selftest")]
    SelfTest(selftest::SelfTest),
    #[cfg(feature = "utoipa")]
    Schema(schema::Schema),
}

const EXIT_STATUS: &str = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 what was checked is not so.";

/// Wrong arguments, as clap exits for them.
const USAGE: u8 = 2;
/// What was checked is not as it should be.
const WRONG: u8 = 3;

pub(crate) fn run() -> ExitCode {
    let done = match Arguments::parse_from(with_command(std::env::args_os())).command {
        Command::Analyze(arguments) => arguments.run(),
        Command::Explain(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Frame(arguments) => arguments.run(),
        Command::Preview(arguments) => arguments.run(),
        Command::Storyboard(arguments) => arguments.run(),
        Command::Verify(arguments) => arguments.run(),
        Command::SelfTest(arguments) => arguments.run(),
        #[cfg(feature = "utoipa")]
        Command::Schema(arguments) => arguments.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                eprintln!("{}", failure.text);
            }
            ExitCode::from(failure.status)
        }
    }
}

/// Arguments that name no command are those of `analyze`.
fn with_command(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    const OWN: [&str; 5] = ["help", "-h", "--help", "-V", "--version"];
    let mut arguments: Vec<OsString> = arguments.collect();
    let command = Arguments::command();
    let known = command.get_subcommands().map(clap::Command::get_name).chain(OWN);
    let named = arguments.get(1).is_none_or(|first| known.into_iter().any(|name| first == name));
    if !named {
        arguments.insert(1, "analyze".into());
    }
    arguments
}

/// What is told on standard error, and with which exit status: the first line is for people, a second for details.
struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    fn usage(text: String) -> Self {
        Self { text, status: USAGE }
    }

    fn failed(text: String) -> Self {
        Self { text, status: 1 }
    }

    fn writing(what: &str, error: &io::Error) -> Self {
        Self::failed(format!("{what}: {error}"))
    }

    /// The same, of one of several files.
    fn of(self, file: &Path) -> Self {
        Self { text: format!("{}: {}", file.display(), self.text), ..self }
    }
}

impl From<video_analysis::Error> for Failure {
    fn from(error: video_analysis::Error) -> Self {
        Self::failed(format!("{}\n{error}", error.message()))
    }
}

fn print(text: &str) -> Result<(), Failure> {
    match write!(io::stdout(), "{text}") {
        // `| head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::writing("standard output", &error)),
    }
}

/// Writes a file that is there whole or not at all.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is its owner's alone; a result is as readable as any other file.
    let readable = Permissions::from_mode(0o666);
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::Builder::new().permissions(readable).tempfile_in(folder))
        .and_then(|mut file| file.write_all(bytes).map(|()| file))
        .and_then(|file| file.persist(path).map_err(io::Error::from));
    written.map(drop).map_err(|error| Failure::writing(&path.display().to_string(), &error))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    parse_json(path, &read(path)?)
}

/// The same of an object. An array would do for serde, which takes its elements for the members. Read once, for it may be a pipe.
fn read_json_object<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let bytes = read(path)?;
    parse_json::<serde_json::Map<String, serde_json::Value>>(path, &bytes)?;
    parse_json(path, &bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
