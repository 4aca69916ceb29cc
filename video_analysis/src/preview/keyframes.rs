//! Keyframes: decoded in pieces side by side, each once, as thumbnails.

use std::collections::BTreeMap;
use std::io::{ErrorKind as IoErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};

use super::origins::{self, Origins, Times};
use super::pick::Pick;
use super::shrink::shrink;
use super::thumbnails::{MOST, Thumbnails};
use crate::decode::seek;
use crate::error::Error;
use crate::execution::Execution;
use crate::features::{Extractor, Features, Frames, Room};
use crate::observer::Tracker;
use crate::parallel::side_by_side;
use crate::probe::{Probe, VideoTrack};
use crate::process::{Processes, Program, Running, demuxing_rules};
use crate::rational::Rational;
use crate::report::Stream;

/// A piece is at least as long: shorter ones, and starting a decoder takes longer than decoding.
const PIECE_SECONDS: i64 = 75;
/// Each decoder reads the container's index, which of a long film takes as long as decoding some keyframes.
const MOST_PIECES: i64 = 16;
/// Demuxers that find a time by an index, and have timestamps of their own for every picture.
const INDEXED: [&str; 2] = ["mov", "matroska"];

/// So many keyframes may come out of a decoder before one that is shown earlier.
const REORDERED: usize = 2;

/// What there is to decode, and with what.
pub(super) struct Job<'a> {
    pub(super) probe: &'a Probe,
    pub(super) track: &'a VideoTrack,
    pub(super) times: &'a Times<'a>,
    /// For a decoder that cannot be told to skip.
    pub(super) pick: Option<Pick>,
    pub(super) stream: &'a Stream,
    /// Of the file, in seconds.
    pub(super) duration: Option<f64>,
    /// Of a thumbnail.
    pub(super) size: (u32, u32),
    pub(super) execution: &'a Execution,
    pub(super) processes: &'a Processes,
    pub(super) tracker: &'a Tracker<'a>,
}

/// What came out.
pub(super) struct Keyframes {
    pub(super) frames: Frames,
    pub(super) thumbnails: Thumbnails,
    /// No keyframe is known: this is the first picture that could be decoded.
    pub(super) only_first: bool,
    /// How they were picked, where decoders did not have to skip others.
    pub(super) picked: Option<Pick>,
}

/// The keyframes with `from <= pts < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Piece {
    from: Option<i64>,
    to: Option<i64>,
}

impl Piece {
    /// Arguments by which FFmpeg begins with it.
    fn seek(self, job: &Job<'_>) -> Vec<String> {
        self.from.map(|from| seek(job.track.time_base, from).to_vec()).unwrap_or_default()
    }
}

/// Which pictures a decoder gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Keyframes: it skips the others.
    Keyframes,
    /// All that it is given, from packets that were picked.
    Picked(Pick),
    First,
}

/// Decodes all keyframes. The pieces depend on the film alone, so that what comes out does, too.
pub(super) fn decode_keyframes(job: &Job<'_>) -> Result<Keyframes, Error> {
    let pieces = cut(&job.probe.container.format, job.stream.start_pts, job.duration, job.track.time_base);
    let room = Room::new(job.execution);
    let most = MOST.div_ceil(pieces.len().max(1));
    let decode_all = |wanted| {
        let one = |number: usize| {
            let piece = pieces.get(number).copied().unwrap_or_default();
            decode(job, piece, wanted, most, &room)
        };
        side_by_side(job.execution.workers, pieces.len(), one)
    };
    let is_empty =
        |decoded: &[(Features, Thumbnails)]| decoded.iter().all(|(features, _)| features.frames.is_empty());
    let from_packets = job.pick.map(|pick| decode_all(Wanted::Picked(pick))).transpose()?;
    let from_packets = from_packets.filter(|decoded| !is_empty(decoded));
    let picked = job.pick.filter(|_| from_packets.is_some());
    let mut decoded = from_packets.map_or_else(|| decode_all(Wanted::Keyframes), Ok)?;
    let only_first = is_empty(&decoded);
    if only_first {
        decoded = vec![decode(job, Piece::default(), Wanted::First, 1, &room)?];
    }
    let all = (Features::default(), Thumbnails::new(job.track.time_base, MOST));
    let (features, thumbnails) = decoded
        .into_iter()
        .fold(all, |(features, kept), (next, thumbnails)| (features.join(next), kept.join(thumbnails)));
    Ok(Keyframes { frames: features.frames, thumbnails, only_first, picked })
}

