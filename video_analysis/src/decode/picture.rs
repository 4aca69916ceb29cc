//! Single pictures of full size, by their timestamps or their ordinals.

use std::io::{ErrorKind as IoErrorKind, Read};

use super::VideoJob;
use crate::error::{Error, ErrorKind};
use crate::process::{Program, demuxing_rules};
use crate::rational::Rational;

/// Arguments by which FFmpeg reads an input from the last keyframe on that is shown at a time or before.
pub(crate) fn seek(time_base: Rational, pts: i64) -> [String; 5] {
    let micros = time_base.microseconds_ceil(pts);
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, micros) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let at = format!("{sign}{seconds}.{micros:06}");
    ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", &at].map(str::to_owned)
}

/// A filter that lets through the picture with a timestamp, and ends the stream with the first one after it: where there is none, decoding
/// would go on to the end of the file.
pub(crate) fn only(pts: i64) -> String {
    between(pts, pts)
}

/// The same for those from one timestamp to another, both included.
fn between(first: i64, last: i64) -> String {
    format!("trim=start_pts={first}:end_pts={}", last.saturating_add(1))
}

/// Luma, from 0 to 255, of the picture with a timestamp: `size.0` × `size.1` pixels, row by row, as coded. `None` where
/// seeking does not lead to it, or it cannot be decoded.
pub(crate) fn luma_of_picture(
    job: &VideoJob<'_>,
    pts: i64,
    size: (u32, u32),
) -> Result<Option<Vec<u8>>, Error> {
    let _place = job.processes.places.take();
    // A keyframe needs no other picture, and comes out before others are decoded. What a container calls one need be none to
    // the decoder.
    let alone =
        if job.index.has_keyframe(pts) { decode(job, pts, size, &["-skip_frame", "nokey"])? } else { None };
    alone.map_or_else(|| decode(job, pts, size, &[]), |luma| Ok(Some(luma)))
}

/// The same of several pictures by their ordinals, in order, in one pass over the film up to the last of them; each is handed to `see`.
/// One that cannot be decoded is not seen.
pub(crate) fn luma_of_pictures(
    job: &VideoJob<'_>,
    ordinals: &[usize],
    size: (u32, u32),
    mut see: impl FnMut(usize, &[u8]),
) -> Result<(), Error> {
    if ordinals.is_empty() {
        return Ok(());
    }
    let chosen: Vec<String> = ordinals.iter().map(|ordinal| format!("eq(n\\,{ordinal})")).collect();
    let args = arguments(job, &[], &format!("select={}", chosen.join("+")), ordinals.len(), size);
    let mut unseen = ordinals.iter();
    each_picture(job, &args, size, |luma| unseen.next().into_iter().for_each(|&ordinal| see(ordinal, luma)))
}

/// The same of keyframes by their timestamps, in order, in one pass over the keyframes from the first of them to the last. Where one cannot
/// be decoded, fewer are seen.
pub(crate) fn luma_of_keyframes(
    job: &VideoJob<'_>,
    timestamps: &[i64],
    size: (u32, u32),
    see: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let [first, .., last] = timestamps else { return Ok(()) };
    let seek = seek(job.track.time_base, *first);
    let decoding: Vec<String> = ["-skip_frame", "nokey"].map(str::to_owned).into_iter().chain(seek).collect();
    let chosen: Vec<String> = timestamps.iter().map(|pts| format!("eq(pts\\,{pts})")).collect();
    let chosen = format!("{},select={}", between(*first, *last), chosen.join("+"));
    each_picture(job, &arguments(job, &decoding, &chosen, timestamps.len(), size), size, see)
}

/// Runs FFmpeg and hands each picture that comes to `see`, until one does not come whole.
fn each_picture(
    job: &VideoJob<'_>,
    args: &[String],
    size: (u32, u32),
    mut see: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let _place = job.processes.places.take();
    let mut running = job.processes.spawn(Program::Ffmpeg, args, None)?;
    let mut pictures = running.stdout()?;
    let mut luma = vec![0; usize::try_from(pixels(size)).unwrap_or(usize::MAX)];
    loop {
        match pictures.read_exact(&mut luma) {
            Ok(()) => see(&luma),
            Err(error) if error.kind() == IoErrorKind::UnexpectedEof => break,
            Err(error) => {
                job.processes.watch.check()?;
                return Err(Error::io("decoded pictures", &error));
            }
        }
    }
    drop(pictures);
    match running.finish() {
        Err(error) if error.kind() != ErrorKind::DecoderCrashed => Err(error),
        _ => Ok(()),
    }
}

fn pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

fn decode(
    job: &VideoJob<'_>,
    pts: i64,
    size: (u32, u32),
    decoding: &[&str],
) -> Result<Option<Vec<u8>>, Error> {
    let decoding: Vec<String> =
        decoding.iter().map(|&arg| arg.to_owned()).chain(seek(job.track.time_base, pts)).collect();
    let args = arguments(job, &decoding, &only(pts), 1, size);
    match job.processes.output(Program::Ffmpeg, &args, pixels(size)) {
        Ok((luma, _)) => Ok((crate::numeric::len(luma.len()) == pixels(size)).then_some(luma)),
        // The analysis has its features: this picture is one of several that are asked.
        Err(error) if matches!(error.kind(), ErrorKind::DecoderCrashed) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Of so many pictures that the filter `chosen` lets through.
fn arguments(
    job: &VideoJob<'_>,
    decoding: &[String],
    chosen: &str,
    count: usize,
    (width, height): (u32, u32),
) -> Vec<String> {
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(job.execution.max_pixels));
    args.extend(["-threads", "1", "-noautorotate", "-copyts"].map(str::to_owned));
    args.extend(decoding.iter().cloned());
    // A stream may change its size on its way; bars are counted in the pixels that the container tells.
    let filter = format!("{chosen},scale={width}:{height}:flags=neighbor,format=gray");
    let (map, count) = (format!("0:{}", job.track.index), count.to_string());
    let rest = [
        "-i",
        &job.probe.url,
        "-map",
        &map,
        "-filter_threads",
        "1",
        "-vf",
        &filter,
        "-frames:v",
        &count,
        "-fps_mode",
        "passthrough",
        "-c:v",
        "rawvideo",
        "-f",
        "rawvideo",
        "pipe:1",
    ];
    args.extend(rest.map(str::to_owned));
    args
}
