//! Any picture of a file as a JPEG.

use std::path::Path;

use crate::analyze::watched;
use crate::digest::file_size;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::extract::{JPEG, SQUARE_PIXELS, Source, Which};
use crate::observer::Observer;
use crate::probe::{PacketIndex, probe};
use crate::process::Processes;

/// Largest side that may be asked for, in pixels: twice that of 4K, which the decoder's memory still has room to encode.
const MAX_SIDE: u32 = 8192;
/// A JPEG of the largest pictures that are decoded.
const MOST_BYTES: u64 = 256 << 20;

/// How large a picture is to be. Its aspect ratio stays: of one side the other follows, into both it is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Pixels across, 2 to 8192; `None`: as follows from the height, or as the film has them.
    pub width: Option<u32>,
    /// Pixels down, 2 to 8192.
    pub height: Option<u32>,
}

impl Size {
    /// Filters from square pixels to this size.
    fn filters(self) -> Result<String, Error> {
        let sides = [self.width, self.height].into_iter().flatten();
        if let Some(wrong) = sides.into_iter().find(|side| !(2..=MAX_SIDE).contains(side)) {
            let text = format!("a side of {wrong} pixels: must be between 2 and {MAX_SIDE}");
            return Err(Error::new(ErrorKind::InvalidOptions, text));
        }
        Ok(match (self.width, self.height) {
            (None, None) => String::new(),
            (Some(width), None) => format!(",scale=w={width}:h=-2"),
            (None, Some(height)) => format!(",scale=w=-2:h={height}"),
            (Some(width), Some(height)) => {
                format!(
                    ",scale=w={width}:h={height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
                )
            }
        })
    }
}

/// The picture `frame`, counted from 0 as in a report, of the analysed video stream as a JPEG in display aspect ratio and
/// rotation.
///
/// It is found by its timestamp where the list of packets tells that for certain, and else by decoding up to it. `observer` is asked
/// whether to go on, and hears nothing.
///
/// # Errors
/// [`ErrorKind::Undecodable`] when there is no such picture, [`ErrorKind::InvalidOptions`] for a size that makes no sense;
/// otherwise as [`analyze`](crate::analyze).
pub fn frame_jpeg(
    input: &Path,
    frame: u64,
    size: Size,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Vec<u8>, Error> {
    file_size(input)?;
    let filters = format!("{SQUARE_PIXELS}{},format=yuvj420p", size.filters()?);
    let missing = || Error::new(ErrorKind::Undecodable, format!("no picture {frame}"));
    let processes = Processes::new(input, execution)?;
    watched(&processes, execution, observer, || {
        let (probe, track, _) = probe(input, execution, &processes)?;
        let track = track.ok_or_else(missing)?;
        let index = PacketIndex::read(&probe.url, track.index, execution.max_pixels, &processes)?;
        let (stream, time_base) = (track.index, track.time_base);
        let source = Source { url: &probe.url, stream, time_base, execution, processes: &processes };
        let which = match pictures(&index) {
            Some(pictures) => {
                let at = usize::try_from(frame).ok().and_then(|at| pictures.get(at));
                Which::Pts(at.ok_or_else(missing)?.0)
            }
            None => Which::Ordinal(frame),
        };
        let jpeg = source.extract(which, &filters, &JPEG, MOST_BYTES)?;
        if jpeg.is_empty() { Err(missing()) } else { Ok(jpeg) }
    })
}

/// The pictures with their timestamps, where every packet is a picture and has one, and time does not go back: nothing is shown before
/// the first keyframe, which decoders leave out.
fn pictures(index: &PacketIndex) -> Option<&[(i64, u32)]> {
    let first = index.shown.first()?.0;
    let begins = index.keyframes.first().is_some_and(|keyframe| keyframe.pts == first);
    (index.timed && !index.damaged && index.backwards.is_empty() && begins).then_some(&*index.shown)
}