/// Cuts a film into pieces of equal length; into one where it has no index or nobody knows how long it is.
fn cut(format: &str, start: Option<i64>, duration: Option<f64>, time_base: Rational) -> Vec<Piece> {
    const MICROSECOND: Rational = Rational { num: 1, den: 1_000_000 };
    let indexed = format.split(',').any(|name| INDEXED.contains(&name));
    let micros = duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let micros = micros.and_then(|duration| i64::try_from(duration.as_micros()).ok()).filter(|_| indexed);
    let (start, micros) = (start.unwrap_or(0), micros.unwrap_or(0));
    let count = (micros / (PIECE_SECONDS * 1_000_000)).clamp(1, MOST_PIECES);
    let place = |number: i64| start.saturating_add(MICROSECOND.rescale(micros / count * number, time_base));
    let inside = |number: i64| (1..count).contains(&number).then(|| place(number));
    (0..count).map(|number| Piece { from: inside(number), to: inside(number + 1) }).collect()
}

/// Runs one single-threaded decoder over one piece. What it complains about tells nothing: keyframes without the pictures between
/// them sound like damage to it.
fn decode(
    job: &Job<'_>,
    piece: Piece,
    wanted: Wanted,
    most: usize,
    room: &Room,
) -> Result<(Features, Thumbnails), Error> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| Error::io("pipe", &error.into()))?;
    let args = arguments(job, piece, wanted, writer.as_raw_fd());
    let mut picking = match wanted {
        Wanted::Picked(pick) => {
            Some(job.processes.spawn(Program::Ffmpeg, &pick.arguments(job, piece.seek(job)), None)?)
        }
        Wanted::Keyframes | Wanted::First => None,
    };
    let mut running = match &mut picking {
        Some(picking) => job.processes.spawn_behind(picking, Program::Ffmpeg, &args, Some(writer))?,
        None => job.processes.spawn(Program::Ffmpeg, &args, Some(writer))?,
    };
    let mut pictures = running.stdout()?;
    let mut origins = Origins::new(std::fs::File::from(reader));
    let mut collector = Collector::new(job, most, room);
    let mut buffer = vec![0; collector.size.0 * collector.size.1 * 3];
    let mut beyond = 0;
    let ended = loop {
        match pictures.read_exact(&mut buffer) {
            Ok(()) => {}
            Err(error) if error.kind() == IoErrorKind::UnexpectedEof => break true,
            Err(error) => {
                job.processes.watch.check()?;
                return Err(Error::io("decoded pictures", &error));
            }
        }
        let Some(origin) = origins.next()? else { break true };
        let time = match wanted {
            Wanted::First => origin.pts.or(Some(0)),
            Wanted::Keyframes => job.times.of(origin),
            Wanted::Picked(_) => {
                let time = origin.pts.map(|pts| Pick::time(pts, job.track.time_base));
                time.filter(|time| job.times.has_keyframe(*time))
            }
        };
        let Some(time) = time else { continue };
        if piece.to.is_some_and(|to| time >= to) {
            beyond += 1;
            if beyond > REORDERED {
                break false;
            }
        } else if piece.from.is_none_or(|from| time >= from) {
            collector.add(time, buffer.clone())?;
            job.tracker.decoded(1);
        }
    };
    if ended {
        drop((pictures, origins));
        running.finish()?;
        picking.map(Running::finish).transpose()?;
    } else {
        running.kill()?;
        drop((pictures, origins));
        picking.map(Running::kill).transpose()?;
    }
    collector.finish()
}

