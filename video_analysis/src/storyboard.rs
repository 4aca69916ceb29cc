//! Thumbnails in sprites, and a `WebVTT` file that says when each is shown, as players take them for their seek bars.

use std::fmt::Write as _;
use std::path::Path;

use jpeg_encoder::{ColorType, Encoder};
use serde::{Deserialize, Serialize};

use crate::analyze::watched;
use crate::digest::file_size;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::extract::{Source, Which};
use crate::numeric::{count_to_f64, len};
use crate::observer::Observer;
use crate::parallel::side_by_side;
use crate::probe::PacketIndex;
use crate::process::{Processes, input_url};
use crate::rational::Rational;
use crate::report::{Report, Stream, VideoStream};

/// Widths that a thumbnail may have, in pixels.
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=640;
/// Thumbnails across and down a sprite: at 160×90, 1600×900 pixels, which every browser decodes at once.
const ACROSS: usize = 10;
const DOWN: usize = 10;
/// JPEG quality, from 1 to 100.
const QUALITY: u8 = 80;
/// Most thumbnails: of more, nobody can tell one from the other on a seek bar.
const MOST: usize = 5000;

/// What a storyboard shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoryboardOptions {
    /// Seconds from one thumbnail to the next (0.1 to 86400); `None`: one for each shot, its representative picture.
    pub every: Option<f64>,
    /// Width of a thumbnail in pixels (16 to 640); its height follows.
    pub width: u32,
}

impl Default for StoryboardOptions {
    /// A thumbnail of 160 pixels for each shot.
    fn default() -> Self {
        Self { every: None, width: 160 }
    }
}

/// Thumbnails of a film, up to a hundred in a sprite.
#[derive(Debug, Clone, PartialEq)]
pub struct Storyboard {
    /// The sprites, JPEGs.
    pub sprites: Vec<Vec<u8>>,
    /// What is in them, in order of time.
    pub thumbnails: Vec<Thumbnail>,
}

/// One picture of a storyboard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Thumbnail {
    /// Timestamp of its picture, in the stream's time base.
    pub pts: i64,
    /// From when on it stands for the film, in seconds since it begins.
    pub start_seconds: f64,
    /// Until when.
    pub end_seconds: f64,
    /// In which sprite it is, counted from 0.
    pub sprite: usize,
    /// Where in the sprite, in pixels.
    pub x: usize,
    /// The same downwards.
    pub y: usize,
    /// Its width.
    pub width: usize,
    /// Its height.
    pub height: usize,
}

impl Storyboard {
    /// The `WebVTT` file (W3C *WebVTT: The Web Video Text Tracks Format*) whose cues name a part of a sprite each by a media
    /// fragment, `sprite.jpg#xywh=160,90,160,90` (W3C *Media Fragments URI 1.0*, 4.2.2). `url` names a sprite.
    #[must_use]
    pub fn web_vtt(&self, url: impl Fn(usize) -> String) -> String {
        let mut text = String::from("WEBVTT\n");
        for Thumbnail { start_seconds, end_seconds, sprite, x, y, width, height, .. } in &self.thumbnails {
            let (start, end) = (clock(*start_seconds), clock(*end_seconds));
            let cue = write!(text, "\n{start} --> {end}\n{}#xywh={x},{y},{width},{height}\n", url(*sprite));
            // Writing to a string cannot fail.
            debug_assert!(cue.is_ok());
        }
        text
    }
}

