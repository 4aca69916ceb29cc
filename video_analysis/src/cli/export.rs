//! `video_analysis export`: a saved report in another form.

use std::path::PathBuf;

use clap::Args;
use video_analysis::Report;
use video_analysis::export::Media;

use super::form::{Form, media_at};
use super::{Failure, print, read_json, write_file};

/// Write a saved report in the format of another program.
///
/// Works from the report alone. EDL and FCPXML need a constant frame rate, and are refused where the film has none.
#[derive(Args)]
pub(super) struct Export {
    /// The report, as `analyze` writes it.
    #[arg(value_name = "REPORT.json")]
    report: PathBuf,

    /// The format.
    #[arg(long, value_enum)]
    to: Form,

    /// The film, for formats that refer to it [default: the report's name, without a place].
    #[arg(long, value_name = "FILE")]
    media: Option<PathBuf>,

    /// Where to write [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let report: Report = read_json(&self.report)?;
        let media = self.media.as_deref().map_or_else(|| self.unplaced(), media_at);
        let text = self.to.render(&report, &media)?;
        match &self.output {
            Some(path) => write_file(path, text.as_bytes()),
            None => print(&text),
        }
    }

    fn unplaced(&self) -> Media {
        let name = self.report.file_stem().unwrap_or(self.report.as_os_str());
        Media { name: name.to_string_lossy().into_owned(), url: None }
    }
}
