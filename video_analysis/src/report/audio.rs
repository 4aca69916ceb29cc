//! What was found in one audio stream.

use serde::{Deserialize, Serialize};

use super::{Coverage, Evidence, Loudness, Segment};

/// One audio stream: how loud it is, where it is silent, what is wrong with its channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct AudioFindings {
    /// How much of which stream was examined.
    pub coverage: Coverage,
    /// Whether all of it is silent: no sample of any channel reaches the level of silence.
    pub silent: bool,
    /// Its loudness; `null` without a sample.
    pub loudness: Option<Loudness>,
    /// Silent ranges. They have no frames; their time base is one sample.
    pub silence: Vec<Segment>,
    /// Clipped ranges, channel by channel, to 100 ms; those less than a second apart are one.
    pub clipping: Vec<ClippedRange>,
    /// The levels of its channels, in order; of the first 16.
    pub channels: Vec<ChannelLevel>,
    /// Dead, inverted and duplicated channels: verdicts over the whole stream.
    pub channel_faults: Vec<ChannelFault>,
    /// When it sounds, beside the pictures and by its own samples; `null` without a sample, and in reports before 1.2.
    #[serde(default)]
    pub timing: Option<AudioTiming>,
}

impl AudioFindings {
    /// Nothing found yet.
    pub(crate) fn of(coverage: Coverage) -> Self {
        Self {
            coverage,
            silent: false,
            loudness: None,
            silence: Vec::new(),
            clipping: Vec::new(),
            channels: Vec::new(),
            channel_faults: Vec::new(),
            timing: None,
        }
    }
}

/// When the sound of a stream begins and ends, and how its timestamps and its samples agree. Seconds, rounded to microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct AudioTiming {
    /// Timestamp of the first sample.
    pub start_seconds: f64,
    /// The end of the last sample by its timestamp.
    pub end_seconds: f64,
    /// By how much the sound begins after the pictures; negative: before. `null` without pictures.
    pub start_offset_seconds: Option<f64>,
    /// By how much it ends after the last picture ends; negative: before.
    pub end_offset_seconds: Option<f64>,
    /// By how much it lasts longer than the pictures, from its start to its end; negative: shorter.
    pub duration_difference_seconds: Option<f64>,
    /// How long the samples last at the sampling rate.
    pub decoded_seconds: f64,
    /// How long the gaps in its timestamps are, all together; `damage` says where.
    pub gap_seconds: f64,
    /// By how much timestamps have run ahead of the samples at the end, gaps and what is there twice left out; negative: fallen behind. 0
    /// where it is less than two ticks of the stream's time base.
    pub drift_seconds: f64,
    /// The same in parts per million of the samples' time; `null` where a tick of the time base is more than 100 of them.
    pub drift_ppm: Option<f64>,
}

/// A range in which one channel clips. The evidence is its longest run of samples at full scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ClippedRange {
    /// Its range.
    #[serde(flatten)]
    pub segment: Segment,
    /// Which channel, counted from 0.
    pub channel: u32,
    /// Samples of it that are at full scale, also in shorter runs.
    pub samples: u64,
}

/// The level of one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ChannelLevel {
    /// Which channel, counted from 0 in the order of the layout.
    pub channel: u32,
    /// Its largest sample in dB relative to full scale; `null` when every sample is zero.
    pub sample_peak_dbfs: Option<f64>,
    /// Root mean square of its samples in dB relative to full scale; a sine of full scale has -3.01. `null` as above.
    pub rms_dbfs: Option<f64>,
}

/// A channel that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ChannelFault {
    /// What is wrong.
    #[serde(rename = "type")]
    pub kind: ChannelFaultKind,
    /// Which channel, counted from 0.
    pub channel: u32,
    /// The channel that it copies or inverts; `null` for a dead one.
    pub other_channel: Option<u32>,
    /// From 0 to 1: how clearly the evidence is on its side of the threshold; 0.5 at the threshold itself.
    pub confidence: f64,
    /// What it was found by.
    pub evidence: Evidence,
}

/// What may be wrong with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum ChannelFaultKind {
    /// It stays silent while others sound; that of low-frequency effects may well.
    Dead,
    /// It is another one with opposite polarity: in mono, both cancel.
    Inverted,
    /// It is the same as another one: dual mono.
    Duplicated,
}
