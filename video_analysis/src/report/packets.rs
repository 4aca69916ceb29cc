//! What the packets of the analysed video stream tell, without decoding.

use serde::{Deserialize, Serialize};

use crate::rational::Rational;

/// Structure, timing and bit rate of the analysed video stream, from its packets alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct VideoPackets {
    /// Index of the stream.
    pub stream: u32,
    /// Packets with pictures to be shown.
    pub packets: u64,
    /// Packets that are decoded and not shown, as before the beginning of an edit list.
    pub discarded: u64,
    /// Groups of pictures.
    pub gop: GroupsOfPictures,
    /// When pictures are shown.
    pub timing: Timing,
    /// How many bits; `null` where the packets span no time.
    pub bit_rate: Option<BitRate>,
}

/// Groups of pictures: a keyframe and what follows, until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct GroupsOfPictures {
    /// How many.
    pub count: u64,
    /// Those that are open: pictures that come after the keyframe are shown before it.
    pub open: u64,
    /// Pictures in the shortest.
    pub min_frames: u64,
    /// The median.
    pub median_frames: u64,
    /// Pictures in the longest.
    pub max_frames: u64,
    /// Packets that are shown before one that came earlier: B-frames, in most codecs.
    pub reordered: u64,
}

/// The times of pictures, by the packets' timestamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Timing {
    /// Whether all pictures are where a constant rate has them, but for rounding to the time base (CFR); `null` with less than two.
    pub constant: Option<bool>,
    /// The exact rate, where it is constant and can be told from the timestamps and what the container says.
    pub frame_rate: Option<Rational>,
    /// Shortest time from one picture to the next, in the stream's time base.
    pub min_interval_pts: i64,
    /// The median.
    pub median_interval_pts: i64,
    /// The longest.
    pub max_interval_pts: i64,
    /// Packets without a timestamp.
    pub missing_timestamps: u64,
    /// Packets with the timestamp of another one.
    pub duplicated_timestamps: u64,
}

/// Bits per second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct BitRate {
    /// Over all whole seconds; over all there is, where that is less than one.
    pub mean: u64,
    /// Of the second with the most.
    pub peak: u64,
    /// Which second that is, counted from the first timestamp.
    pub peak_second: u64,
}
