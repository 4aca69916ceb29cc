//! `--qpfile` of x264 and x265: an IDR picture where a shot begins, its quantizer left to the encoder.
//!
//! Frames are counted from 0 in the order they are fed to the encoder, which for a whole film is that of the report.

use super::film::Film;

pub(super) fn write(film: &Film) -> String {
    let lines: Vec<String> = film.shots.iter().map(|shot| format!("{} I -1\n", shot.frames.0)).collect();
    lines.concat()
}
