//! A chapter a shot, for players.
//!
//! Times count from the container's first timestamp, as players show them.

use super::clock::{MILLISECOND, hms};
use super::film::{Film, Shot};

/// W3C WebVTT, chapters: times in milliseconds, the nearest. Cues do not overlap, and none is empty.
pub(super) fn webvtt(film: &Film) -> String {
    let zero = film.zero();
    let millis = |pts: i64| film.time_base.rescale(pts.saturating_sub(zero), MILLISECOND);
    let cues = film.shots.iter().map(|shot| {
        let start = millis(shot.pts.0).max(0);
        let end = millis(shot.pts.1).max(start.saturating_add(1));
        format!("\n{}\n{} --> {}\n{}\n", shot.number, hms(start), hms(end), title(shot))
    });
    ["WEBVTT\n".to_owned()].into_iter().chain(cues).collect()
}

/// FFmpeg's `ffmetadata`: times in the stream's own time base. `ffmpeg -i film.mp4 -i film.ffmetadata -map_chapters 1
/// -codec copy out.mp4` puts the chapters into a film.
pub(super) fn ffmetadata(film: &Film) -> String {
    let zero = film.zero();
    let chapters = film.shots.iter().map(|shot| {
        let start = shot.pts.0.saturating_sub(zero).max(0);
        let end = shot.pts.1.saturating_sub(zero).max(start);
        format!("\n[CHAPTER]\nTIMEBASE={}\nSTART={start}\nEND={end}\ntitle={}\n", film.time_base, title(shot))
    });
    [";FFMETADATA1\n".to_owned()].into_iter().chain(chapters).collect()
}

fn title(shot: &Shot) -> String {
    format!("Shot {}", shot.number)
}
