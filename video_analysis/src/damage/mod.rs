//! The damage map: where something is missing or wrong in a stream, in its own timestamps.
//!
//! It is made of the list of packets, of what came out of the decoder, and, where there were complaints, of a second look that
//! tells which packets they are about. All three are of the whole stream, so that it does not matter how it was cut.

mod locate;
mod pictures;
mod sound;

#[cfg(feature = "fuzzing")]
pub(crate) use locate::parse;
pub(crate) use locate::{Complaint, complaints};
pub(crate) use pictures::of_pictures;
pub(crate) use sound::of_sound;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::features::{Footage, Sound};
use crate::numeric::{count_to_f64, len, round};
use crate::probe::{AudioTrack, VideoTrack};
use crate::rational::Rational;
use crate::report::{DamageKind, DamageRange, DamageTotals, StreamDamage};

/// Ranges of one stream that are told: more would be a film that is nothing but damage.
const MOST: usize = 1000;

/// Damage of one kind in one place, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flaw {
    pub(crate) kind: DamageKind,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Packets, pictures or samples, as [`DamageTotals`] has it.
    pub(crate) count: u64,
}

/// All damage of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Damage {
    /// In order, at most [`MOST`] of each kind.
    flaws: BTreeMap<DamageKind, Vec<Flaw>>,
    left_off: u64,
    totals: DamageTotals,
    /// Ticks of which nothing was decoded, and all that there should be; `None` where no timestamp tells.
    lost: u64,
    expected: Option<u64>,
}

impl Damage {
    /// The same in a stream that should have so many ticks.
    pub(crate) fn of(self, expected: u64) -> Self {
        Self { expected: Some(expected), ..self }
    }

    /// Adds what comes after all that was added of its kind; what touches the one before becomes one with it.
    pub(crate) fn add(&mut self, flaw: Flaw) {
        let total = self.total(flaw.kind);
        *total = total.saturating_add(flaw.count);
        if matches!(flaw.kind, DamageKind::Undecodable | DamageKind::Gap | DamageKind::CutOff) {
            self.lost = self.lost.saturating_add(flaw.end.abs_diff(flaw.start));
        }
        let same = self.flaws.entry(flaw.kind).or_default();
        match same.pop_if(|last| flaw.start <= last.end) {
            Some(last) => same.push(Flaw {
                end: last.end.max(flaw.end),
                count: last.count.saturating_add(flaw.count),
                ..last
            }),
            _ if same.len() < MOST => same.push(flaw),
            _ => self.left_off += 1,
        }
    }

    /// Adds packets of which nothing tells the time.
    pub(crate) fn add_nowhere(&mut self, kind: DamageKind, count: u64) {
        let total = self.total(kind);
        *total = total.saturating_add(count);
    }

    /// How much of each type there is.
    pub(crate) fn totals(&self) -> &DamageTotals {
        &self.totals
    }

    fn total(&mut self, kind: DamageKind) -> &mut u64 {
        match kind {
            DamageKind::DecodeError => &mut self.totals.decode_error,
            DamageKind::Undecodable => &mut self.totals.undecodable,
            DamageKind::Gap => &mut self.totals.gap,
            DamageKind::Duplicated => &mut self.totals.duplicated,
            DamageKind::Backwards => &mut self.totals.backwards,
            DamageKind::CutOff => &mut self.totals.cut_off,
        }
    }

