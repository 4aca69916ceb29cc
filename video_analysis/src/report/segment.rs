//! One object for everything found.

use serde::{Deserialize, Serialize};

use super::Rgb;
use crate::rational::Rational;

/// A half-open range `[start, end)` of the file in which something was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Segment {
    /// What was found.
    #[serde(rename = "type")]
    pub kind: SegmentKind,
    /// Ordinal of the first frame, counted from 0 in presentation order; `null` for sound.
    pub start_frame: Option<u64>,
    /// Ordinal of the first frame after the range; `null` for sound.
    pub end_frame: Option<u64>,
    /// Timestamp of the start, in `time_base`.
    pub start_pts: i64,
    /// Timestamp of the end: that of the next frame, or the end of the last frame. Where time goes back at the end of the range, the next
    /// frame is earlier, and this the end of the last frame; where it does within the range, the end may be before the start.
    pub end_pts: i64,
    /// The video stream's time base; for sound, one sample (`1/48000`).
    pub time_base: Rational,
    /// `start_pts` in seconds, rounded to microseconds.
    pub start_seconds: f64,
    /// `end_pts` in seconds, rounded to microseconds.
    pub end_seconds: f64,
    /// From 0 to 1. Of shots and transitions the share of findings of this type, as clear as this one, that are true, as measured on
    /// clips of known truth; it does not depend on the options. Of everything else how clearly the evidence is on its side of
    /// the threshold: 0.5 at the threshold itself.
    pub confidence: f64,
    /// What it was found by; `null` where nothing had to be found, as for a film's first shot.
    pub evidence: Option<Evidence>,
}

/// The measurement that decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Name of the measure.
    pub metric: String,
    /// Its value here.
    pub value: f64,
    /// The value that decides.
    pub threshold: f64,
}

/// What a [`Segment`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum SegmentKind {
    /// Frames between two boundaries.
    Shot,
    /// A picture that turns into one colour.
    FadeOut,
    /// A picture that comes out of one colour.
    FadeIn,
    /// A picture that turns into another one, both seen through each other.
    Dissolve,
    /// A picture whose place another one takes bit by bit.
    Wipe,
    /// Frames that are black.
    Black,
    /// Frames of one colour that is not black.
    Plain,
    /// Frames that do not change.
    Freeze,
    /// Frames with bars above and below the picture.
    Letterbox,
    /// Frames with bars to the left and right of the picture.
    Pillarbox,
    /// Frames with bars all around the picture.
    Windowbox,
    /// Samples that are silent on all channels.
    Silence,
    /// Sound in which a channel is at full scale for several samples in a row.
    Clipping,
}

/// A range with bars around the picture: `letterbox`, `pillarbox` or `windowbox`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ActiveArea {
    /// Its range.
    #[serde(flatten)]
    pub segment: Segment,
    /// The picture inside the bars.
    pub active: Rectangle,
}

/// A part of the pictures, in pixels as they are coded: before rotation and pixel aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Rectangle {
    /// Columns to the left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Its columns.
    pub width: u32,
    /// Its rows.
    pub height: u32,
}

/// A shot: the segment, and what opens it. The segment's evidence is that of its opening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Shot {
    /// Its range.
    #[serde(flatten)]
    pub segment: Segment,
    /// What separates it from the shot before.
    pub opened_by: OpenedBy,
    /// The picture that stands for it.
    pub representative: Option<Representative>,
    /// Its colours, up to six, the most common first; fewer where there are fewer.
    pub palette: Vec<Swatch>,
}

/// The picture that stands for a shot: sharp, typical, outside transitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Representative {
    /// Its ordinal.
    pub frame: u64,
    /// Its timestamp in the shot's `time_base`.
    pub pts: i64,
    /// Its time in seconds.
    pub seconds: f64,
    /// How good it is among the shot's pictures, 0 to 1.
    pub score: f64,
}

/// A colour of a palette.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Swatch {
    /// The mean of all colours that are nearest to it.
    pub color: Rgb,
    /// How much of the shot has those, 0 to 1.
    pub share: f64,
}

/// What opens a shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum OpenedBy {
    /// The film begins.
    Start,
    /// One frame to the next.
    Cut,
    /// Through one colour; the shot begins with the first frame that is no longer blank.
    Fade,
    /// Through a mixture of both; the shot begins with the first frame that it is seen in.
    Dissolve,
    /// Bit by bit, each showing one or the other; the shot begins with the first frame that it is seen in.
    Wipe,
}
