//! A first look at a film, from its keyframes alone: what the container says, a storyboard, and where shots may begin.

mod estimate;
mod keyframes;
mod origins;
mod pick;
mod shrink;
mod thumbnails;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::analyze::watched;
use crate::digest::file_size;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::numeric::{len, round};
use crate::observer::{Observer, Tracker};
use crate::probe::{PacketIndex, check_duration, probe, span_seconds};
use crate::process::Processes;
use crate::rational::Rational;
use crate::report::{Container, Engine, Evidence, Stream, canonical_bytes};
use crate::storyboard::{Scene, Storyboard, Thumbnail, compose, thumbnail_size};

use keyframes::{Job, decode_keyframes};
use origins::Times;
use pick::Pick;

/// Version of the preview's shape; a new major number means that members changed their meaning or went away.
pub const PREVIEW_VERSION: &str = "1.0";

/// Width of a thumbnail in pixels: that of a storyboard where nothing else is asked for.
const WIDTH: u32 = 160;

/// A first look at a file, estimates in place of what its [`Report`](crate::Report) says exactly. The report replaces it.
///
/// The same file and decoder give the same bytes, with any number of workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Preview {
    /// [`PREVIEW_VERSION`] of the engine that wrote it.
    pub schema_version: String,
    /// Always `false`: shots are estimates, to be replaced by those of the report.
    pub exact: bool,
    /// Who made it.
    pub engine: Engine,
    /// From which bytes.
    pub input: PreviewInput,
    /// The file as a whole, as in the report.
    pub container: Container,
    /// Its streams, in the container's order, as in the report.
    pub streams: Vec<Stream>,
    /// How long the container says that the file is, in seconds; its longest stream, where it says that of streams alone.
    pub duration_seconds: Option<f64>,
    /// Keyframes that were found and looked at: of films of keyframes alone about one a second. 0 also where the decoder knows of none and
    /// the first picture is all that was looked at.
    pub keyframes: u64,
    /// Estimated shots in order of time; empty without pictures.
    pub shots: Vec<EstimatedShot>,
    /// Thumbnails of keyframes, at most one for each second and 500 in all, in order of time.
    pub thumbnails: Vec<Thumbnail>,
}

/// What a preview tells of the bytes it is about: their digest would take as long as the preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct PreviewInput {
    /// Size of the file, as in its report.
    pub bytes: u64,
}

/// Keyframes that look like one shot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct EstimatedShot {
    /// Where it begins, as far as keyframes tell; `null` for the first one, which begins with the film.
    pub between: Option<Between>,
    /// How many keyframes it has.
    pub keyframes: u64,
    /// The keyframe that stands for it: of those with a thumbnail the nearest to its middle.
    pub keyframe: Moment,
    /// What tells it from the shot before; `null` for the first one.
    pub evidence: Option<Evidence>,
}

/// Where a boundary is: its first picture comes after one keyframe, and is the next keyframe or comes before it. Encoders put
/// keyframes at cuts, so that it is the next keyframe more often than not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Between {
    /// Timestamp of the last keyframe before the boundary, in `time_base`.
    pub after_pts: i64,
    /// Timestamp of the first keyframe behind it.
    pub before_pts: i64,
    /// The video stream's time base.
    pub time_base: Rational,
    /// `after_pts` in seconds, rounded to microseconds.
    pub after_seconds: f64,
    /// `before_pts` in seconds, rounded to microseconds.
    pub before_seconds: f64,
}

/// A picture of the film.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Moment {
    /// Its timestamp in `time_base`.
    pub pts: i64,
    /// The video stream's time base.
    pub time_base: Rational,
    /// Its time in seconds, rounded to microseconds.
    pub seconds: f64,
}

impl Preview {
    /// The whole preview in its RFC 8785 (JCS) form.
    ///
    /// # Errors
    /// As [`Report::canonical_json`](crate::Report::canonical_json).
    pub fn canonical_json(&self) -> Result<Vec<u8>, Error> {
        canonical_bytes(self)
    }
}

