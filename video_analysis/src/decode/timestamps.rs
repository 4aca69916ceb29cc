//! Exact timestamps beside raw pictures and samples, which have none.
//!
//! Containers that could carry both round them, and FFmpeg raises timestamps that go back before any muxer sees them. So a filter
//! tells them as they pass: `frame:0    pts:512     pts_time:0.04`, and then a line for a key, without which it is silent.

use std::io::{BufRead, BufReader, Read};

use crate::error::Error;

/// Pieces of sound have fewer samples than this. FFmpeg computes in `f64`, which then holds the times of two days at 192 kHz.
const MOST_SAMPLES: i64 = 1 << 18;

/// The filter that tells the time of each picture to the descriptor `side`, at once: a picture never waits for its time. A picture has to
/// pass [`KEY`] before.
pub(crate) fn tell_picture(side: i32) -> String {
    format!("metadata=print:key=o:file=pipe\\\\:{side}:direct=1")
}

/// The filter that gives a picture the key that is told.
pub(crate) const KEY: &str = "metadata=add:key=o:value=o";

/// Filters that tell time and length of each piece of sound to the descriptor `side`, some time later: each time told at once would wake
/// who reads. Read by [`piece_of_sound`]. Times are told from `start` on, for those of live streams may count from 1970.
pub(crate) fn tell_sound(side: i32, start: i64) -> String {
    format!(
        "asetpts=(PTS-({start}))*{MOST_SAMPLES}+NB_SAMPLES,a{KEY},ametadata=print:key=o:file=pipe\\\\:{side},asetpts=N"
    )
}

/// When a piece of sound begins and how long it is, in samples, from what [`tell_sound`] tells.
pub(crate) fn piece_of_sound(told: i64, start: i64) -> (i64, i64) {
    (told.div_euclid(MOST_SAMPLES).saturating_add(start), told.rem_euclid(MOST_SAMPLES))
}

/// Reads what the filters tell.
pub(crate) struct Timestamps<R> {
    lines: BufReader<R>,
}

impl<R: Read> Timestamps<R> {
    pub(crate) fn new(pipe: R) -> Self {
        Self { lines: BufReader::new(pipe) }
    }

    /// The next one, and within it `None` where FFmpeg knows no time; `None` at the end.
    #[expect(clippy::option_option, reason = "the end is another thing than no time")]
    pub(crate) fn next(&mut self) -> Result<Option<Option<i64>>, Error> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.lines.read_line(&mut line).map_err(|error| Error::io("timestamps", &error))?;
            if read == 0 {
                return Ok(None);
            }
            if line.starts_with("frame:") {
                let pts = line.split_whitespace().find_map(|field| field.strip_prefix("pts:"));
                return Ok(Some(pts.and_then(|pts| pts.parse().ok())));
            }
        }
    }
}

/// The times of pictures. One that has none follows the one before it, as that one followed its own.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Option<i64>,
    step: i64,
}

impl Clock {
    pub(crate) fn time(&mut self, told: Option<i64>) -> i64 {
        let follows = self.last.map_or(0, |last| last.saturating_add(self.step.max(1)));
        let time = told.unwrap_or(follows);
        self.step =
            self.last.map(|last| time.saturating_sub(last)).filter(|step| *step > 0).unwrap_or(self.step);
        self.last = Some(time);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_without_a_time_follows_the_one_before() {
        let mut clock = Clock::default();
        let told = [Some(100), Some(140), None, None, Some(20), None];
        assert_eq!(told.map(|told| clock.time(told)), [100, 140, 180, 220, 20, 60]);
        let mut clock = Clock::default();
        assert_eq!([None, None].map(|told| clock.time(told)), [0, 1]);
    }

    #[test]
    fn timestamps_are_read_as_they_are_also_below_zero_and_where_there_is_none() {
        let lines = "frame:0    pts:-512    pts_time:-0.04\no=o\nframe:1    pts:48      pts_time:0.1\no=o\n\
                     frame:2    pts:NOPTS   pts_time:NOPTS\no=o\n";
        let mut timestamps = Timestamps::new(lines.as_bytes());
        let next = [(); 4].map(|()| timestamps.next().unwrap());
        assert_eq!(next, [Some(Some(-512)), Some(Some(48)), Some(None), None]);
    }

    #[test]
    fn a_piece_of_sound_before_zero_begins_where_it_begins() {
        assert_eq!(piece_of_sound(-1024 * MOST_SAMPLES + 1000, 0), (-1024, 1000));
        assert_eq!(piece_of_sound(7 * MOST_SAMPLES, 80_000), (80_007, 0));
    }
}
