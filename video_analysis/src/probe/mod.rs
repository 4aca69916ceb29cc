//! What the container says: metadata, streams, packets.

mod hdr;
mod packets;
mod raw;
mod structure;

pub(crate) use packets::{Keyframe, PacketIndex};
pub(crate) use structure::Structure;

use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::numeric::count_to_f64;
use crate::process::{Exit, Processes, Program, demuxing_rules, input_url};
use crate::rational::Rational;
use crate::report::{AudioStream, Container, Stream};

/// Metadata of the largest files is some hundred kilobytes.
const MOST_METADATA: u64 = 16 << 20;

/// The metadata of one file, and which streams are analysed.
pub(crate) struct Probe {
    /// The input as FFmpeg is given it.
    pub(crate) url: String,
    pub(crate) decoder: String,
    pub(crate) container: Container,
    pub(crate) streams: Vec<Stream>,
    /// Whether ffprobe complained.
    pub(crate) damaged: bool,
}

/// The analysed video stream.
#[derive(Debug, Clone)]
pub(crate) struct VideoTrack {
    pub(crate) index: u32,
    pub(crate) codec: Option<String>,
    /// Width and height of the pictures as they are coded, as far as the container knows.
    pub(crate) size: (u32, u32),
    pub(crate) time_base: Rational,
    pub(crate) duration_seconds: Option<f64>,
    pub(crate) average_frame_rate: Option<Rational>,
    pub(crate) real_frame_rate: Option<Rational>,
    /// Pictures the container promises.
    pub(crate) declared_frames: Option<u64>,
    /// Where the stream ends by the container's word, in ticks, of containers that are told before their content is there.
    pub(crate) promised_end: Option<i64>,
}

/// An analysed audio stream.
#[derive(Debug, Clone)]
pub(crate) struct AudioTrack {
    pub(crate) index: u32,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    pub(crate) layout: Option<String>,
    /// Timestamp of the first sample, counted in samples.
    pub(crate) start_sample: i64,
    pub(crate) duration_seconds: Option<f64>,
    /// The container's unit of its timestamps.
    pub(crate) time_base: Rational,
    /// As of a video track, counted in samples.
    pub(crate) promised_end: Option<i64>,
}

/// What the loudness meter takes; nothing in use is beyond it. Below, its windows are some samples long, and it refuses some rates.
const MEASURABLE_RATES: RangeInclusive<u32> = 1000..=2_822_400;
const MEASURABLE_CHANNELS: RangeInclusive<u32> = 1..=64;
/// Samples of all channels in a second: 64 channels at 96 kHz, or 8 at 768 kHz. The meter keeps three seconds of them, 150 MB; a
/// header of some bytes could have it want thirty times as much.
const MOST_SAMPLES_A_SECOND: u64 = 64 * 96_000;

/// A timestamp of sound from nowhere is this far from zero at most, so that samples can be counted from there.
pub(crate) const LATEST_SAMPLE: i64 = 1 << 62;

/// Reads and checks the metadata; of the audio streams, the one to be played by default comes first.
pub(crate) fn probe(
    input: &Path,
    execution: &Execution,
    processes: &Processes,
) -> Result<(Probe, Option<VideoTrack>, Vec<AudioTrack>), Error> {
    let url = input_url(input)?;
    let mut args = demuxing_rules(execution.max_pixels);
    args.extend(
        [
            "-show_program_version",
            "-show_format",
            "-show_streams",
            "-show_chapters",
            "-of",
            "json",
            "-i",
            &url,
        ]
        .map(str::to_owned),
    );
    let (json, exit) = processes.output(Program::Ffprobe, &args, MOST_METADATA)?;
    if refused_size(&exit.complaints).is_some_and(|pixels| pixels > execution.max_pixels) {
        return Err(Error::new(ErrorKind::TooManyPixels, exit.complaints));
    }
    if !exit.success() {
        return Err(unreadable(input, exit));
    }
    let Metadata { decoder, container, streams, video, audio } = Metadata::parse(&json, execution)?;
    let probe = Probe { url, decoder, container, streams, damaged: !exit.complaints.is_empty() };
    Ok((probe, video, audio))
}

/// What ffprobe's document says, within the bounds of an analysis.
pub(crate) struct Metadata {
    decoder: String,
    pub(crate) container: Container,
    pub(crate) streams: Vec<Stream>,
    pub(crate) video: Option<VideoTrack>,
    pub(crate) audio: Vec<AudioTrack>,
}

impl Metadata {
    pub(crate) fn parse(json: &[u8], execution: &Execution) -> Result<Self, Error> {
        let raw: raw::Output = serde_json::from_slice(json)
            .map_err(|error| Error::new(ErrorKind::Io, format!("ffprobe's metadata: {error}")))?;
        let container = raw.container();
        let mut streams: Vec<Stream> = raw.streams.iter().map(raw::Stream::describe).collect();
        check_bounds(&container, &streams, execution)?;

        let films = streams
            .iter()
            .zip(&raw.streams)
            .filter(|(stream, _)| stream.video.as_ref().is_some_and(|video| !video.attached_picture));
        let video = default_first(films)
            .into_iter()
            .find_map(|(stream, raw)| raw.video_track(stream, &container.format));
        let sounds = streams
            .iter()
            .zip(&raw.streams)
            .filter(|(stream, _)| stream.audio.as_ref().is_some_and(is_measurable));
        let audio: Vec<AudioTrack> = default_first(sounds)
            .into_iter()
            .filter_map(|(stream, raw)| raw.audio_track(stream, &container.format))
            .collect();
        if video.is_none() && audio.is_empty() {
            return Err(Error::new(ErrorKind::NotAVideo, "neither a video nor an audio stream"));
        }
        for stream in &mut streams {
            stream.analyzed = video.as_ref().is_some_and(|video| video.index == stream.index)
                || audio.iter().any(|audio| audio.index == stream.index);
        }
        let decoder = format!("ffmpeg {}", raw.program_version.version);
        Ok(Self { decoder, container, streams, video, audio })
    }
}

