//! Where a stream is damaged, and how much of it was decoded nevertheless.

use serde::{Deserialize, Serialize};

use crate::rational::Rational;

/// The damage map of one analysed stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct StreamDamage {
    /// Index of the stream.
    pub stream: u32,
    /// Share of the stream's time that was decoded, 0 to 1: without ranges of type `undecodable`, `gap` and `cut_off`. `null` where
    /// the stream is damaged and has no timestamps that would tell how long it should be.
    pub coverage: Option<f64>,
    /// Seconds from the first timestamp to the end of the last one, or to the end that the container promises, where it is cut off.
    pub expected_seconds: f64,
    /// How much of each type there is, also in ranges that are left off and where nothing tells the time.
    pub totals: DamageTotals,
    /// Where it is damaged, in order; those of one type that touch are one.
    pub ranges: Vec<DamageRange>,
    /// Ranges that are not listed, because there are more than a thousand.
    pub left_off: u64,
}

/// How much of each type of damage there is in a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct DamageTotals {
    /// Packets that the demuxer or the decoder complained about.
    pub decode_error: u64,
    /// Packets of which no picture came.
    pub undecodable: u64,
    /// Pictures, or samples per channel, for which timestamps leave room.
    pub gap: u64,
    /// Packets with the timestamp of another one.
    pub duplicated: u64,
    /// How many times timestamps go back.
    pub backwards: u64,
    /// Packets that the container promises behind its end; of sound, samples per channel.
    pub cut_off: u64,
}

/// A half-open range `[start, end)` of a stream that is damaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct DamageRange {
    /// What is wrong.
    #[serde(rename = "type")]
    pub kind: DamageKind,
    /// Ordinal of the first frame at or after the start; `null` for sound, and where frames' timestamps do not rise.
    pub start_frame: Option<u64>,
    /// Ordinal of the first frame at or after the end: that of `start_frame`, where no frame is in the range.
    pub end_frame: Option<u64>,
    /// Timestamp of the start, in `time_base`.
    pub start_pts: i64,
    /// Timestamp of the end.
    pub end_pts: i64,
    /// The video stream's time base; for sound, one sample (`1/48000`).
    pub time_base: Rational,
    /// `start_pts` in seconds, rounded to microseconds.
    pub start_seconds: f64,
    /// `end_pts` in seconds, rounded to microseconds.
    pub end_seconds: f64,
    /// How much of it there is, counted as in `totals`; 0 where nothing tells.
    pub count: u64,
}

/// What is wrong with a part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum DamageKind {
    /// The demuxer or the decoder complained about packets here. What they show may be wrong, and so may what refers to it, up to
    /// the next keyframe.
    DecodeError,
    /// No picture came of these packets.
    Undecodable,
    /// There is nothing here where the timestamps around have something: pictures of an otherwise constant rate, or samples.
    Gap,
    /// Several packets have this timestamp.
    Duplicated,
    /// Timestamps go back from the end of this range to its start: its time is there twice.
    Backwards,
    /// The container promises more than there is.
    CutOff,
}
