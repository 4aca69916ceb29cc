//! Technical metadata of the file and its streams.

use serde::{Deserialize, Serialize};

use crate::rational::Rational;

/// The file as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Container {
    /// FFmpeg's name of the demuxer, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// The same for people.
    pub format_name: Option<String>,
    /// Time of the first timestamp in seconds.
    pub start_seconds: Option<f64>,
    /// Duration in seconds.
    pub duration_seconds: Option<f64>,
    /// Bits per second over everything.
    pub bit_rate: Option<u64>,
    /// Chapters, in order.
    pub chapters: Vec<Chapter>,
}

/// A chapter as the container has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Chapter {
    /// Time base of `start_pts` and `end_pts`.
    pub time_base: Rational,
    /// Start.
    pub start_pts: i64,
    /// End, exclusive.
    pub end_pts: i64,
    /// Start in seconds.
    pub start_seconds: f64,
    /// End in seconds.
    pub end_seconds: f64,
    /// Its title.
    pub title: Option<String>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Stream {
    /// Its index in the file.
    pub index: u32,
    /// What it carries.
    pub kind: StreamKind,
    /// Whether the detectors examined it: one video stream and every audio stream are.
    pub analyzed: bool,
    /// FFmpeg's name of the codec, such as `h264`.
    pub codec: Option<String>,
    /// The codec's profile.
    pub profile: Option<String>,
    /// Unit of the stream's timestamps, in seconds.
    pub time_base: Option<Rational>,
    /// First timestamp, in `time_base`.
    pub start_pts: Option<i64>,
    /// Duration, in `time_base`.
    pub duration_pts: Option<i64>,
    /// Duration in seconds.
    pub duration_seconds: Option<f64>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Language tag as the container has it.
    pub language: Option<String>,
    /// Timecode of the first picture or sample, such as `01:00:00:00`, where the container has it.
    pub timecode: Option<String>,
    /// Whether the container marks it as the one to play by default.
    pub default: bool,
    /// Of video streams.
    pub video: Option<VideoStream>,
    /// Of audio streams.
    pub audio: Option<AudioStream>,
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum StreamKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// Timecode, telemetry and the like.
    Data,
    /// An attached file, such as a font.
    Attachment,
    /// Something else.
    Unknown,
}

/// Of a video stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct VideoStream {
    /// Coded width in pixels, before rotation and pixel aspect.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// FFmpeg's name of the pixel format, such as `yuv420p10le`.
    pub pixel_format: Option<String>,
    /// Width of a pixel over its height; `null` when unknown, which means square.
    pub sample_aspect_ratio: Option<Rational>,
    /// Width over height as displayed, before rotation.
    pub display_aspect_ratio: Option<Rational>,
    /// Frames per second on average.
    pub average_frame_rate: Option<Rational>,
    /// Lowest rate at which all timestamps can be represented, as FFmpeg guesses it.
    pub real_frame_rate: Option<Rational>,
    /// Clockwise rotation for display, in degrees: 0 to 359.
    pub rotation: u32,
    /// `progressive`, `tt`, `bb`, `tb` or `bt`.
    pub field_order: Option<String>,
    /// How numbers become colours.
    pub color: Color,
    /// High dynamic range; `null` where the container says nothing of it.
    pub hdr: Option<Hdr>,
    /// Whether it is a cover picture rather than a film.
    pub attached_picture: bool,
}

/// Colour description, by FFmpeg's names (ITU-T H.273).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Color {
    /// `tv` (limited) or `pc` (full).
    pub range: Option<String>,
    /// Matrix coefficients, such as `bt709`.
    pub space: Option<String>,
    /// Transfer characteristics, such as `smpte2084`.
    pub transfer: Option<String>,
    /// Primaries, such as `bt2020`.
    pub primaries: Option<String>,
}

/// Metadata of high dynamic range.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Hdr {
    /// The display on which the film was graded (SMPTE ST 2086).
    pub mastering_display: Option<MasteringDisplay>,
    /// How bright the content is (CTA-861.3).
    pub content_light: Option<ContentLight>,
    /// Profile of Dolby Vision.
    pub dolby_vision_profile: Option<u32>,
}

/// Colour volume of a mastering display.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct MasteringDisplay {
    /// The red primary.
    pub red: Option<Chromaticity>,
    /// The green primary.
    pub green: Option<Chromaticity>,
    /// The blue primary.
    pub blue: Option<Chromaticity>,
    /// The white point.
    pub white_point: Option<Chromaticity>,
    /// Darkest, in candela per square metre.
    pub min_luminance: Option<f64>,
    /// Brightest, in candela per square metre.
    pub max_luminance: Option<f64>,
}

/// A point of the CIE 1931 diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Chromaticity {
    /// The coordinate x of CIE 1931.
    pub x: f64,
    /// The coordinate y of CIE 1931.
    pub y: f64,
}

/// Light levels in candela per square metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ContentLight {
    /// Of the brightest pixel (`MaxCLL`).
    pub max_content: u32,
    /// Of the brightest picture on average (`MaxFALL`).
    pub max_average: u32,
}

/// Of an audio stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct AudioStream {
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// FFmpeg's name of the layout, such as `5.1(side)`.
    pub channel_layout: Option<String>,
    /// FFmpeg's name of the sample format, such as `fltp`.
    pub sample_format: Option<String>,
}