/// Whether the loudness meter can take a stream, and has memory for it.
fn is_measurable(audio: &AudioStream) -> bool {
    MEASURABLE_RATES.contains(&audio.sample_rate)
        && MEASURABLE_CHANNELS.contains(&audio.channels)
        && u64::from(audio.sample_rate) * u64::from(audio.channels) <= MOST_SAMPLES_A_SECOND
}

/// In the container's order, but the one to be played by default comes first.
fn default_first<'a>(
    streams: impl Iterator<Item = (&'a Stream, &'a raw::Stream)>,
) -> Vec<(&'a Stream, &'a raw::Stream)> {
    let mut streams: Vec<_> = streams.collect();
    if let Some(default) = streams.iter().position(|(stream, _)| stream.default) {
        streams.get_mut(..=default).into_iter().for_each(|first| first.rotate_right(1));
    }
    streams
}

/// Checked on metadata alone, before anything is decoded.
fn check_bounds(container: &Container, streams: &[Stream], execution: &Execution) -> Result<(), Error> {
    if streams.len() > execution.max_streams {
        return Err(Error::new(ErrorKind::TooManyStreams, format!("{} streams", streams.len())));
    }
    for video in streams.iter().filter_map(|stream| stream.video.as_ref()) {
        if u64::from(video.width) * u64::from(video.height) > execution.max_pixels {
            return Err(Error::new(ErrorKind::TooManyPixels, format!("{} x {}", video.width, video.height)));
        }
    }
    let durations =
        streams.iter().filter_map(|stream| stream.duration_seconds).chain(container.duration_seconds);
    check_duration(durations.fold(0.0, f64::max), execution.max_duration)
}

/// Fails when `seconds` is above the limit.
pub(crate) fn check_duration(seconds: f64, most: Duration) -> Result<(), Error> {
    if seconds > most.as_secs_f64() {
        return Err(Error::new(ErrorKind::TooLong, format!("{seconds} seconds")));
    }
    Ok(())
}

/// Pixels of a picture that FFmpeg refused to allocate: `Picture size 100000x100000 is invalid`, or `exceeds …`.
pub(crate) fn refused_size(complaints: &str) -> Option<u64> {
    let sizes =
        complaints.split("Picture size ").skip(1).filter_map(|text| text.split(' ').next()?.split_once('x'));
    sizes.filter_map(|(width, height)| width.parse::<u64>().ok()?.checked_mul(height.parse().ok()?)).max()
}

/// Which kind of bad input an unsuccessful ffprobe means, by what it says.
fn unreadable(input: &Path, exit: Exit) -> Error {
    let kind = if exit.complaints.contains("not on whitelist") {
        ErrorKind::UnsupportedFormat
    } else if exit.complaints.contains("moov atom not found") && begins_like_mp4(input) {
        ErrorKind::Truncated
    } else if exit.complaints.contains("Permission denied") || exit.complaints.contains("No such file") {
        ErrorKind::Io
    } else {
        ErrorKind::NotAVideo
    };
    Error::new(kind, exit.complaints)
}

/// Whether the file begins with a box of ISO/IEC 14496-12. By its name alone FFmpeg also takes other bytes for such a file.
fn begins_like_mp4(input: &Path) -> bool {
    const BOXES: [&[u8; 4]; 7] = [b"ftyp", b"mdat", b"moov", b"moof", b"free", b"skip", b"wide"];
    let mut head = [0; 8];
    let read = std::fs::File::open(input).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.last_chunk().is_some_and(|name: &[u8; 4]| BOXES.contains(&name))
}

/// Seconds from a count of ticks, for bounds only.
pub(crate) fn span_seconds(ticks: u64, time_base: Rational) -> f64 {
    count_to_f64(ticks) * time_base.to_f64()
}

impl AudioTrack {
    /// How long a sample lasts, in seconds.
    pub(crate) fn sample(&self) -> Rational {
        Rational { num: 1, den: i64::from(self.sample_rate.max(1)) }
    }

    /// Samples per channel of a block of 100 ms: the step of the gating blocks of BS.1770, and of what is kept of sound.
    pub(crate) fn block(&self) -> i64 {
        i64::from((self.sample_rate / 10).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_refused_size_is_read_from_the_complaints() {
        let text = "[a] Picture size 13x0 is invalid\n[b] [IMGUTILS] Picture size 1280x720 exceeds specified max pixel count 9";
        assert_eq!(refused_size(text), Some(1280 * 720));
        assert_eq!(refused_size("Invalid data found"), None);
    }
}
