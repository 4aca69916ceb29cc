//! What changes with time, for plotting: a document beside the report, which would grow with the length of the film.

use serde::{Deserialize, Serialize};

use super::{Input, canonical_bytes};
use crate::error::Error;
use crate::rational::Rational;

/// Version of the document's shape; a new major number means that members changed their meaning or went away.
pub const CURVES_VERSION: &str = "1.0";

/// Curves of one file, each in several resolutions, the finest first. The finest has every point or at most 65,536; each other one
/// has a quarter of the points of the one before. A document is bounded: some megabytes for the longest film.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Curves {
    /// [`CURVES_VERSION`] of the engine that wrote it.
    pub schema_version: String,
    /// From which bytes.
    pub input: Input,
    /// The `digest` of the report that it belongs to.
    pub report_digest: String,
    /// Of the analysed video stream; `null` without pictures.
    pub video: Option<VideoCurves>,
    /// Of every audio stream, in the container's order.
    pub audio: Vec<AudioCurves>,
}

/// Curves of the pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct VideoCurves {
    /// Index of the stream.
    pub stream: u32,
    /// The stream's time base.
    pub time_base: Rational,
    /// From fine to coarse.
    pub resolutions: Vec<PictureCurve>,
    /// Bit rate, from fine to coarse.
    pub bit_rate: Vec<BitRateCurve>,
}

/// Bits of the packets in one resolution, from the first timestamp on; twelve hours at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct BitRateCurve {
    /// Seconds in a point; the last one has what is left.
    pub seconds_per_point: u64,
    /// Bits per second, over the point.
    pub mean: Vec<u64>,
    /// Bits of the second with the most.
    pub peak: Vec<u64>,
}

/// The pictures in one resolution: columns of equal length, a point each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct PictureCurve {
    /// Pictures in a point; the last one has what is left.
    pub frames_per_point: u64,
    /// Timestamp of the point's first picture, in `time_base`.
    pub pts: Vec<i64>,
    /// Change from picture to picture that motion does not explain, in grey levels (0 to 255): the largest in the point.
    pub change: Vec<f64>,
    /// Mean luma (0 to 255), over the point.
    pub luma: Vec<f64>,
}

/// Curves of one audio stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct AudioCurves {
    /// Index of the stream.
    pub stream: u32,
    /// Time of its first sample in seconds.
    pub start_seconds: f64,
    /// Loudness, from fine to coarse.
    pub loudness: Vec<LoudnessCurve>,
    /// Smallest and largest samples, from fine to coarse.
    pub waveform: Vec<Peaks>,
}

/// Loudness in one resolution (EBU Tech 3341): the finest at 10 Hz, each value that of the loudest window that
/// ends in its point, windows moving by 10 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct LoudnessCurve {
    /// Seconds in a point.
    pub seconds_per_point: f64,
    /// Momentary loudness (400 ms) in LUFS; `null` before a window is full, and for minus infinity.
    pub momentary_lufs: Vec<Option<f64>>,
    /// Short-term loudness (3 s) in LUFS, likewise.
    pub short_term_lufs: Vec<Option<f64>>,
}

/// A waveform in one resolution, with the members of the JSON format of the BBC's `audiowaveform`, version 2, so that what draws
/// that draws this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Peaks {
    /// Of the format: 2.
    pub version: u32,
    /// Channels in `data`: those of the stream, 16 at most.
    pub channels: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// Samples per channel in a point.
    pub samples_per_pixel: u32,
    /// Bits of a number: 16.
    pub bits: u32,
    /// Number of points.
    pub length: u64,
    /// For each point and channel, the smallest and the largest sample.
    pub data: Vec<i16>,
}

impl Curves {
    /// The whole document in its RFC 8785 (JCS) form.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when it cannot be serialized, which no document made by this crate can bring about.
    pub fn canonical_json(&self) -> Result<Vec<u8>, Error> {
        canonical_bytes(self)
    }
}
