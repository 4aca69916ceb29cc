//! Damage of the pictures: by the timestamps of their packets, by what came out of the decoder, and by what it complained about.

use super::{Complaint, Damage, Flaw};
use crate::numeric::len;
use crate::probe::PacketIndex;
use crate::report::DamageKind;

/// Intervals that a stream must have, so that one that is longer is a hole and not its way: a second, mostly.
const ENOUGH: usize = 24;
/// Of so many intervals one may be another than the usual one; else the rate is a variable one, in which nothing is missing.
const ODD: usize = 20;

/// `frames` are timestamps of the pictures as they came out; `promised_end` is where the stream should end, of one that is cut
/// off, and `promised` how many packets it should have.
pub(crate) fn of_pictures(
    index: &PacketIndex,
    frames: &[i64],
    complaints: &[Complaint],
    promised_end: Option<i64>,
    promised: Option<u64>,
) -> Damage {
    let mut sorted = frames.to_vec();
    sorted.sort_unstable();
    // Where packets have no timestamps pictures have some, which decoders make up.
    let told = !index.shown.is_empty() && len(index.shown.len()) == index.packets;
    let mut times: Vec<i64> =
        if told { index.shown.iter().map(|(pts, _)| *pts).collect() } else { sorted.clone() };
    times.dedup();
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        let mut damage = Damage::default();
        damage.add_nowhere(DamageKind::DecodeError, len(complaints.len()));
        return damage;
    };
    let usual = usual_interval(&times);
    let end = last.saturating_add(index.last_duration.unwrap_or(usual));
    let promised_end = promised_end.filter(|promised| promised.saturating_sub(end) > usual / 2);
    let timeline = Timeline { times: &times, usual, end };

    let mut damage = Damage::default();
    if told {
        damage = damage.of(promised_end.unwrap_or(end).abs_diff(first));
        let missing = promised.map_or(0, |promised| promised.saturating_sub(index.listed));
        timeline.add_what_packets_tell(index, &mut damage);
        // Where timestamps go back, some are there twice, and decoders change them.
        if index.backwards.is_empty() {
            timeline.add_gaps(&mut damage);
            timeline.add_undecodable(&sorted, &mut damage);
        }
        if let Some(promised) = promised_end {
            damage.add(Flaw { kind: DamageKind::CutOff, start: end, end: promised, count: missing });
        }
    }
    timeline.add_complaints(complaints, frames, &mut damage);
    damage
}

/// The timestamps of a stream, sorted, each once.
struct Timeline<'a> {
    times: &'a [i64],
    /// The median interval.
    usual: i64,
    end: i64,
}

impl Timeline<'_> {
    fn next(&self, pts: i64) -> i64 {
        let next = self.times.get(self.times.partition_point(|time| *time <= pts)).copied();
        next.unwrap_or(self.end).max(pts)
    }

    /// The time of one picture: up to the next one, but of a longer hole only what is usual.
    fn of_one(&self, kind: DamageKind, pts: i64) -> Flaw {
        let end = self.next(pts);
        Flaw { kind, start: pts, end: end.min(pts.saturating_add(self.usual.max(1))), count: 1 }
    }

    fn add_what_packets_tell(&self, index: &PacketIndex, damage: &mut Damage) {
        let pairs = index.shown.iter().zip(index.shown.iter().skip(1));
        for ((pts, _), _) in pairs.filter(|((one, _), (next, _))| one == next) {
            damage.add(self.of_one(DamageKind::Duplicated, *pts));
        }
        let mut backwards = index.backwards.clone();
        backwards.sort_unstable();
        for (to, from) in backwards {
            damage.add(Flaw { kind: DamageKind::Backwards, start: to, end: from, count: 1 });
        }
    }

    /// Where pictures are missing from a rate that is constant otherwise.
    fn add_gaps(&self, damage: &mut Damage) {
        let intervals = || {
            self.times
                .iter()
                .zip(self.times.iter().skip(1))
                .map(|(one, next)| (*one, next.saturating_sub(*one)))
        };
        // Rounding to ticks moves an interval by one.
        let tolerance = (self.usual / 10).max(1);
        let odd = intervals()
            .filter(|(_, interval)| interval.abs_diff(self.usual) > tolerance.unsigned_abs())
            .count();
        if self.times.len() <= ENOUGH || odd * ODD > self.times.len() {
            return;
        }
        for (pts, interval) in
            intervals().filter(|(_, interval)| interval.saturating_mul(2) > self.usual.saturating_mul(3))
        {
            let count =
                (interval.saturating_add(self.usual / 2) / self.usual.max(1) - 1).max(1).unsigned_abs();
            damage.add(Flaw {
                kind: DamageKind::Gap,
                start: pts.saturating_add(self.usual),
                end: pts.saturating_add(interval),
                count,
            });
        }
    }

    /// Packets of which no picture came, and beside which pictures are further apart than usual: two fields may make one picture,
    /// and some packets of VP8 and VP9 are not to be seen.
    fn add_undecodable(&self, frames: &[i64], damage: &mut Damage) {
        let usual = if frames.len() > 1 { usual_interval(frames) } else { self.usual };
        let mut after = frames.iter().copied().peekable();
        let mut before = None;
        for pts in self.times {
            while let Some(frame) = after.next_if(|frame| frame <= pts) {
                before = Some(frame);
            }
            let from = before.unwrap_or(pts.saturating_sub(usual));
            let to = after.peek().copied().unwrap_or(self.end.max(pts.saturating_add(1)));
            if before != Some(*pts) && to.saturating_sub(from).saturating_mul(2) > usual.saturating_mul(3) {
                damage.add(self.of_one(DamageKind::Undecodable, *pts));
            }
        }
    }

    fn add_complaints(&self, complaints: &[Complaint], frames: &[i64], damage: &mut Damage) {
        // What has no time of its own has that of the picture that came next.
        let mut times: Vec<i64> = complaints
            .iter()
            .filter_map(|complaint| complaint.pts.or_else(|| frames.get(complaint.frame).copied()))
            .collect();
        damage.add_nowhere(DamageKind::DecodeError, len(complaints.len() - times.len()));
        times.sort_unstable();
        for pts in times {
            damage.add(self.of_one(DamageKind::DecodeError, pts));
        }
    }
}

