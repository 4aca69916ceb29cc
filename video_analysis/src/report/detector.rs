//! What each detector did.

use serde::{Deserialize, Serialize};

/// One detector of one analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct DetectorRun {
    /// That of a [`DetectorName`](crate::DetectorName), such as `shots`.
    pub name: String,
    /// Changes whenever the same input may give another result.
    pub version: String,
    /// The parameters it ran with.
    #[cfg_attr(feature = "utoipa", schema(value_type = Object))]
    pub params: serde_json::Value,
    /// Whether it was asked for, or another one needed it.
    #[serde(default = "yes")]
    pub asked: bool,
    /// Whether it ran.
    pub status: DetectorStatus,
    /// Why it did not run.
    pub skipped_reason: Option<String>,
    /// What it really examined; `null` when skipped. Of sound, the stream to be played by default; `audio` has the others'.
    pub coverage: Option<Coverage>,
}

/// [`DetectorRun::skipped_reason`] where nobody asked for it.
pub const NOT_ASKED_FOR: &str = "not asked for";

/// Reports of version 1.2 and before are of all detectors.
fn yes() -> bool {
    true
}

/// Whether a detector ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum DetectorStatus {
    /// It examined the whole stream.
    Completed,
    /// It examined what could be decoded of a damaged stream; see the coverage.
    Damaged,
    /// Nobody asked for it, or it had nothing to examine.
    Skipped,
}

/// How much of a stream was examined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// Index of the stream.
    pub stream: u32,
    /// Pictures examined; `null` for sound.
    pub frames: Option<u64>,
    /// Samples per channel examined; `null` for pictures.
    pub samples: Option<u64>,
    /// Seconds examined, from the first to the end of the last.
    pub seconds: f64,
    /// Seconds the container promises for the stream, where it promises any.
    pub expected_seconds: Option<f64>,
    /// Whether the container or the decoder reported errors, so that pictures or samples may be missing or wrong.
    pub damaged: bool,
}
