//! ffprobe's JSON, in which many numbers are strings and many are missing, and its translation.

use serde::Deserialize;
use serde_json::Value;

use super::{AudioTrack, VideoTrack};
use crate::numeric::round;
use crate::rational::Rational;
use crate::report::{self, AudioStream, Chapter, Color, Container, StreamKind, VideoStream};

/// The whole document.
#[derive(Deserialize)]
pub(super) struct Output {
    pub(super) program_version: ProgramVersion,
    #[serde(default)]
    pub(super) streams: Vec<Stream>,
    #[serde(default)]
    chapters: Vec<RawChapter>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize)]
pub(super) struct ProgramVersion {
    pub(super) version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    #[serde(rename = "format_name")]
    name: String,
    #[serde(rename = "format_long_name")]
    long_name: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
    bit_rate: Option<String>,
}

#[derive(Deserialize)]
struct RawChapter {
    time_base: Rational,
    start: i64,
    end: i64,
    #[serde(default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags {
    title: Option<String>,
    language: Option<String>,
    timecode: Option<String>,
    /// Of Matroska: when the stream ends, as `00:10:34.567000000`.
    #[serde(rename = "DURATION")]
    end: Option<String>,
}

/// A stream. Unknown members are ignored: ffprobe adds some with every version.
#[derive(Deserialize)]
pub(super) struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    profile: Option<String>,
    time_base: Option<String>,
    start_pts: Option<i64>,
    duration_ts: Option<i64>,
    duration: Option<String>,
    bit_rate: Option<String>,
    nb_frames: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    sample_aspect_ratio: Option<String>,
    display_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    field_order: Option<String>,
    color_range: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    channel_layout: Option<String>,
    sample_fmt: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    side_data_list: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    default: u8,
    attached_pic: u8,
}

impl Output {
    pub(super) fn container(&self) -> Container {
        let format = &self.format;
        Container {
            format: format.name.clone(),
            format_name: format.long_name.clone(),
            start_seconds: seconds(format.start_time.as_deref()),
            duration_seconds: seconds(format.duration.as_deref()),
            bit_rate: number(format.bit_rate.as_deref()),
            chapters: self.chapters.iter().map(RawChapter::describe).collect(),
        }
    }
}

impl RawChapter {
    fn describe(&self) -> Chapter {
        Chapter {
            time_base: self.time_base,
            start_pts: self.start,
            end_pts: self.end,
            start_seconds: round(self.time_base.seconds(self.start), 6),
            end_seconds: round(self.time_base.seconds(self.end), 6),
            title: self.tags.title.clone(),
        }
    }
}

impl Stream {
    pub(super) fn describe(&self) -> report::Stream {
        let kind = match self.codec_type.as_deref() {
            Some("video") => StreamKind::Video,
            Some("audio") => StreamKind::Audio,
            Some("subtitle") => StreamKind::Subtitle,
            Some("data") => StreamKind::Data,
            Some("attachment") => StreamKind::Attachment,
            _ => StreamKind::Unknown,
        };
        report::Stream {
            index: self.index,
            kind,
            analyzed: false,
            codec: self.codec_name.clone(),
            profile: self.profile.clone(),
            time_base: rational(self.time_base.as_deref()),
            start_pts: self.start_pts,
            duration_pts: self.duration_ts,
            duration_seconds: seconds(self.duration.as_deref()),
            bit_rate: number(self.bit_rate.as_deref()),
            language: self.tags.language.clone(),
            timecode: self.tags.timecode.clone(),
            default: self.disposition.default == 1,
            video: (kind == StreamKind::Video).then(|| self.video()),
            audio: (kind == StreamKind::Audio).then(|| self.audio()),
        }
    }

    fn video(&self) -> VideoStream {
        VideoStream {
            width: self.width.unwrap_or(0),
            height: self.height.unwrap_or(0),
            pixel_format: self.pix_fmt.clone(),
            sample_aspect_ratio: rational(self.sample_aspect_ratio.as_deref()),
            display_aspect_ratio: rational(self.display_aspect_ratio.as_deref()),
            average_frame_rate: rational(self.avg_frame_rate.as_deref()),
            real_frame_rate: rational(self.r_frame_rate.as_deref()),
            rotation: self.rotation(),
            field_order: known(self.field_order.as_deref()),
            color: Color {
                range: known(self.color_range.as_deref()),
                space: known(self.color_space.as_deref()),
                transfer: known(self.color_transfer.as_deref()),
                primaries: known(self.color_primaries.as_deref()),
            },
            hdr: super::hdr::describe(&self.side_data_list),
            attached_picture: self.disposition.attached_pic == 1,
        }
    }

