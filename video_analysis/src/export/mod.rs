//! What was found, in the formats of other programs: from a [`Report`] alone, without the film.
//!
//! Each format is one file here, and says there what it can hold. Three kinds of time are used, and none of them is rounded
//! more than its format asks for:
//! - frame numbers (qpfile, PySceneDetect's lists), the ordinals of the report;
//! - timecodes and multiples of a frame's duration (EDL, FCPXML, OTIO), counted from the first picture; EDL and FCPXML need
//!   a constant rate, which the report must bear out: on a film without one they are refused;
//! - time as players show it (WebVTT, ffmetadata), counted from the container's first timestamp.

mod chapters;
mod clock;
mod csv;
mod edl;
mod fcpxml;
mod film;
mod otio;
mod pyscenedetect;
mod qpfile;
mod timecode;

use crate::choice::DetectorName;
use crate::report::Report;
use film::Film;
#[cfg(feature = "fuzzing")]
pub(crate) use timecode::Timecode;

/// A format of another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Every range of every detector as a row of comma-separated values.
    Csv,
    /// The scene list that PySceneDetect's `list-scenes` writes and its `load-scenes` reads.
    PySceneDetect,
    /// CMX 3600 edit decision list.
    Edl,
    /// OpenTimelineIO JSON.
    Otio,
    /// Final Cut Pro XML, version 1.8, which DaVinci Resolve reads as well.
    Fcpxml,
    /// WebVTT chapters, one a shot, for `<track kind="chapters">`.
    WebVtt,
    /// FFmpeg's metadata file with a chapter a shot.
    FfMetadata,
    /// `--qpfile` of x264 and x265: an IDR picture at the start of every shot.
    QpFile,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Csv,
        Self::PySceneDetect,
        Self::Edl,
        Self::Otio,
        Self::Fcpxml,
        Self::WebVtt,
        Self::FfMetadata,
        Self::QpFile,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::PySceneDetect => "pyscenedetect",
            Self::Edl => "edl",
            Self::Otio => "otio",
            Self::Fcpxml => "fcpxml",
            Self::WebVtt => "webvtt",
            Self::FfMetadata => "ffmetadata",
            Self::QpFile => "qpfile",
        }
    }

    /// How names of such files end, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::PySceneDetect => "scenes.csv",
            Self::Edl => "edl",
            Self::Otio => "otio",
            Self::Fcpxml => "fcpxml",
            Self::WebVtt => "vtt",
            Self::FfMetadata => "ffmetadata",
            Self::QpFile => "qpfile",
        }
    }
}

/// The film as exports name it: a report knows its bytes, not where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What the clip is called.
    pub name: String,
    /// Where it is, as a URL (`file:///films/bunny.mp4`). Without one an OTIO reference is missing, and FCPXML refers to
    /// the name, beside it.
    pub url: Option<String>,
}

/// Why a report cannot be had in a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It is of another version than [`SCHEMA_VERSION`](crate::report::SCHEMA_VERSION).
    #[error("the report has version {0}, which is not known here")]
    UnknownVersion(String),
    /// The format holds shots, and there are none.
    #[error("the film has no pictures, and the format holds nothing else")]
    NoPictures,
    /// The format holds shots, and the analysis was not asked for them.
    #[error("the analysis was not asked for shots, and the format holds nothing else")]
    ShotsNotAskedFor,
    /// The format has times in order, and the film's go back.
    #[error("the time of the film's pictures goes back, which the format cannot express; csv and qpfile can")]
    TimeGoesBack,
    /// The format counts in frames of one duration.
    #[error(
        "the film has no constant frame rate, which the format cannot express; csv, otio, webvtt and ffmetadata can"
    )]
    VariableFrameRate,
    /// SMPTE ST 12-1 has no timecode of this rate.
    #[error("there is no timecode for {0} frames per second")]
    NoTimecode(crate::Rational),
}

/// The report in a format, as text.
///
/// # Errors
/// Where the format cannot hold what was found: see [`ExportError`].
///
/// ```no_run
/// use video_analysis::export::{Format, Media, export};
///
/// let report: video_analysis::Report = serde_json::from_slice(&std::fs::read("film.json")?)?;
/// let media = Media { name: "film.mp4".to_owned(), url: None };
/// print!("{}", export(&report, Format::Edl, &media)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export(report: &Report, format: Format, media: &Media) -> Result<String, ExportError> {
    if report.schema_version.split('.').next() != crate::report::SCHEMA_VERSION.split('.').next() {
        return Err(ExportError::UnknownVersion(report.schema_version.clone()));
    }
    let film = || match report.run_of(DetectorName::Shots) {
        Some(run) if !run.asked => Err(ExportError::ShotsNotAskedFor),
        _ => Film::of(report),
    };
    let in_order = || film().and_then(Film::in_order);
    match format {
        Format::Csv => Ok(csv::write(report)),
        Format::PySceneDetect => Ok(pyscenedetect::write(&in_order()?)),
        Format::Edl => edl::write(&in_order()?, media),
        Format::Otio => Ok(otio::write(&in_order()?, media)),
        Format::Fcpxml => fcpxml::write(&in_order()?, media),
        Format::WebVtt => Ok(chapters::webvtt(&in_order()?)),
        Format::FfMetadata => Ok(chapters::ffmetadata(&in_order()?)),
        Format::QpFile => Ok(qpfile::write(&film()?)),
    }
}
