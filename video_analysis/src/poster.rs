//! The poster as a JPEG.

use std::path::Path;

use crate::analyze::watched;
use crate::digest::file_size;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::extract::{JPEG, SQUARE_PIXELS, Source, Which};
use crate::observer::Observer;
use crate::process::{Processes, input_url};
use crate::report::Report;

/// Largest width of the JPEG; larger pictures are scaled down.
const MAX_WIDTH: u32 = 1280;
/// Largest height of the JPEG: portrait pictures are limited by it.
const MAX_HEIGHT: u32 = 1280;
/// A JPEG of that size at this quality is far below a megabyte.
const MOST_BYTES: u64 = 16 << 20;

/// The picture that [`Report::poster`] names as a JPEG in display aspect ratio and rotation, at most 1280 pixels a side.
///
/// `report` must be of the same file. `observer` is asked whether to go on, and hears nothing.
///
/// # Errors
/// [`ErrorKind::Undecodable`] when the report names no poster or the picture is not found in the file; otherwise as
/// [`analyze`](crate::analyze).
pub fn poster_jpeg(
    input: &Path,
    report: &Report,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Vec<u8>, Error> {
    file_size(input)?;
    let missing = || Error::new(ErrorKind::Undecodable, "no poster");
    let poster = report.poster.as_ref().ok_or_else(missing)?;
    let stream =
        report.streams.iter().find(|stream| stream.analyzed && stream.video.is_some()).ok_or_else(missing)?;
    let processes = Processes::new(input, execution)?;
    let url = input_url(input)?;
    let filters = format!(
        "{SQUARE_PIXELS},scale=w=min({MAX_WIDTH}\\,iw):h=min({MAX_HEIGHT}\\,ih):force_original_aspect_ratio=decrease:\
         force_divisible_by=2,format=yuvj420p"
    );
    let time_base = poster.time_base;
    let source = Source { url: &url, stream: stream.index, time_base, execution, processes: &processes };
    watched(&processes, execution, observer, || {
        let which = Which::of(report, stream.index, poster.frame, poster.pts);
        let jpeg = source.extract(which, &filters, &JPEG, MOST_BYTES)?;
        if jpeg.is_empty() { Err(missing()) } else { Ok(jpeg) }
    })
}
