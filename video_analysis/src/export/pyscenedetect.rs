//! The scene list of PySceneDetect 0.6 and 0.7 (`list-scenes`, read again by `load-scenes`): a list of where scenes begin, column
//! names, a row a scene.
//!
//! As there, start frames count from 1 and end frames are the last of their scene, which is the report's `end_frame`. Times
//! count from the first picture.

use super::clock::{MILLISECOND, hms};
use super::film::{Film, Shot};

const COLUMNS: &str = "Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,\
End Time (seconds),Length (frames),Length (timecode),Length (seconds)";

pub(super) fn write(film: &Film) -> String {
    let millis = |pts: i64| film.time_base.rescale(pts.saturating_sub(film.first_pts), MILLISECOND);
    let starts = film.shots.iter().skip(1).map(|shot| hms(millis(shot.pts.0)));
    let cuts: Vec<String> = [String::from("Timecode List:")].into_iter().chain(starts).collect();
    let rows = film.shots.iter().map(|shot| row(shot, (millis(shot.pts.0), millis(shot.pts.1))));
    [cuts.join(","), COLUMNS.to_owned()].into_iter().chain(rows).map(|row| row + "\n").collect()
}

fn row(shot: &Shot, (start, end): (i64, i64)) -> String {
    let (first, after) = shot.frames;
    let length = end.saturating_sub(start);
    [
        shot.number.to_string(),
        first.saturating_add(1).to_string(),
        hms(start),
        seconds(start),
        after.to_string(),
        hms(end),
        seconds(end),
        after.saturating_sub(first).to_string(),
        hms(length),
        seconds(length),
    ]
    .join(",")
}

fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis.max(0) / 1000, millis.max(0) % 1000)
}
