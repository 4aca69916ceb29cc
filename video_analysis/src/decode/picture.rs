//! Single pictures of full size, by their timestamps.

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
    format!("trim=start_pts={pts}:end_pts={}", pts.saturating_add(1))
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

fn decode(
    job: &VideoJob<'_>,
    pts: i64,
    size: (u32, u32),
    decoding: &[&str],
) -> Result<Option<Vec<u8>>, Error> {
    let pixels = u64::from(size.0) * u64::from(size.1);
    let output = job.processes.output(Program::Ffmpeg, &arguments(job, pts, size, decoding), pixels);
    match output {
        Ok((luma, _)) => Ok((crate::numeric::len(luma.len()) == pixels).then_some(luma)),
        // The analysis has its features: this picture is one of several that are asked.
        Err(error) if matches!(error.kind(), ErrorKind::DecoderCrashed) => Ok(None),
        Err(error) => Err(error),
    }
}

fn arguments(job: &VideoJob<'_>, pts: i64, (width, height): (u32, u32), decoding: &[&str]) -> Vec<String> {
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(job.execution.max_pixels));
    args.extend(["-threads", "1", "-noautorotate", "-copyts"].map(str::to_owned));
    args.extend(decoding.iter().map(|&arg| arg.to_owned()));
    args.extend(seek(job.track.time_base, pts));
    // A stream may change its size on its way; bars are counted in the pixels that the container tells.
    let filter = format!("{},scale={width}:{height}:flags=neighbor,format=gray", only(pts));
    let map = format!("0:{}", job.track.index);
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
        "1",
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
