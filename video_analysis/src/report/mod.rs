//! The report: everything an analysis found, in one JSON document of stable bytes.

mod audio;
mod color;
mod curves;
mod damage;
mod detector;
pub(crate) mod findings;
mod media;
mod packets;
mod segment;

pub use audio::{AudioFindings, AudioTiming, ChannelFault, ChannelFaultKind, ChannelLevel, ClippedRange};
pub use color::{NotRgb, Plain, Rgb};
pub use curves::{
    AudioCurves, BitRateCurve, CURVES_VERSION, Curves, LoudnessCurve, Peaks, PictureCurve, VideoCurves,
};
pub use damage::{DamageKind, DamageRange, DamageTotals, StreamDamage};
pub use detector::{Coverage, DetectorRun, DetectorStatus, NOT_ASKED_FOR};
pub use media::{
    AudioStream, Chapter, Chromaticity, Color, Container, ContentLight, Hdr, MasteringDisplay, Stream,
    StreamKind, VideoStream,
};
pub use packets::{BitRate, GroupsOfPictures, Timing, VideoPackets};
pub use segment::{
    ActiveArea, Evidence, OpenedBy, Rectangle, Representative, Segment, SegmentKind, Shot, Swatch,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::choice::DetectorName;
use crate::error::{Error, ErrorKind};
use crate::rational::Rational;

/// Version of the report's shape; a new major number means that members changed their meaning or went away.
pub const SCHEMA_VERSION: &str = "1.3";

/// Everything found in one file. The same file, options and decoder give the same bytes, however the work was split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the engine that wrote it.
    pub schema_version: String,
    /// Who made it.
    pub engine: Engine,
    /// From which bytes.
    pub input: Input,
    /// The file as a whole.
    pub container: Container,
    /// Its streams, in the container's order.
    pub streams: Vec<Stream>,
    /// What the packets of the analysed video stream tell without decoding; `null` without one.
    pub packets: Option<VideoPackets>,
    /// Number of pictures of the analysed video stream; 0 without one.
    pub frames: u64,
    /// Shots, tiling `[0, frames)` without gaps.
    pub shots: Vec<Shot>,
    /// Gradual transitions, each with the range of its mixed frames: `fade_out`, `fade_in` and `dissolve`. A fade-out, the colour
    /// between and the fade-in that follows open one shot together, but are two ranges here.
    pub transitions: Vec<Segment>,
    /// Black ranges.
    pub black: Vec<Segment>,
    /// Ranges of one colour that is not black.
    pub plain: Vec<Plain>,
    /// Ranges in which the picture stands still. What is black or of one colour does not change either: it is only listed
    /// as what it is.
    pub freezes: Vec<Segment>,
    /// Ranges with bars around the picture, and the picture inside them; elsewhere it fills the frame.
    pub active_area: Vec<ActiveArea>,
    /// Silent ranges of the audio stream to be played by default. They have no frames; their time base is one sample.
    pub silence: Vec<Segment>,
    /// Loudness of the audio stream to be played by default; `null` without one.
    pub loudness: Option<Loudness>,
    /// Every audio stream, in the container's order.
    pub audio: Vec<AudioFindings>,
    /// The damage map: every analysed stream in the container's order, also those without damage. Reports before 1.2 have none.
    #[serde(default)]
    pub damage: Vec<StreamDamage>,
    /// The picture that stands for the file; `null` without pictures.
    pub poster: Option<Poster>,
    /// Each detector: whether it ran, with which parameters, over how much.
    pub detectors: Vec<DetectorRun>,
    /// `sha256:` and the hexadecimal SHA-256 of the report's RFC 8785 form without this member.
    pub digest: String,
}

impl Report {
    /// Whether the time of a stream goes back somewhere, so that several of its pictures may have one timestamp.
    pub(crate) fn goes_back(&self, stream: u32) -> bool {
        self.damage.iter().any(|damage| damage.stream == stream && damage.totals.backwards > 0)
    }
}

/// The program that made a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Engine {
    /// Always `video_analysis`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The decoder and its version.
    pub decoder: String,
    /// What the decoder is let off for the sake of speed, as its options: `skip_loop_filter=noref` has it leave out the loop filter
    /// in pictures that no other picture refers to, so that no other differs.
    pub shortcuts: Vec<String>,
}

/// The bytes a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Input {
    /// Hexadecimal SHA-256 of the file.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// Loudness by EBU R 128 (ITU-R BS.1770-4, EBU Tech 3341 and 3342), rounded to 0.01.
///
/// A level that is minus infinity, as of digital silence, or that the sound is too short for, is `null`, and `note` says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Loudness {
    /// Integrated (programme) loudness in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU.
    pub range_lu: Option<f64>,
    /// Largest true peak of any channel in dB relative to full scale, over-sampled.
    pub true_peak_dbtp: Option<f64>,
    /// Largest sample of any channel in dB relative to full scale.
    pub sample_peak_dbfs: Option<f64>,
    /// Maximum of the momentary loudness (400 ms) in LUFS.
    pub momentary_max_lufs: Option<f64>,
    /// Maximum of the short-term loudness (3 s) in LUFS.
    pub short_term_max_lufs: Option<f64>,
    /// Why levels are missing.
    pub note: Option<String>,
}

/// The picture chosen to stand for the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Poster {
    /// Its ordinal.
    pub frame: u64,
    /// Its timestamp in `time_base`.
    pub pts: i64,
    /// The video stream's time base.
    pub time_base: Rational,
    /// Its time in seconds.
    pub seconds: f64,
    /// How good it is among the file's pictures, 0 to 1.
    pub score: f64,
}

impl Report {
    /// What a detector did.
    #[must_use]
    pub fn run_of(&self, detector: DetectorName) -> Option<&DetectorRun> {
        self.detectors.iter().find(|run| run.name == detector.as_str())
    }

    /// The whole report in its RFC 8785 (JCS) form: the bytes to store, compare and sign.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the report cannot be serialized, which no report made by this crate can bring about.
    pub fn canonical_json(&self) -> Result<Vec<u8>, Error> {
        canonical_bytes(self)
    }

    /// What [`Report::digest`] should be, computed again from the other members.
    ///
    /// # Errors
    /// As [`Report::canonical_json`].
    pub fn computed_digest(&self) -> Result<String, Error> {
        let mut value = serde_json::to_value(self).map_err(unserializable)?;
        if let Some(members) = value.as_object_mut() {
            members.remove("digest");
        }
        let bytes = serde_json_canonicalizer::to_vec(&value).map_err(unserializable)?;
        Ok(format!("sha256:{}", hex::encode(Sha256::digest(&bytes))))
    }
}

pub(crate) fn canonical_bytes(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json_canonicalizer::to_vec(value).map_err(unserializable)
}

/// A value as it reads back from its RFC 8785 form, in which `4.0` is `4`: so that a report equals itself after storage.
pub(crate) fn canonical_value(value: &serde_json::Value) -> Result<serde_json::Value, Error> {
    let bytes = serde_json_canonicalizer::to_vec(value).map_err(unserializable)?;
    serde_json::from_slice(&bytes).map_err(unserializable)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unserializable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Io, format!("report cannot be serialized: {error}"))
}