/// The median of the intervals, of two the lower one; 0 of less than two times.
fn usual_interval(times: &[i64]) -> i64 {
    let mut intervals: Vec<i64> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| next.saturating_sub(*one)).collect();
    let middle = intervals.len().saturating_sub(1) / 2;
    if intervals.is_empty() { 0 } else { *intervals.select_nth_unstable(middle).1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rational::Rational;
    use crate::report::StreamDamage;

    fn index(times: &[i64]) -> PacketIndex {
        PacketIndex {
            shown: times.iter().map(|pts| (*pts, 100)).collect(),
            packets: len(times.len()),
            listed: len(times.len()),
            last_duration: Some(40),
            ..PacketIndex::default()
        }
    }

    fn told(index: &PacketIndex, frames: &[i64]) -> StreamDamage {
        of_pictures(index, frames, &[], None, None).report(0, Rational { num: 1, den: 1000 }, Some(frames))
    }

    fn places(damage: &StreamDamage) -> Vec<(DamageKind, i64, i64, u64)> {
        damage.ranges.iter().map(|range| (range.kind, range.start_pts, range.end_pts, range.count)).collect()
    }

    fn rate(pictures: i64) -> Vec<i64> {
        (0..pictures).map(|picture| picture * 40).collect()
    }

    #[test]
    fn a_hole_in_a_constant_rate_is_a_gap_and_a_variable_rate_has_none() {
        let holed: Vec<i64> = rate(100).into_iter().filter(|pts| !(400..520).contains(pts)).collect();
        let damage = told(&index(&holed), &holed);
        assert_eq!(places(&damage), [(DamageKind::Gap, 400, 520, 3)]);
        assert_eq!(
            (damage.coverage, damage.ranges[0].start_frame, damage.ranges[0].end_frame),
            (Some(0.97), Some(10), Some(10))
        );
        let variable: Vec<i64> = (0..100).map(|picture| picture * 40 + picture / 3 * 90).collect();
        assert_eq!(places(&told(&index(&variable), &variable)), []);
        let short = [0, 40, 80, 400];
        assert_eq!(places(&told(&index(&short), &short)), [], "three intervals are no rate");
    }

    #[test]
    fn packets_without_a_picture_are_lost_where_pictures_are_far_apart() {
        let frames: Vec<i64> =
            rate(100).into_iter().filter(|pts| ![0, 800, 840, 3960].contains(pts)).collect();
        let damage = told(&index(&rate(100)), &frames);
        let lost = |start, end, count| (DamageKind::Undecodable, start, end, count);
        assert_eq!(places(&damage), [lost(0, 40, 1), lost(800, 880, 2), lost(3960, 4000, 1)]);
        assert_eq!(damage.coverage, Some(0.96));
        let fields: Vec<i64> = (0..200).map(|field| field * 20).collect();
        assert_eq!(places(&told(&index(&fields), &rate(100))), [], "two fields make a picture");
    }

    #[test]
    fn repeated_and_returning_timestamps_are_told_and_lose_no_time() {
        let mut times = rate(50);
        times.insert(11, 400);
        let packets = PacketIndex { backwards: vec![(1000, 1400)], ..index(&times) };
        let damage = told(&packets, &rate(50));
        assert_eq!(
            places(&damage),
            [(DamageKind::Duplicated, 400, 440, 1), (DamageKind::Backwards, 1000, 1400, 1)]
        );
        assert_eq!(damage.coverage, Some(1.0));
    }

    #[test]
    fn what_the_container_promises_behind_the_end_is_cut_off() {
        let times = rate(75);
        let damage = of_pictures(&index(&times), &times, &[], Some(4000), Some(100)).report(
            0,
            Rational { num: 1, den: 1000 },
            None,
        );
        assert_eq!(places(&damage), [(DamageKind::CutOff, 3000, 4000, 25)]);
        assert_eq!((damage.coverage, damage.expected_seconds), (Some(0.75), 4.0));
    }

    #[test]
    fn a_complaint_about_a_packet_without_a_timestamp_is_where_its_picture_is() {
        let bare = PacketIndex { packets: 50, ..PacketIndex::default() };
        let complaints = [
            Complaint { pts: None, duration: None, frame: 7 },
            Complaint { pts: None, duration: None, frame: 99 },
        ];
        let damage = of_pictures(&bare, &rate(50), &complaints, None, None).report(
            0,
            Rational { num: 1, den: 1000 },
            None,
        );
        assert_eq!(places(&damage), [(DamageKind::DecodeError, 280, 320, 1)]);
        assert_eq!((damage.coverage, damage.totals.decode_error), (None, 2));
    }
}