    fn audio(&self) -> AudioStream {
        AudioStream {
            sample_rate: number(self.sample_rate.as_deref())
                .and_then(|rate| u32::try_from(rate).ok())
                .unwrap_or(0),
            channels: self.channels.unwrap_or(0),
            channel_layout: known(self.channel_layout.as_deref()),
            sample_format: known(self.sample_fmt.as_deref()),
        }
    }

    /// The display matrix's rotation, which ffprobe counts counter-clockwise, as clockwise degrees.
    fn rotation(&self) -> u32 {
        let counter_clockwise = self.side_data_list.iter().find_map(|data| data.get("rotation")?.as_i64());
        u32::try_from((360 - counter_clockwise.unwrap_or(0).rem_euclid(360)) % 360).unwrap_or(0)
    }

    pub(super) fn video_track(&self, stream: &report::Stream, format: &str) -> Option<VideoTrack> {
        Some(VideoTrack {
            index: self.index,
            codec: self.codec_name.clone(),
            size: (self.width.unwrap_or(0), self.height.unwrap_or(0)),
            time_base: stream.time_base?,
            duration_seconds: stream.duration_seconds,
            average_frame_rate: stream.video.as_ref()?.average_frame_rate,
            real_frame_rate: stream.video.as_ref()?.real_frame_rate,
            declared_frames: number(self.nb_frames.as_deref()),
            promised_end: self.promised_end(format, stream.time_base?),
        })
    }

    pub(super) fn audio_track(&self, stream: &report::Stream, format: &str) -> Option<AudioTrack> {
        let audio = stream.audio.as_ref()?;
        let sample = Rational::new(1, i64::from(audio.sample_rate))?;
        Some(AudioTrack {
            index: self.index,
            sample_rate: audio.sample_rate,
            channels: audio.channels,
            layout: audio.channel_layout.clone(),
            start_sample: stream
                .time_base?
                .rescale(stream.start_pts.unwrap_or(0), sample)
                .clamp(-super::LATEST_SAMPLE, super::LATEST_SAMPLE),
            duration_seconds: stream.duration_seconds,
            time_base: stream.time_base?,
            promised_end: self.promised_end(format, sample),
        })
    }

    /// Where the stream ends by what the container says of it, in `unit`. Elsewhere what FFmpeg tells is measured at the file's own end.
    fn promised_end(&self, format: &str, unit: Rational) -> Option<i64> {
        let has = |name: &str| format.split(',').any(|each| each == name);
        if has("matroska") {
            return Some(NANOSECONDS.rescale(nanoseconds(self.tags.end.as_deref()?)?, unit));
        }
        let end = self.start_pts.unwrap_or(0).saturating_add(self.duration_ts?);
        (has("mov") || has("avi"))
            .then(|| rational(self.time_base.as_deref()).map(|ticks| ticks.rescale(end, unit)))?
    }
}

const NANOSECONDS: Rational = Rational { num: 1, den: 1_000_000_000 };

/// Of `00:10:34.567000000`.
fn nanoseconds(clock: &str) -> Option<i64> {
    let (clock, fraction) = clock.split_once('.')?;
    let seconds =
        clock.split(':').try_fold(0i64, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))?;
    let fraction: i64 = if fraction.len() == 9 { fraction.parse().ok()? } else { return None };
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction)
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}

fn seconds(text: Option<&str>) -> Option<f64> {
    text?.parse().ok().filter(|value: &f64| value.is_finite()).map(|value| round(value, 6))
}

/// ffprobe writes `0/0`, `0:1` or `N/A` for what is unknown.
fn rational(text: Option<&str>) -> Option<Rational> {
    text?.parse().ok().filter(|value: &Rational| value.num > 0)
}

fn known(text: Option<&str>) -> Option<String> {
    text.filter(|text| !matches!(*text, "unknown" | "N/A")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_that_matroska_promises_is_read_to_the_nanosecond() {
        assert_eq!(nanoseconds("01:10:34.567000009"), Some(4_234_567_000_009));
        assert_eq!(
            (nanoseconds("00:00:01"), nanoseconds("x:1.000000000"), nanoseconds("1.5")),
            (None, None, None)
        );
    }

    #[test]
    fn rotation_is_told_clockwise_and_unknown_ratios_are_null() {
        let stream: Stream = serde_json::from_str(
            r#"{"index":0,"codec_type":"video","width":4,"height":2,"avg_frame_rate":"0/0","sample_aspect_ratio":"0:1",
                "side_data_list":[{"side_data_type":"Display Matrix","rotation":-90}]}"#,
        )
        .unwrap();
        let video = stream.describe().video.unwrap();
        assert_eq!(video.rotation, 90);
        assert_eq!((video.average_frame_rate, video.sample_aspect_ratio), (None, None));
    }
}
