//! Pictures: decoded in pieces side by side, and joined only when that provably gives what one decoder gives.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::pipe::{PipeFlags, pipe_with};

use super::keeper::Keeper;
use super::picture::seek;
use super::pieces::{Piece, Pieces};
use super::plan::{cut_rest, hides_damage, is_cuttable};
use super::timestamps::{Clock, KEY, Timestamps, tell_picture};
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::features::{Extractor, FRAME_BYTES, Features, HEIGHT, Room, WIDTH};
use crate::numeric::len;
use crate::observer::Tracker;
use crate::probe::{PacketIndex, Probe, VideoTrack};
use crate::process::{Processes, Program, demuxing_rules};
use crate::store::{KeptStretch, Stretches};

/// The tracker is told after this many pictures: often enough for a bar, too rarely to contend for its lock.
const TELL_EVERY: u64 = 32;

/// A row of the small picture is the average of at least this many.
const ROWS: u32 = 4;

const ONE: NonZeroUsize = NonZeroUsize::MIN;
/// Threads of a decoder that has the whole stream: each holds pictures of its own.
const MOST_THREADS: NonZeroUsize = ONE.saturating_add(3);

/// What the decoder leaves out: the loop filter in pictures that no other refers to, an eighth of its time in H.264. What it would
/// have smoothed is the seams of blocks, which the small picture averages away.
pub(crate) const SHORTCUTS: [(&str, &str); 1] = [("skip_loop_filter", "noref")];

/// What there is to decode, and with what.
pub(crate) struct VideoJob<'a> {
    pub(crate) probe: &'a Probe,
    pub(crate) track: &'a VideoTrack,
    pub(crate) index: &'a PacketIndex,
    pub(crate) execution: &'a Execution,
    pub(crate) processes: &'a Processes,
    pub(crate) tracker: &'a Tracker<'a>,
    /// Where pictures are kept, and may be from an analysis that was interrupted.
    pub(crate) stretches: Option<&'a Stretches<'a>>,
}

/// Every picture of the stream, as features.
pub(crate) struct Pictures {
    pub(crate) features: Features,
    /// Whether the decoder complained or ended unsuccessfully.
    pub(crate) damaged: bool,
    /// How many decoders it took in the end.
    pub(crate) pieces: usize,
}

/// Decodes the whole stream. The result does not depend on the number of pieces, nor on what is there already of an analysis that
/// was interrupted: whatever one decoder would see otherwise than several makes the stream be decoded in one piece.
pub(crate) fn decode_pictures(job: &VideoJob<'_>) -> Result<Pictures, Error> {
    let codec = job.track.codec.as_deref();
    let mut promised = None;
    if is_cuttable(job.index, &job.probe.container.format, codec) {
        let room = Room::new(job.execution);
        let kept = job.stretches.map(|stretches| stretches.load(&room)).transpose();
        let kept = kept.map_err(|error| Error::io("features", &error))?.unwrap_or_default();
        let ranges: Vec<_> = kept.iter().map(|stretch| stretch.range.clone()).collect();
        let pieces = cut_rest(job.index, codec, job.execution.segments, &ranges);
        if kept.is_empty() && pieces.len() == 1 {
            promised = Some(job.index.shown.len());
        } else {
            let pieces = Pieces::new(job, pieces);
            if let Some(features) = decode_side_by_side(job, &pieces, kept, &room)? {
                return Ok(Pictures { features, damaged: false, pieces: pieces.count() });
            }
            log::info!("pieces do not join, decoding in one pieces={}", pieces.count());
            job.tracker.restart();
            job.stretches.into_iter().for_each(Stretches::forget);
        }
    }
    decode_whole(job, &Piece::whole(promised))
}

