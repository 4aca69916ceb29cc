//! What a report can be printed or written as.

use std::path::Path;

use clap::ValueEnum;
use url::Url;
use video_analysis::Report;
use video_analysis::export::{self, Media};

use super::{Failure, table};

/// A form of a report.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// The whole report.
    Json,
    /// What people want to know first.
    Table,
    /// Every range of every detector, a row each.
    Csv,
    #[value(help = "The scene list of PySceneDetect, which its load-scenes reads")]
    Pyscenedetect,
    /// Edit decision list, CMX 3600.
    Edl,
    #[value(help = "OpenTimelineIO")]
    Otio,
    /// Final Cut Pro XML 1.8.
    Fcpxml,
    #[value(help = "WebVTT chapters, one a shot")]
    Webvtt,
    #[value(help = "FFmpeg's metadata file, a chapter a shot")]
    Ffmetadata,
    /// Pictures at which x264 and x265 are to begin anew (--qpfile).
    Qpfile,
}

impl Form {
    fn exported(self) -> Option<export::Format> {
        Some(match self {
            Self::Json | Self::Table => return None,
            Self::Csv => export::Format::Csv,
            Self::Pyscenedetect => export::Format::PySceneDetect,
            Self::Edl => export::Format::Edl,
            Self::Otio => export::Format::Otio,
            Self::Fcpxml => export::Format::Fcpxml,
            Self::Webvtt => export::Format::WebVtt,
            Self::Ffmetadata => export::Format::FfMetadata,
            Self::Qpfile => export::Format::QpFile,
        })
    }

    /// How names of such files end, without the dot.
    pub(super) fn extension(self) -> &'static str {
        match self.exported() {
            Some(format) => format.extension(),
            None if self == Self::Json => "json",
            None => "txt",
        }
    }

    pub(super) fn render(self, report: &Report, media: &Media) -> Result<String, Failure> {
        match self.exported() {
            Some(format) => {
                export::export(report, format, media).map_err(|error| Failure::failed(error.to_string()))
            }
            None if self == Self::Table => Ok(table::render(report)),
            None => serde_json::to_string_pretty(report)
                .map(|text| text + "\n")
                .map_err(|error| Failure::failed(format!("report: {error}"))),
        }
    }
}

/// A file of this machine, as exports refer to it.
pub(super) fn media_at(file: &Path) -> Media {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let absolute = std::path::absolute(file).ok();
    let url = absolute.and_then(|path| Url::from_file_path(path).ok()).map(String::from);
    Media { name, url }
}