/// Looks at the keyframes of a file, and gives what they show with a storyboard of them. Blocks until it is done. How long a film's
/// pieces are does not depend on `execution`, which has the limits, the tools, and how many pieces are decoded at a time.
///
/// # Errors
/// As [`analyze`](crate::analyze).
pub fn preview(
    input: &Path,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<(Preview, Storyboard), Error> {
    let bytes = file_size(input)?;
    let processes = Processes::new(input, execution)?;
    watched(&processes, execution, observer, || {
        let tracker = Tracker::new(observer);
        let (preview, board) = look(input, bytes, execution, &processes, &tracker)?;
        tracker.finished();
        Ok((preview, board))
    })
}

fn look(
    input: &Path,
    bytes: u64,
    execution: &Execution,
    processes: &Processes,
    tracker: &Tracker<'_>,
) -> Result<(Preview, Storyboard), Error> {
    let (probe, video, audio) = probe(input, execution, processes)?;
    tracker.probed(None);
    let pick = Pick::of(video.as_ref().and_then(|track| track.codec.as_deref()));
    let longest = probe.streams.iter().filter_map(|stream| stream.duration_seconds).reduce(f64::max);
    let mut preview = Preview {
        schema_version: PREVIEW_VERSION.to_owned(),
        exact: false,
        engine: Engine {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            decoder: probe.decoder.clone(),
            shortcuts: shortcuts(None),
        },
        input: PreviewInput { bytes },
        container: probe.container.clone(),
        streams: probe.streams.clone(),
        duration_seconds: probe.container.duration_seconds.or(longest),
        keyframes: 0,
        shots: Vec::new(),
        thumbnails: Vec::new(),
    };
    let empty = Storyboard { sprites: Vec::new(), thumbnails: Vec::new() };
    let Some(track) = video else { return Ok((preview, empty)) };
    let stream = probe.streams.iter().find(|stream| stream.index == track.index);
    let Some((stream, shown)) = stream.and_then(|stream| Some((stream, stream.video.as_ref()?))) else {
        return Ok((preview, empty));
    };
    let size = thumbnail_size(shown, WIDTH);
    let duration = preview.duration_seconds;
    let index = PacketIndex::read(&probe.url, track.index, execution.max_pixels, processes)?;
    let times = Times::new(&index);
    let job = Job {
        probe: &probe,
        track: &track,
        times: &times,
        pick,
        stream,
        duration,
        size,
        execution,
        processes,
        tracker,
    };
    if let Some(((first, _), (last, _))) = index.shown.first().zip(index.shown.last()) {
        check_duration(span_seconds(last.abs_diff(*first), track.time_base), execution.max_duration)?;
    }
    let found = decode_keyframes(&job)?;
    preview.engine.shortcuts = shortcuts(found.picked);
    let pts = found.frames.pts();
    let Some((first, last)) = pts.first().zip(pts.last()) else {
        let nothing = || Error::new(ErrorKind::Undecodable, "no picture");
        return if audio.is_empty() { Err(nothing()) } else { Ok((preview, empty)) };
    };
    check_duration(span_seconds(last.abs_diff(*first), track.time_base), execution.max_duration)?;
    tracker.detecting();
    preview.keyframes = if found.only_first { 0 } else { len(pts.len()) };
    preview.shots = estimate::shots(&found.frames, &found.thumbnails.pts(), track.time_base)
        .map_err(|error| Error::io("features", &error))?;
    let zero = {
        let first = track.time_base.seconds(*first);
        probe.container.start_seconds.unwrap_or(first).min(first)
    };
    let end = duration.unwrap_or(0.0).max(track.time_base.seconds(*last) - zero);
    let (scenes, pictures) = scenes(found.thumbnails.kept, track.time_base, zero, end);
    let board = compose(&scenes, &pictures, size)?;
    preview.thumbnails.clone_from(&board.thumbnails);
    Ok((preview, board))
}

/// What decoders leave out.
fn shortcuts(pick: Option<Pick>) -> Vec<String> {
    let seconds = pick.filter(|pick| *pick == Pick::Seconds).map(|_| "keyframes=1/s");
    ["skip_frame=nokey"].into_iter().chain(seconds).map(str::to_owned).collect()
}

/// Each thumbnail from its keyframe to the next, the first from the beginning and the last to the end.
fn scenes(
    thumbnails: Vec<(i64, Vec<u8>)>,
    time_base: Rational,
    zero: f64,
    end: f64,
) -> (Vec<Scene>, Vec<Vec<u8>>) {
    let begins = |pts: i64| round(time_base.seconds(pts) - zero, 6);
    let ends = thumbnails.iter().skip(1).map(|(pts, _)| begins(*pts)).chain([round(end, 6)]);
    let scene = |(at, ((pts, _), end)): (usize, (&(i64, Vec<u8>), f64))| Scene {
        pts: *pts,
        start: if at == 0 { 0.0 } else { begins(*pts) },
        end,
    };
    let scenes = thumbnails.iter().zip(ends).enumerate().map(scene).collect();
    (scenes, thumbnails.into_iter().map(|(_, picture)| picture).collect())
}
