//! `video_analysis analyze`: files and folders in, reports out.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use video_analysis::{
    DetectorName, Execution, FeatureCache, Options, Report, analyze, analyze_with_curves, poster_jpeg,
};

use super::form::{Form, media_at};
use super::inputs::{self, Input};
use super::progress::Bars;
use super::{Failure, print, read_json_object, write_file};

/// Analyse files, or all video and audio files of folders.
///
/// Reports go to standard output or into --out, progress bars to standard error when that is a terminal. A file that cannot
/// be analysed does not stop the others; the exit status tells.
#[derive(Args)]
pub(super) struct Analyze {
    /// Files, and folders: all video and audio files in them, however deep, sorted.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    inputs: Vec<PathBuf>,

    /// What to make of the reports.
    #[arg(long, value_enum, default_value_t = Form::Json)]
    format: Form,

    /// Write each result into this folder, under the name of its file: needed for several, but with --lines or as tables.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Print a line of JSON for each file as soon as it is done: its path as "file", and "report" or "error".
    #[arg(long, conflicts_with_all = ["out", "format"])]
    lines: bool,

    /// Write the poster as a JPEG (of a single file).
    #[arg(long, value_name = "OUT.jpg")]
    poster: Option<PathBuf>,

    /// Write curves for plotting as JSON: change, luma, bit rate, loudness and waveform, in several resolutions (of a single file).
    #[arg(long, value_name = "OUT.json")]
    curves: Option<PathBuf>,

    /// Run these detectors alone, and those that they work from, such as `shots,loudness`; what none of them needs is not decoded.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = named_detector)]
    detectors: Vec<DetectorName>,

    #[command(flatten)]
    how: How,
}

/// How to analyse, of every command that does.
#[derive(Args)]
pub(super) struct How {
    /// Parameters of the detectors, as a JSON file; `video_analysis schema options` describes it.
    #[arg(long, value_name = "OPTIONS.json")]
    options: Option<PathBuf>,

    /// Pieces that are decoded side by side [default: the number of cores, but at least 2]; the report is the same for any.
    #[arg(long, value_name = "N")]
    segments: Option<NonZeroUsize>,

    /// Keep in this folder what decoding gives, up to 1 GiB: another analysis of the same bytes does not decode again.
    #[arg(long, value_name = "FOLDER")]
    feature_cache: Option<PathBuf>,
}

fn named_detector(name: &str) -> Result<DetectorName, String> {
    let known = DetectorName::ALL.into_iter().find(|detector| detector.as_str() == name);
    known.ok_or_else(|| format!("there are {}", DetectorName::ALL.map(DetectorName::as_str).join(", ")))
}

/// What `--feature-cache` may take: the features of about two days of film.
const CACHE_BYTES: u64 = 1 << 30;

impl How {
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let options: Options = self.options.as_deref().map(read_json_object).transpose()?.unwrap_or_default();
        options.validate().map_err(|invalid| Failure::usage(format!("options: {invalid}")))?;
        Ok(options)
    }

    pub(super) fn execution(&self) -> Execution {
        let cache = |folder: &PathBuf| FeatureCache::new(folder.clone(), CACHE_BYTES);
        let default = Execution::default();
        Execution {
            segments: self.segments.unwrap_or(default.segments),
            feature_cache: self.feature_cache.as_ref().map(cache),
            ..default
        }
    }
}

impl Analyze {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let inputs = inputs::collect(&self.inputs)?;
        let several = inputs.len() > 1;
        if several && (self.poster.is_some() || self.curves.is_some()) {
            return Err(Failure::usage("--poster and --curves are for a single file".to_owned()));
        }
        if several && self.out.is_none() && !self.lines && self.format != Form::Table {
            return Err(Failure::usage(
                "several files need --out FOLDER, --lines or --format table".to_owned(),
            ));
        }
        if self.out.is_some() {
            inputs::check_places(&inputs)?;
        }
        let (mut options, execution) = (self.how.options()?, self.how.execution());
        if !self.detectors.is_empty() {
            options.detectors = self.detectors.iter().copied().collect();
        }
        let size = |input: &Input| input.path.metadata().map_or(0, |metadata| metadata.len());
        let bars = Bars::new(&inputs.iter().map(size).collect::<Vec<_>>());
        let mut failed = 0;
        for input in &inputs {
            let bar = bars.next(&input.place.to_string_lossy(), size(input));
            let analyzed = match &self.curves {
                None => analyze(&input.path, &options, &execution, &bar).map(|report| (report, None)),
                Some(_) => analyze_with_curves(&input.path, &options, &execution, &bar)
                    .map(|(report, curves)| (report, Some(curves))),
            };
            drop(bar);
            let (report, curves) =
                analyzed.map_or_else(|error| (Err(error), None), |(report, curves)| (Ok(report), curves));
            if let Some((path, curves)) = self.curves.as_ref().zip(curves) {
                write_file(path, &curves.canonical_json()?)?;
            }
            if self.lines {
                failed += usize::from(report.is_err());
                print(&line(input, report)?)?;
                continue;
            }
            match report
                .map_err(Failure::from)
                .and_then(|report| self.deliver(input, &report, &execution, several))
            {
                Ok(()) => {}
                Err(failure) if several => {
                    failed += 1;
                    bars.tell(&failure.of(&input.path).text);
                }
                Err(failure) => return Err(failure),
            }
        }
        match failed {
            0 => Ok(()),
            failed => {
                Err(Failure::failed(format!("{failed} of {} files could not be analysed", inputs.len())))
            }
        }
    }

    fn deliver(
        &self,
        input: &Input,
        report: &Report,
        execution: &Execution,
        several: bool,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.poster {
            write_file(path, &poster_jpeg(&input.path, report, execution, &())?)?;
        }
        let text = self.format.render(report, &media_at(&input.path))?;
        let Some(out) = &self.out else {
            let text = if several { format!("{}\n{text}\n", input.path.display()) } else { text };
            return print(&text);
        };
        let mut name = out.join(&input.place).into_os_string();
        name.push(format!(".{}", self.format.extension()));
        write_file(&PathBuf::from(name), text.as_bytes())
    }
}

fn line(input: &Input, report: Result<Report, video_analysis::Error>) -> Result<String, Failure> {
    let file = input.path.to_string_lossy();
    let line = match report {
        Ok(report) => json!({ "file": file, "report": report }),
        Err(error) => json!({ "file": file, "error": { "code": error.code(), "message": error.message() } }),
    };
    serde_json::to_string(&line)
        .map(|line| line + "\n")
        .map_err(|error| Failure::failed(format!("report: {error}")))
}
