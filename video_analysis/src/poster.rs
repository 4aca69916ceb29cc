//! The poster as a JPEG.

use std::path::Path;

use crate::analyze::watched;
use crate::digest::file_size;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::process::{Processes, Program, demuxing_rules, input_url};
use crate::report::{Poster, Report};

/// Largest width of the JPEG; larger pictures are scaled down.
const MAX_WIDTH: u32 = 1280;
/// Largest height of the JPEG: portrait pictures are limited by it.
const MAX_HEIGHT: u32 = 1280;
/// A JPEG of that size at this quality is far below a megabyte.
const MOST_BYTES: u64 = 16 << 20;

/// The picture that [`Report::poster`] names as a JPEG in display aspect ratio and rotation, at most 1280 pixels a side.
///
/// `report` must be of the same file.
///
/// # Errors
/// [`ErrorKind::Undecodable`] when the report names no poster or the picture is not found in the file; otherwise as
/// [`analyze`](crate::analyze).
pub fn poster_jpeg(input: &Path, report: &Report, execution: &Execution) -> Result<Vec<u8>, Error> {
    file_size(input)?;
    let missing = || Error::new(ErrorKind::Undecodable, "no poster");
    let poster = report.poster.as_ref().ok_or_else(missing)?;
    let stream =
        report.streams.iter().find(|stream| stream.analyzed && stream.video.is_some()).ok_or_else(missing)?;
    let processes = Processes::new(execution)?;
    let url = input_url(input)?;
    watched(&processes, execution, &(), || {
        // Seeking is quick; where it misses, the file is read from its beginning.
        for seek in [true, false] {
            let args = arguments(&url, stream.index, poster, execution, seek);
            let (jpeg, _) = processes.output(Program::Ffmpeg, &args, MOST_BYTES)?;
            if !jpeg.is_empty() {
                return Ok(jpeg);
            }
        }
        Err(missing())
    })
}

fn arguments(url: &str, stream: u32, poster: &Poster, execution: &Execution, seek: bool) -> Vec<String> {
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(execution.max_pixels));
    args.extend(["-threads", "1", "-copyts"].map(str::to_owned));
    if seek {
        let at = format!("{:.6}", poster.seconds);
        args.extend(["-seek_timestamp", "1", "-noaccurate_seek", "-ss", &at].map(str::to_owned));
    }
    // The picture is chosen before anything is scaled; pixels become square, the sides even and bounded.
    let filter = format!(
        "select=eq(pts\\,{}),scale=w=2*max(1\\,round(iw*max(1\\,sar)/2)):h=2*max(1\\,round(ih/min(1\\,sar)/2)),setsar=1,\
         scale=w=min({MAX_WIDTH}\\,iw):h=min({MAX_HEIGHT}\\,ih):force_original_aspect_ratio=decrease:force_divisible_by=2,\
         format=yuvj420p",
        poster.pts
    );
    let map = format!("0:{stream}");
    let rest = [
        "-i",
        url,
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
        "mjpeg",
        "-q:v",
        "3",
        "-f",
        "image2pipe",
        "pipe:1",
    ];
    args.extend(rest.map(str::to_owned));
    args
}
