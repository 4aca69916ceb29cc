//! Edit decision list, CMX 3600: an event a shot, each at its own place, so that the list is the film as it is.
//!
//! Source and record timecodes count from the first picture, drop-frame at 29.97 and 59.94 frames per second. Events are
//! cuts also where the film fades or dissolves: the pictures hold the mix already. The reel is `AX`, for a file is none.
//! Numbers above 999, for which CMX 3600 has no place, have four digits, as editing programs write and read them.

use super::film::Film;
use super::timecode::Timecode;
use super::{ExportError, Media};

/// What the format leaves for a title.
const TITLE: usize = 70;

pub(super) fn write(film: &Film, media: &Media) -> Result<String, ExportError> {
    let timecode = Timecode::of(film.constant_rate()?)?;
    let name: String =
        media.name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let title: String = name.chars().take(TITLE).collect();
    let mode = if timecode.drops() { "DROP FRAME" } else { "NON-DROP FRAME" };
    let events = film.shots.iter().map(|shot| {
        let (start, end) = (timecode.at(shot.frames.0), timecode.at(shot.frames.1));
        format!(
            "\n{:03}  AX       V     C        {start} {end} {start} {end}\n* FROM CLIP NAME: {name}\n\
             * COMMENT: OPENED BY {}, CONFIDENCE {}\n",
            shot.number,
            shot.opened_by.name().to_uppercase(),
            shot.confidence
        )
    });
    Ok([format!("TITLE: {title}\nFCM: {mode}\n")].into_iter().chain(events).collect())
}
