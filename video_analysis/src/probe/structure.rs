//! What the packets of a video stream tell of its structure, without decoding.

use serde::{Deserialize, Serialize};

use super::PacketIndex;
use crate::numeric::len;
use crate::rational::Rational;

/// Groups of pictures, times and sizes of the packets to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Structure {
    /// Packets from which decoding can start, and those of them that are followed by pictures shown earlier.
    pub(crate) keyframes: u64,
    pub(crate) open: u64,
    /// Pictures from one keyframe to the next, or to the end: least, median, most.
    pub(crate) lengths: [u64; 3],
    /// Packets that are shown before one that came earlier: B-frames, in most codecs.
    pub(crate) reordered: u64,
    /// Packets without a timestamp, and with that of another one.
    pub(crate) missing: u64,
    pub(crate) duplicated: u64,
    /// Ticks from one timestamp to the next: least, median, most; zeros with less than two.
    pub(crate) intervals: [i64; 3],
    /// Whether all are where a constant rate has them, but for rounding to ticks.
    pub(crate) constant: bool,
    /// Ticks from the first timestamp to the last, and packets with one.
    pub(crate) span: u64,
    pub(crate) timed: u64,
    /// Bytes of the packets in each second from the first timestamp on.
    pub(crate) seconds: Vec<u32>,
}

/// An interval of fewer ticks is not a rounded one: a time base so coarse was made for its rate.
const ROUNDED: i64 = 10;

impl Structure {
    pub(crate) fn of(index: &PacketIndex, time_base: Rational, most_seconds: usize) -> Self {
        let times: Vec<i64> = index.shown.iter().map(|(pts, _)| *pts).collect();
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return Self { missing: index.packets, ..Self::default() };
        };
        let pairs = || times.iter().zip(times.iter().skip(1));
        let intervals = pairs().map(|(one, next)| next.saturating_sub(*one)).collect();
        let mut starts: Vec<u64> = index
            .keyframes
            .iter()
            .map(|keyframe| len(times.partition_point(|pts| *pts < keyframe.pts)))
            .collect();
        starts.push(len(times.len()));
        let lengths = starts.iter().zip(starts.iter().skip(1)).map(|(one, next)| next - one).collect();
        Self {
            keyframes: len(index.keyframes.len()),
            open: len(index.keyframes.iter().filter(|keyframe| !keyframe.closed).count()),
            lengths: spread(lengths),
            reordered: index.reordered,
            missing: index.packets - len(times.len()),
            duplicated: len(pairs().filter(|(one, next)| one == next).count()),
            constant: is_constant(&times),
            intervals: spread(intervals),
            span: last.abs_diff(first),
            timed: len(times.len()),
            seconds: seconds(index, first, time_base, most_seconds),
        }
    }

    /// The exact rate of a stream of constant rate: what one tick says, else the first of the rates that the container names which
    /// fits all of its length.
    pub(crate) fn rate(&self, time_base: Rational, named: [Option<Rational>; 2]) -> Option<Rational> {
        let [least, _, most] = self.intervals;
        if !self.constant || least <= 0 {
            return None;
        }
        let fits = |rate: &Rational| {
            let period = Rational::new(rate.den, rate.num);
            let count = i64::try_from(self.timed - 1).unwrap_or(i64::MAX);
            period.is_some_and(|period| {
                period.rescale(count, time_base).unsigned_abs().abs_diff(self.span) <= 1
            })
        };
        let by_ticks = || {
            let ticks = time_base.num.checked_mul(least)?;
            (least == most).then(|| Rational::new(time_base.den, ticks)).flatten().map(Rational::reduced)
        };
        named.into_iter().flatten().find(fits).or_else(by_ticks)
    }
}

/// Least, median (the lower of two) and most.
fn spread<T: Ord + Copy + Default>(mut values: Vec<T>) -> [T; 3] {
    values.sort_unstable();
    let at = |place: usize| values.get(place).copied().unwrap_or_default();
    [at(0), at(values.len().saturating_sub(1) / 2), at(values.len().saturating_sub(1))]
}

