//! The command line over the library.

mod progress;
mod table;

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use video_analysis::{Execution, FeatureCache, Options, Report, analyze, poster_jpeg};

/// Analyse a video or audio file: shots, fades, black and silent ranges, loudness, poster, metadata.
///
/// The report goes to standard output, a progress bar to standard error when that is a terminal.
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 done, 1 the analysis failed, 2 wrong usage.")]
struct Arguments {
    /// The file to analyse.
    #[arg(required_unless_present = "report")]
    file: Option<PathBuf>,

    /// Print a saved report instead of analysing a file.
    #[arg(long, value_name = "REPORT.json", conflicts_with_all = ["file", "segments", "poster", "options", "feature_cache"])]
    report: Option<PathBuf>,

    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,

    /// Pieces that are decoded side by side [default: the number of cores, but at least 2]; the report is the same for any.
    #[arg(long, value_name = "N")]
    segments: Option<NonZeroUsize>,

    /// Write the poster as a JPEG.
    #[arg(long, value_name = "OUT.jpg")]
    poster: Option<PathBuf>,

    /// Parameters of the detectors, as a JSON file.
    #[arg(long, value_name = "OPTIONS.json")]
    options: Option<PathBuf>,

    /// Keep in this folder what decoding gives, up to 1 GiB: another analysis of the same bytes does not decode again.
    #[arg(long, value_name = "DIR")]
    feature_cache: Option<PathBuf>,
}

/// How to print the report.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The whole report.
    Json,
    /// What people want to know first.
    Table,
}

/// What `--feature-cache` may take: the features of about two days of film.
const CACHE_BYTES: u64 = 1 << 30;

/// Wrong arguments, as clap exits for them.
const USAGE: u8 = 2;

pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.text);
            ExitCode::from(failure.status)
        }
    }
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

    fn writing(what: &str, error: &io::Error) -> Self {
        Self { text: format!("{what}: {error}"), status: 1 }
    }
}

impl From<video_analysis::Error> for Failure {
    fn from(error: video_analysis::Error) -> Self {
        Self { text: format!("{}\n{error}", error.message()), status: 1 }
    }
}

fn execute(arguments: &Arguments) -> Result<(), Failure> {
    let report = match (&arguments.report, &arguments.file) {
        (Some(saved), _) => read_json(saved)?,
        (None, Some(file)) => analyse(arguments, file)?,
        (None, None) => return Err(Failure::usage("no file is given".to_owned())),
    };
    let text = match arguments.format {
        Format::Json => serde_json::to_string_pretty(&report)
            .map_err(|error| Failure { text: format!("report: {error}"), status: 1 })?,
        Format::Table => table::render(&report),
    };
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        // `| head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::writing("standard output", &error)),
    }
}

fn analyse(arguments: &Arguments, file: &Path) -> Result<Report, Failure> {
    let mut execution = Execution::default();
    if let Some(segments) = arguments.segments {
        execution.segments = segments;
    }
    let cache = |directory: &PathBuf| FeatureCache::new(directory.clone(), CACHE_BYTES);
    execution.feature_cache = arguments.feature_cache.as_ref().map(cache);
    let options: Options = arguments.options.as_deref().map(read_json).transpose()?.unwrap_or_default();
    options.validate().map_err(|invalid| Failure::usage(format!("options: {invalid}")))?;
    let report = if io::stderr().is_terminal() {
        analyze(file, &options, &execution, &progress::Bar::new())?
    } else {
        analyze(file, &options, &execution, &())?
    };
    if let Some(path) = &arguments.poster {
        let jpeg = poster_jpeg(file, &report, &execution)?;
        std::fs::write(path, jpeg).map_err(|error| Failure::writing(&path.display().to_string(), &error))?;
    }
    Ok(report)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::usage(format!("{name}: {error}")))
}