/// A picture to show, and when.
pub(crate) struct Scene {
    pub(crate) pts: i64,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

/// Makes the storyboard of a file. `report` must be of the same file. `observer` is asked whether to go on, and hears nothing.
///
/// # Errors
/// [`ErrorKind::Undecodable`] when the report has no pictures, none of them is found in the file, or their time goes back;
/// [`ErrorKind::InvalidOptions`] for options that make no sense, more than 5000 thumbnails, or a report of another file as far as sizes
/// tell; otherwise as
/// [`analyze`](crate::analyze).
pub fn storyboard(
    input: &Path,
    report: &Report,
    options: &StoryboardOptions,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Storyboard, Error> {
    let invalid = |what: &str| Error::new(ErrorKind::InvalidOptions, what.to_owned());
    if file_size(input)? != report.input.bytes {
        return Err(invalid("the report is of another file, which is not as large"));
    }
    if !WIDTHS.contains(&options.width) {
        return Err(invalid("the width of a thumbnail must be between 16 and 640 pixels"));
    }
    if options.every.is_some_and(|every| !(0.1..=86_400.0).contains(&every)) {
        return Err(invalid("the interval must be between 0.1 and 86400 seconds"));
    }
    let missing = || Error::new(ErrorKind::Undecodable, "no pictures");
    let stream = report.streams.iter().find(|stream| stream.analyzed && stream.video.is_some());
    let (stream, video) =
        stream.and_then(|stream| Some((stream, stream.video.as_ref()?))).ok_or_else(missing)?;
    if report.goes_back(stream.index) {
        let text = "the time of the pictures goes back, and a storyboard says when each is shown";
        return Err(Error::new(ErrorKind::Undecodable, text));
    }
    let time_base = stream.time_base.ok_or_else(missing)?;
    let size = thumbnail_size(video, options.width);
    let url = input_url(input)?;
    let processes = Processes::new(input, execution)?;
    let source = Source { url: &url, stream: stream.index, time_base, execution, processes: &processes };
    watched(&processes, execution, observer, || {
        let scenes = match options.every {
            None => shots(report),
            Some(every) => intervals(report, stream, &source, every)?,
        };
        if scenes.len() > MOST {
            return Err(invalid("more than 5000 thumbnails"));
        }
        let pictures = decode(&source, &scenes, size)?;
        let board = compose(&scenes, &pictures, size)?;
        if board.thumbnails.is_empty() { Err(missing()) } else { Ok(board) }
    })
}

/// Seconds at which the film begins for a player.
fn beginning(report: &Report) -> f64 {
    let first = report.shots.first().map_or(0.0, |shot| shot.segment.start_seconds);
    report.container.start_seconds.unwrap_or(first).min(first)
}

fn shots(report: &Report) -> Vec<Scene> {
    let zero = beginning(report);
    let scene = |shot: &crate::report::Shot| {
        let still = shot.representative?;
        let (start, end) = (shot.segment.start_seconds - zero, shot.segment.end_seconds - zero);
        Some(Scene { pts: still.pts, start, end })
    };
    report.shots.iter().filter_map(scene).collect()
}

/// The pictures that are shown at multiples of an interval.
fn intervals(report: &Report, stream: &Stream, source: &Source<'_>, every: f64) -> Result<Vec<Scene>, Error> {
    let Some((first, last)) = report.shots.first().zip(report.shots.last()) else { return Ok(Vec::new()) };
    let index = PacketIndex::read(source.url, stream.index, source.execution.max_pixels, source.processes)?;
    let zero = beginning(report);
    let end = last.segment.end_seconds - zero;
    let mut scenes = Vec::new();
    for step in 0..=len(MOST) {
        let start = every * count_to_f64(step);
        if start >= end {
            break;
        }
        let shown = |pts: i64| source.time_base.seconds(pts) - zero <= start + 1e-6;
        let at = index.shown.partition_point(|(pts, _)| shown(*pts));
        let pts = index.shown.get(at.saturating_sub(1)).map_or(first.segment.start_pts, |(pts, _)| *pts);
        scenes.push(Scene { pts, start, end: (start + every).min(end) });
    }
    Ok(scenes)
}

/// Width and height, even, of a picture as it is displayed.
pub(crate) fn thumbnail_size(video: &VideoStream, width: u32) -> (u32, u32) {
    let square = Rational { num: 1, den: 1 };
    let aspect = video.sample_aspect_ratio.unwrap_or(square).to_f64() * f64::from(video.width)
        / f64::from(video.height.max(1));
    let aspect = if video.rotation % 180 == 90 { 1.0 / aspect } else { aspect };
    let width = width / 2 * 2;
    // As high as it is wide four times over: what is higher is no film.
    let heights = (1..=width * 2).map(|half| half * 2);
    let error = |height: u32| (f64::from(width) / f64::from(height) - aspect).abs();
    let best = heights.min_by(|one, other| error(*one).total_cmp(&error(*other)));
    (width, best.unwrap_or(width))
}

/// Red, green and blue of each scene's picture; empty where it is not found.
fn decode(source: &Source<'_>, scenes: &[Scene], (width, height): (u32, u32)) -> Result<Vec<Vec<u8>>, Error> {
    let filters = format!("scale={width}:{height}:flags=area,setsar=1,format=rgb24");
    let most = u64::from(width) * u64::from(height) * 3;
    side_by_side(source.execution.workers, scenes.len(), |at| {
        let Some(scene) = scenes.get(at) else { return Ok(Vec::new()) };
        let encoder = ["-c:v", "rawvideo", "-f", "rawvideo"];
        source.extract(Which::Pts(scene.pts), &filters, &encoder, most)
    })
}

/// Puts pictures beside and below each other.
pub(crate) fn compose(
    scenes: &[Scene],
    pictures: &[Vec<u8>],
    (width, height): (u32, u32),
) -> Result<Storyboard, Error> {
    let [width, height] = [width, height].map(|side| usize::try_from(side).unwrap_or(0));
    let found = scenes.iter().zip(pictures).filter(|(_, picture)| picture.len() == width * height * 3);
    let found: Vec<(&Scene, &Vec<u8>)> = found.collect();
    let mut board = Storyboard { sprites: Vec::new(), thumbnails: Vec::new() };
    for (sprite, group) in found.chunks(ACROSS * DOWN).enumerate() {
        let (columns, rows) = (group.len().min(ACROSS), group.len().div_ceil(ACROSS));
        let mut pixels = vec![0; columns * width * rows * height * 3];
        for (place, (scene, picture)) in group.iter().enumerate() {
            let (x, y) = (place % ACROSS * width, place / ACROSS * height);
            for (row, line) in picture.chunks_exact(width * 3).enumerate() {
                let at = ((y + row) * columns * width + x) * 3;
                if let Some(to) = pixels.get_mut(at..at + line.len()) {
                    to.copy_from_slice(line);
                }
            }
            let Scene { pts, start: start_seconds, end: end_seconds } = **scene;
            board.thumbnails.push(Thumbnail { pts, start_seconds, end_seconds, sprite, x, y, width, height });
        }
        board.sprites.push(jpeg(&pixels, columns * width, rows * height)?);
    }
    Ok(board)
}

fn jpeg(rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let side = |pixels: usize| u16::try_from(pixels).unwrap_or(u16::MAX);
    let encoded = Encoder::new(&mut bytes, QUALITY).encode(rgb, side(width), side(height), ColorType::Rgb);
    encoded.map_err(|error| Error::new(ErrorKind::Io, format!("sprite: {error}")))?;
    Ok(bytes)
}

/// `hh:mm:ss.mmm`, hours with as many digits as they need.
fn clock(seconds: f64) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round();
    let hours = (milliseconds / 3_600_000.0).floor();
    let minutes = ((milliseconds - hours * 3_600_000.0) / 60_000.0).floor();
    let rest = (milliseconds - hours * 3_600_000.0 - minutes * 60_000.0) / 1000.0;
    format!("{hours:02.0}:{minutes:02.0}:{rest:06.3}")
}
