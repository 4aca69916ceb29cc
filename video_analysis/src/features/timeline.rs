//! When pictures are shown, in films whose time goes back as well: transport streams that were joined, counters that wrapped.

use std::collections::BTreeMap;
use std::ops::Range;

/// What timestamps do not say: when pictures end that the next one does not follow in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// When the film ends.
    end: i64,
    /// Pictures that are earlier than the one before them, and when that one ends.
    turns: BTreeMap<usize, i64>,
}

impl Timeline {
    /// Of pictures at `pts`, the last of which lasts so many ticks. One before a turn lasts as long as its own predecessor.
    pub(crate) fn of(pts: &[i64], last_duration: i64) -> Self {
        let mut turns = BTreeMap::new();
        let mut step = last_duration;
        for (at, (one, next)) in (1..).zip(pts.iter().zip(pts.iter().skip(1))) {
            if next < one {
                turns.insert(at, one.saturating_add(step));
            } else {
                step = next.saturating_sub(*one);
            }
        }
        Self { end: pts.last().map_or(0, |last| last.saturating_add(last_duration)), turns }
    }

    /// When a picture is shown; when the film ends, for those behind it.
    pub(crate) fn start(&self, pts: &[i64], picture: usize) -> i64 {
        pts.get(picture).copied().unwrap_or(self.end)
    }

    /// When what is before a picture ends: when that is shown, unless it is earlier.
    pub(crate) fn end(&self, pts: &[i64], picture: usize) -> i64 {
        self.turns.get(&picture).copied().unwrap_or_else(|| self.start(pts, picture))
    }

    /// How many ticks pictures are shown.
    pub(crate) fn lasts(&self, pts: &[i64], Range { start, end }: Range<usize>) -> i64 {
        let turns = self.turns.range(start.saturating_add(1)..end.max(start.saturating_add(1)));
        let lost =
            turns.map(|(at, end)| end.saturating_sub(self.start(pts, *at))).fold(0, i64::saturating_add);
        self.end(pts, end).saturating_sub(self.start(pts, start)).saturating_add(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_time_goes_back_pictures_last_as_long_as_those_before() {
        let pts = [100, 140, 180, 20, 60, 100, 10];
        let timeline = Timeline::of(&pts, 40);
        assert_eq!([0, 2, 3, 6, 7].map(|at| timeline.start(&pts, at)), [100, 180, 20, 10, 50]);
        assert_eq!([2, 3, 4, 6, 7].map(|at| timeline.end(&pts, at)), [180, 220, 60, 140, 50]);
        let lasts = |range| timeline.lasts(&pts, range);
        assert_eq!([lasts(0..3), lasts(2..4), lasts(3..6), lasts(0..7), lasts(4..4)], [120, 80, 120, 280, 0]);
    }

    #[test]
    fn where_it_does_not_a_picture_lasts_until_the_next() {
        let pts = [0, 40, 40, 120];
        let timeline = Timeline::of(&pts, 7);
        assert_eq!([timeline.lasts(&pts, 0..4), timeline.lasts(&pts, 1..3)], [127, 80]);
        assert_eq!(Timeline::of(&[], 40).lasts(&[], 0..0), 0);
    }
}
