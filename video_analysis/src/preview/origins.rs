//! Where a decoded picture comes from, which tells its time.
//!
//! FFmpeg's H.264 decoder confuses the timestamps of keyframes when it is given none of the pictures between them, in films whose
//! keyframes are not all IDR pictures: it gives pictures in another order, and then takes their time from wherever it can. The
//! packet's place in the file goes along with the picture itself, and the list of packets knows what time that is.

use std::collections::HashMap;
use std::io::Read;

use crate::decode::{KEY, Timestamps, tell_picture};
use crate::error::Error;
use crate::numeric::{len, to_f32, to_f64};
use crate::probe::PacketIndex;
use crate::rational::Rational;

/// Filters that write timestamp and place of each picture to the descriptor `side`, and then number them.
pub(super) fn filters(decoder: &str, side: i32) -> String {
    let tell = tell_picture(side);
    let place = if knows_places(decoder) { "POS" } else { "NAN" };
    format!("{KEY},{tell},setpts={place},{tell},setpts=N")
}

/// FFmpeg 8 no longer tells the place; versions of its own numbering may be as new.
fn knows_places(decoder: &str) -> bool {
    let version = decoder.trim_start_matches("ffmpeg ").split('.').next();
    version.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < 8)
}

/// What is known of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// What the decoder takes its time for.
    pub(super) pts: Option<i64>,
    /// Where its packet is in the file.
    place: Option<i64>,
}

/// Reads what [`filters`] wrote.
pub(super) struct Origins<R>(Timestamps<R>);

impl<R: Read> Origins<R> {
    pub(super) fn new(pipe: R) -> Self {
        Self(Timestamps::new(pipe))
    }

    /// That of the next picture; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Origin>, Error> {
        let Some(pts) = self.0.next()? else { return Ok(None) };
        Ok(self.0.next()?.map(|place| Origin { pts, place }))
    }
}

/// The times of keyframes.
pub(super) struct Times<'a> {
    index: &'a PacketIndex,
    /// By place; `None` where several are at one.
    by_place: HashMap<u32, Option<i64>>,
}

impl<'a> Times<'a> {
    pub(super) fn new(index: &'a PacketIndex) -> Self {
        let mut by_place = HashMap::new();
        for keyframe in &index.keyframes {
            if let Some(place) = keyframe.place {
                let several = |time: &mut Option<i64>| *time = None;
                by_place.entry(rounded(place)).and_modify(several).or_insert(Some(keyframe.pts));
            }
        }
        Self { index, by_place }
    }

    /// How many pictures there are in a second, on average; one at least.
    pub(super) fn pictures_a_second(&self, time_base: Rational) -> u64 {
        let shown = &self.index.shown;
        let span = shown.first().zip(shown.last()).map_or(0, |((first, _), (last, _))| last.abs_diff(*first));
        let second = Rational { num: 1, den: 1 }.rescale(1, time_base).unsigned_abs();
        (len(shown.len()) * second / span.max(second).max(1)).max(1)
    }

    /// Whether a keyframe is shown at a time.
    pub(super) fn has_keyframe(&self, time: i64) -> bool {
        self.index.has_keyframe(time)
    }

    /// The time of a picture; `None` where it is not certain.
    pub(super) fn of(&self, Origin { pts, place }: Origin) -> Option<i64> {
        let known = place.and_then(|place| self.by_place.get(&rounded(place)).copied().flatten());
        // Without timestamps of packets, what the decoder makes of them is all there is.
        known.or_else(|| pts.filter(|pts| !self.index.timed || self.index.has_keyframe(*pts)))
    }
}

/// FFmpeg's filter rounds a place to a `float`: of a file of four gigabytes, to 512 bytes. Keyframes are farther apart.
fn rounded(place: i64) -> u32 {
    to_f32(to_f64(place)).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Keyframe;

    #[test]
    fn timestamps_and_places_are_read_in_turn() {
        let lines = "frame:0    pts:-512    pts_time:-0.04\no=o\nframe:0    pts:48      pts_time:0.1\no=o\n\
                     frame:1    pts:NOPTS   pts_time:NOPTS\no=o\nframe:1    pts:NOPTS   pts_time:NOPTS\no=o\n";
        let mut origins = Origins::new(lines.as_bytes());
        assert_eq!(origins.next().unwrap(), Some(Origin { pts: Some(-512), place: Some(48) }));
        assert_eq!(origins.next().unwrap(), Some(Origin { pts: None, place: None }));
        assert_eq!(origins.next().unwrap(), None);
    }

    #[test]
    fn the_place_decides_and_else_a_time_that_a_keyframe_has() {
        let keyframe = |pts, place| Keyframe { pts, closed: true, place };
        let keyframes = vec![keyframe(0, Some(9)), keyframe(5, Some(9)), keyframe(8, Some(25_462_183))];
        let at = |pts, place| Origin { pts: Some(pts), place };
        let index = PacketIndex { keyframes, timed: true, ..PacketIndex::default() };
        assert_eq!(Times::new(&index).of(at(5, Some(25_462_184))), Some(8));
        assert_eq!(Times::new(&index).of(at(5, Some(9))), Some(5));
        assert_eq!(Times::new(&index).of(at(6, None)), None);
        assert_eq!(Times::new(&PacketIndex::default()).of(at(6, None)), Some(6));
    }

    #[test]
    fn places_are_asked_of_versions_that_know_them() {
        assert!(knows_places("ffmpeg 5.1.9-0+deb12u1") && knows_places("ffmpeg 7.1"));
        assert!(!knows_places("ffmpeg 8.0") && !knows_places("ffmpeg N-12-gabc"));
    }
}