/// The stream in one piece, by as many threads as there are workers: what they give is the same, but where something is damaged
/// they need not find the same in its place. Then one thread has the word, from the beginning where it is known beforehand.
fn decode_whole(job: &VideoJob<'_>, piece: &Piece<'_>) -> Result<Pictures, Error> {
    let _place = job.processes.places.take();
    let codec = job.track.codec.as_deref();
    let alone = job.index.damaged || hides_damage(codec);
    let threads = if alone { ONE } else { job.execution.workers.min(MOST_THREADS) };
    let decode =
        |threads| decode_piece(job, piece, threads, &Room::new(job.execution), &AtomicBool::new(false));
    if threads > ONE {
        match decode(threads) {
            Ok(Decoded { features, doubtful: false }) => {
                return Ok(Pictures { features, damaged: false, pieces: 1 });
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::DecoderCrashed => {}
            Err(error) => return Err(error),
        }
        log::info!("decoder complained, decoding by one thread threads={threads}");
        job.tracker.restart();
        job.stretches.into_iter().for_each(Stretches::forget);
    }
    let Decoded { features, doubtful } = decode(ONE)?;
    if doubtful {
        job.stretches.into_iter().for_each(Stretches::forget);
    }
    Ok(Pictures { features, damaged: doubtful, pieces: 1 })
}

/// The pieces, and between them what is kept; `None` when the pieces do not join.
pub(super) fn decode_side_by_side<'a>(
    job: &'a VideoJob<'a>,
    pieces: &'a Pieces<'a>,
    kept: Vec<KeptStretch>,
    room: &Room,
) -> Result<Option<Features>, Error> {
    let mut parts: Vec<(usize, Features)> =
        kept.into_iter().map(|stretch| (stretch.range.start, stretch.features)).collect();
    let known: usize = parts.iter().map(|(_, features)| features.frames.len()).sum();
    if known > 0 {
        log::info!("an interrupted analysis goes on pictures={known}");
        job.tracker.decoded(len(known));
    }
    let abandoned = AtomicBool::new(false);
    let work = || {
        let mut done = Vec::new();
        while let Some((piece, _place)) = pieces.next(&job.processes.places, &abandoned) {
            match decode_piece(job, &piece, ONE, room, &abandoned) {
                Ok(decoded) if decoded.joins(&piece) => done.push((piece.first, decoded.features)),
                Ok(_) => abandoned.store(true, Ordering::Relaxed),
                // What is wrong with one piece may be right in the whole; limits and the user are the same for both.
                Err(error) if error.kind() == ErrorKind::DecoderCrashed => {
                    abandoned.store(true, Ordering::Relaxed);
                }
                Err(error) => {
                    abandoned.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
            if abandoned.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(done)
    };
    let results: Vec<Result<Vec<(usize, Features)>, Error>> = std::thread::scope(|scope| {
        // Whoever asks for few pieces has little memory for decoders.
        let decoders = job.execution.workers.min(job.execution.segments);
        let threads: Vec<_> = (0..decoders.get()).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    for result in results {
        parts.extend(result?);
    }
    if abandoned.load(Ordering::Relaxed) {
        return Ok(None);
    }
    parts.sort_by_key(|(first, _)| *first);
    Ok(Some(parts.into_iter().fold(Features::default(), |joined, (_, part)| joined.join(part))))
}

/// What one decoder gave.
struct Decoded {
    features: Features,
    /// The decoder complained or ended unsuccessfully, or was abandoned.
    doubtful: bool,
}

impl Decoded {
    /// Whether it is exactly the pictures the packets promise, in order, and none doubtful.
    fn joins(&self, piece: &Piece<'_>) -> bool {
        let pts = self.features.frames.pts();
        !self.doubtful
            && piece.end() == Some(piece.first + pts.len())
            && (piece.from.is_none() || piece.from.as_ref() == pts.first())
            && pts.iter().zip(pts.iter().skip(1)).all(|(one, next)| one < next)
    }
}

/// Runs one decoder over one piece. Where it has several threads it is ended with its first complaint.
fn decode_piece(
    job: &VideoJob<'_>,
    piece: &Piece<'_>,
    threads: NonZeroUsize,
    room: &Room,
    abandoned: &AtomicBool,
) -> Result<Decoded, Error> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| Error::io("pipe", &error.into()))?;
    let args = arguments(job, piece, threads, writer.as_raw_fd());
    let mut running = job.processes.spawn(Program::Ffmpeg, &args, Some(writer))?;
    let mut pictures = running.stdout()?;
    let mut timestamps = Timestamps::new(std::fs::File::from(reader));
    let mut clock = Clock::default();
    let mut extractor = Extractor::default();
    let mut keeper = Keeper::new(job, piece);
    let features = |error| Error::io("features", &error);
    let mut buffer = vec![0; FRAME_BYTES];
    let mut untold = 0;
    let ended = loop {
        match pictures.read_exact(&mut buffer) {
            Ok(()) => {}
            Err(error) if error.kind() == IoErrorKind::UnexpectedEof => break true,
            Err(error) => {
                job.processes.watch.check()?;
                return Err(Error::io("decoded pictures", &error));
            }
        }
        let Some(told) = timestamps.next()? else { break true };
        let pts = clock.time(told);
        let is_abandoned = abandoned.load(Ordering::Relaxed) || (threads > ONE && !running.is_content());
        if is_abandoned {
            break false;
        }
        // Seeking lands on the keyframe or before it, and an open group's leading pictures belong to the piece before.
        if piece.from.is_some_and(|from| pts < from) {
            continue;
        }
        if !piece.takes(pts) {
            break false;
        }
        keeper.before(pts, &mut extractor, || running.is_content()).map_err(features)?;
        extractor.push(pts, &buffer);
        extractor.settle(room).map_err(features)?;
        untold += 1;
        if untold == TELL_EVERY {
            job.tracker.decoded(untold);
            untold = 0;
        }
    };
    job.tracker.decoded(untold);
    let doubtful = if ended {
        drop((pictures, timestamps));
        let exit = running.finish()?;
        if let Some(first) = exit.complaints.lines().next() {
            log::info!("decoder complained text={first:?}");
        }
        !exit.success() || !exit.complaints.is_empty()
    } else {
        // Killed before its pipes are closed, or it would complain about that.
        let complaints = running.kill()?;
        drop((pictures, timestamps));
        !complaints.is_empty() || abandoned.load(Ordering::Relaxed)
    };
    if !doubtful {
        keeper.finish(piece, &mut extractor).map_err(features)?;
    }
    Ok(Decoded { features: extractor.finish(), doubtful })
}

/// Filters that leave out every second row, again and again, for as long as every row of the small picture is still the
/// average of several. A row is left out by doubling the stride, which costs nothing; averaging over all of them would take
/// a tenth of the time that decoding takes.
fn thinned(height: u32) -> String {
    let enough = u32::try_from(HEIGHT).map_or(u32::MAX, |rows| rows * ROWS);
    let halvings = (height / enough).checked_ilog2().unwrap_or(0);
    "field=top,".repeat(usize::try_from(halvings).unwrap_or(0))
}

/// Small pictures on standard output, timestamps on `side`.
fn arguments(job: &VideoJob<'_>, piece: &Piece<'_>, threads: NonZeroUsize, side: i32) -> Vec<String> {
    let time_base = job.track.time_base;
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(job.execution.max_pixels));
    // Rotation would be done before scaling, on full pictures, and detectors do not care which side is up.
    args.extend(["-threads", &threads.to_string(), "-noautorotate", "-copyts"].map(str::to_owned));
    args.extend(SHORTCUTS.iter().flat_map(|(option, value)| [format!("-{option}"), (*value).to_owned()]));
    if let Some(from) = piece.from {
        args.extend(seek(time_base, from));
    }
    let filters = format!(
        "{}scale={WIDTH}:{HEIGHT}:flags=area+accurate_rnd+bitexact,format=rgb24,settb={time_base},{KEY},{}",
        thinned(job.track.size.1),
        tell_picture(side)
    );
    let map = format!("0:{}", job.track.index);
    args.extend(
        ["-i", &job.probe.url, "-map", &map, "-filter_threads", "1", "-vf", &filters].map(str::to_owned),
    );
    // The encoder of what is not encoded would have a thread for each core.
    let raw = ["-fps_mode", "passthrough", "-c:v", "rawvideo", "-threads", "1"];
    args.extend(
        raw.iter().chain(&["-flush_packets", "0", "-f", "rawvideo", "pipe:1"]).map(|&arg| arg.to_owned()),
    );
    args
}