/// Puts pictures in order, and keeps of them what is wanted.
struct Collector<'a> {
    size: (usize, usize),
    room: &'a Room,
    waiting: BTreeMap<i64, Vec<u8>>,
    last: Option<i64>,
    extractor: Extractor,
    thumbnails: Thumbnails,
}

impl<'a> Collector<'a> {
    fn new(job: &Job<'_>, most: usize, room: &'a Room) -> Self {
        let [width, height] = [job.size.0, job.size.1].map(|side| usize::try_from(side).unwrap_or(0));
        Self {
            size: (width, height),
            room,
            waiting: BTreeMap::new(),
            last: None,
            extractor: Extractor::default(),
            thumbnails: Thumbnails::new(job.track.time_base, most),
        }
    }

    fn add(&mut self, time: i64, picture: Vec<u8>) -> Result<(), Error> {
        self.waiting.insert(time, picture);
        if self.waiting.len() > REORDERED { self.take() } else { Ok(()) }
    }

    /// Takes the picture that is shown first. One that comes later than it should is left out.
    fn take(&mut self) -> Result<(), Error> {
        let Some((time, picture)) = self.waiting.pop_first() else { return Ok(()) };
        if self.last.is_some_and(|last| time <= last) {
            return Ok(());
        }
        self.last = Some(time);
        self.extractor.push(time, &shrink(&picture, self.size));
        self.extractor.settle(self.room).map_err(|error| Error::io("features", &error))?;
        self.thumbnails.push(time, &picture);
        Ok(())
    }

    fn finish(mut self) -> Result<(Features, Thumbnails), Error> {
        while !self.waiting.is_empty() {
            self.take()?;
        }
        Ok((self.extractor.finish(), self.thumbnails))
    }
}

/// One input and one output, thumbnails on standard output; where they come from is told on `side`.
fn arguments(job: &Job<'_>, piece: Piece, wanted: Wanted, side: i32) -> Vec<String> {
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(job.execution.max_pixels));
    args.extend(["-threads", "1", "-copyts"].map(str::to_owned));
    if wanted == Wanted::Keyframes {
        args.extend(["-skip_frame", "nokey"].map(str::to_owned));
    }
    let (url, stream) = match wanted {
        Wanted::Picked(_) => {
            args.extend(["-f", "nut"].map(str::to_owned));
            ("pipe:0", 0)
        }
        Wanted::Keyframes | Wanted::First => {
            args.extend(piece.seek(job));
            (job.probe.url.as_str(), job.track.index)
        }
    };
    let (width, height) = job.size;
    let time_base = job.track.time_base.to_string();
    let filters = format!(
        "scale={width}:{height}:flags=area+accurate_rnd+bitexact,setsar=1,format=rgb24,settb={time_base},{}",
        origins::filters(&job.probe.decoder, side)
    );
    let map = format!("0:{stream}");
    args.extend(["-i", url, "-map", &map, "-filter_threads", "1", "-vf", &filters].map(str::to_owned));
    if wanted == Wanted::First {
        args.extend(["-frames:v", "1"].map(str::to_owned));
    }
    let raw = ["-fps_mode", "passthrough", "-enc_time_base", &time_base, "-c:v", "rawvideo"];
    args.extend(raw.iter().chain(&["-f", "rawvideo", "pipe:1"]).map(|&arg| arg.to_owned()));
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLIS: Rational = Rational { num: 1, den: 1000 };

    #[test]
    fn pieces_tile_the_film_and_depend_on_it_alone() {
        let pieces = cut("mov,mp4", Some(500), Some(310.0), MILLIS);
        assert_eq!(pieces.len(), 4);
        assert_eq!((pieces[0].from, pieces[1].from, pieces[3].to), (None, Some(78_000), None));
        assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(cut("matroska,webm", None, Some(40_000.0), MILLIS).len(), 16);
    }

    #[test]
    fn a_film_without_index_or_length_is_one_piece() {
        for (format, duration) in
            [("mpegts", Some(310.0)), ("mov,mp4", None), ("mov,mp4", Some(-1.0)), ("mov", Some(9.0))]
        {
            assert_eq!(cut(format, None, duration, MILLIS), [Piece::default()]);
        }
    }
}