fn is_constant(times: &[i64]) -> bool {
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return false };
    let steps = i128::try_from(times.len() - 1).unwrap_or(i128::MAX);
    if steps == 0 {
        return false;
    }
    let span = i128::from(last) - i128::from(first);
    let tolerance = if span / steps < i128::from(ROUNDED) { 0 } else { steps };
    (0i128..).zip(times).all(|(number, pts)| {
        ((i128::from(*pts) - i128::from(first)) * steps - number * span).abs() <= tolerance
    })
}

fn seconds(index: &PacketIndex, first: i64, time_base: Rational, most: usize) -> Vec<u32> {
    let mut seconds: Vec<u32> = Vec::new();
    let (num, den) = (i128::from(time_base.num), i128::from(time_base.den));
    for (pts, size) in &index.shown {
        let second = (i128::from(*pts) - i128::from(first)) * num / den;
        // A timestamp from nowhere is no reason for a curve of years.
        let Some(second) = usize::try_from(second).ok().filter(|second| *second < most) else { break };
        if seconds.len() <= second {
            seconds.resize(second + 1, 0);
        }
        if let Some(bytes) = seconds.get_mut(second) {
            *bytes = bytes.saturating_add(*size);
        }
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Keyframe;

    const MILLIS: Rational = Rational { num: 1, den: 1000 };
    const NTSC: Rational = Rational { num: 30_000, den: 1001 };

    fn structure(times: &[i64], time_base: Rational) -> Structure {
        let keyframes =
            times.iter().step_by(4).map(|pts| Keyframe { pts: *pts, closed: *pts == times[0], place: None });
        let index = PacketIndex {
            shown: times.iter().map(|pts| (*pts, 100)).collect(),
            keyframes: keyframes.collect(),
            packets: len(times.len()) + 2,
            ..PacketIndex::default()
        };
        Structure::of(&index, time_base, 100)
    }

    #[test]
    fn rounded_timestamps_of_a_constant_rate_are_constant_and_their_rate_is_exact() {
        let times: Vec<i64> = (0..90).map(|frame| (frame * 1_001_000 + 15_000) / 30_000).collect();
        let found = structure(&times, MILLIS);
        assert!(found.constant && found.intervals[0] == 33 && found.intervals[2] == 34, "{found:?}");
        assert_eq!(found.rate(MILLIS, [Some(Rational { num: 25, den: 1 }), Some(NTSC)]), Some(NTSC));
        assert_eq!(found.rate(MILLIS, [None, None]), None, "which no tick tells");
        assert_eq!((found.lengths, found.keyframes, found.open), ([2, 4, 4], 23, 22));
        assert_eq!((found.missing, found.seconds[0], found.seconds.len()), (2, 3000, 3));
    }

    #[test]
    fn a_dropped_picture_or_a_changing_rate_is_not_constant() {
        let dropped: Vec<i64> = (0..100).filter(|frame| *frame != 50).map(|frame| frame * 40).collect();
        assert!(!structure(&dropped, MILLIS).constant);
        let coarse = structure(&[0, 1, 2, 4, 5], Rational { num: 1, den: 25 });
        assert!(!coarse.constant && coarse.intervals == [1, 1, 2]);
        let constant = structure(&[0, 512, 1024], Rational { num: 1, den: 12_800 });
        assert_eq!(constant.rate(Rational { num: 1, den: 12_800 }, [None, None]), Rational::new(25, 1));
    }

    #[test]
    fn a_timestamp_from_nowhere_ends_the_curve_and_equal_ones_are_counted() {
        let found = structure(&[0, 0, 500, i64::MAX], MILLIS);
        assert_eq!((found.seconds, found.duplicated), (vec![300], 1));
        assert_eq!(structure(&[], MILLIS), Structure { missing: 2, ..Structure::default() });
    }
}