    /// As the report tells it; `frames` are the timestamps of all pictures, `None` for sound.
    pub(crate) fn report(&self, stream: u32, time_base: Rational, frames: Option<&[i64]>) -> StreamDamage {
        let rising = |frames: &&[i64]| frames.is_sorted_by(|one, next| one < next);
        let frames = frames.filter(|_| !self.flaws.is_empty()).filter(rising);
        let ordinal = |pts: i64| frames.map(|frames| len(frames.partition_point(|frame| *frame < pts)));
        let seconds = |pts: i64| round(time_base.seconds(pts), 6);
        let mut flaws: Vec<Flaw> = self.flaws.values().flatten().copied().collect();
        flaws.sort_by_key(|flaw| (flaw.start, flaw.kind));
        let left_off = self.left_off + len(flaws.len().saturating_sub(MOST));
        flaws.truncate(MOST);
        let range = |flaw: Flaw| DamageRange {
            kind: flaw.kind,
            start_frame: ordinal(flaw.start),
            end_frame: ordinal(flaw.end),
            start_pts: flaw.start,
            end_pts: flaw.end,
            time_base,
            start_seconds: seconds(flaw.start),
            end_seconds: seconds(flaw.end),
            count: flaw.count,
        };
        let expected = count_to_f64(self.expected.unwrap_or(0));
        StreamDamage {
            stream,
            coverage: self.coverage(),
            expected_seconds: round(expected * time_base.to_f64(), 6),
            totals: self.totals,
            ranges: flaws.into_iter().map(range).collect(),
            left_off,
        }
    }

    fn coverage(&self) -> Option<f64> {
        match self.expected {
            None if self.totals != DamageTotals::default() => None,
            None | Some(0) => Some(1.0),
            Some(expected) => {
                let lost = count_to_f64(self.lost.min(expected)) / count_to_f64(expected);
                Some(round(1.0 - lost, 6))
            }
        }
    }
}

/// Of every analysed stream, in the container's order.
pub(crate) fn map<'a>(
    footage: Option<(&VideoTrack, &Footage)>,
    sounds: impl Iterator<Item = (&'a AudioTrack, &'a Sound)>,
) -> Vec<StreamDamage> {
    let pictures = footage.map(|(track, footage)| {
        footage.damage.report(track.index, track.time_base, Some(footage.frames.pts()))
    });
    let sounds = sounds.map(|(track, sound)| sound.damage.report(track.index, track.sample(), None));
    let mut map: Vec<StreamDamage> = pictures.into_iter().chain(sounds).collect();
    map.sort_by_key(|damage| damage.stream);
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLIS: Rational = Rational { num: 1, den: 1000 };

    fn gap(start: i64, end: i64) -> Flaw {
        Flaw { kind: DamageKind::Gap, start, end, count: 1 }
    }

    #[test]
    fn ranges_that_touch_are_one_and_what_is_lost_is_not_covered() {
        let mut damage = Damage::default().of(1000);
        damage.add(gap(100, 140));
        damage.add(gap(140, 180));
        damage.add(Flaw { kind: DamageKind::DecodeError, ..gap(90, 140) });
        damage.add(gap(500, 520));
        let frames: Vec<i64> =
            (0..25).map(|frame| frame * 40).filter(|pts| *pts != 120 && *pts != 160).collect();
        let told = damage.report(3, MILLIS, Some(&frames));
        let ranges: Vec<_> =
            told.ranges.iter().map(|range| (range.start_pts, range.end_pts, range.count)).collect();
        assert_eq!(ranges, [(90, 140, 1), (100, 180, 2), (500, 520, 1)]);
        assert_eq!((told.ranges[1].start_frame, told.ranges[1].end_frame), (Some(3), Some(3)));
        assert_eq!((told.coverage, told.expected_seconds, told.totals.gap), (Some(0.9), 1.0, 3));
    }

    #[test]
    fn only_so_many_ranges_are_listed_and_the_others_are_counted() {
        let mut damage = Damage::default().of(1 << 20);
        (0..1500).for_each(|number| damage.add(gap(number * 10, number * 10 + 1)));
        damage.add(Flaw { kind: DamageKind::CutOff, ..gap(1 << 19, 1 << 20) });
        let told = damage.report(0, MILLIS, None);
        assert_eq!((told.ranges.len(), told.left_off, told.totals.gap), (1000, 501, 1500));
        assert_eq!(told.coverage, Some(0.498_569));
    }

    #[test]
    fn without_timestamps_nothing_tells_how_much_is_missing_of_what_is_damaged() {
        let mut damage = Damage::default();
        assert_eq!(damage.report(0, MILLIS, None).coverage, Some(1.0));
        damage.add_nowhere(DamageKind::DecodeError, 2);
        assert_eq!(damage.report(0, MILLIS, None).coverage, None);
    }
}
