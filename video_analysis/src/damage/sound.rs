//! Damage of sound: by the timestamps of what was decoded, and by what the decoder complained about.

use super::{Complaint, Damage, Flaw};
use crate::features::SoundTimes;
use crate::probe::AudioTrack;
use crate::report::DamageKind;

/// `times` are of what was decoded, `None` where nothing was. `promised_end` is where the stream should end, in samples, of one that is cut off. A tenth of a second less is none: encoders fill
/// their last block, and containers round.
pub(crate) fn of_sound(
    track: &AudioTrack,
    times: Option<&SoundTimes>,
    complaints: &[Complaint],
    promised_end: Option<i64>,
) -> Damage {
    let (start, end) =
        times.map_or((track.start_sample, track.start_sample), |times| (times.start, times.end));
    let promised_end = promised_end.filter(|promised| promised.saturating_sub(end) > track.block());
    let mut damage = times.map(|times| times.breaks.clone()).unwrap_or_default();
    if times.is_some() || promised_end.is_some() {
        damage = damage.of(promised_end.unwrap_or(end).abs_diff(start));
    }
    if let Some(promised) = promised_end {
        damage.add(Flaw {
            kind: DamageKind::CutOff,
            start: end,
            end: promised,
            count: promised.abs_diff(end),
        });
    }
    let in_samples = |ticks: i64| track.time_base.rescale(ticks, track.sample());
    let mut wrong: Vec<(i64, i64)> = complaints
        .iter()
        .filter_map(|complaint| Some((complaint.pts?, complaint.duration.unwrap_or(0))))
        .map(|(pts, duration)| (in_samples(pts), in_samples(pts.saturating_add(duration))))
        .collect();
    damage.add_nowhere(DamageKind::DecodeError, crate::numeric::len(complaints.len() - wrong.len()));
    wrong.sort_unstable();
    for (start, end) in wrong {
        damage.add(Flaw { kind: DamageKind::DecodeError, start, end, count: 1 });
    }
    damage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rational::Rational;

    fn track() -> AudioTrack {
        AudioTrack {
            index: 1,
            sample_rate: 48_000,
            channels: 2,
            layout: None,
            start_sample: 480,
            duration_seconds: None,
            time_base: Rational { num: 1, den: 1000 },
            promised_end: None,
        }
    }

    #[test]
    fn complaints_are_told_in_samples_and_a_promise_that_is_not_kept_is_cut_off() {
        let times = SoundTimes { start: 0, end: 48_000, ..SoundTimes::default() };
        let complaint = Complaint { pts: Some(500), duration: Some(21), frame: 20 };
        let told =
            of_sound(&track(), Some(&times), &[complaint], Some(96_000)).report(1, track().sample(), None);
        let places: Vec<_> =
            told.ranges.iter().map(|range| (range.kind, range.start_pts, range.end_pts)).collect();
        assert_eq!(places, [(DamageKind::DecodeError, 24_000, 25_008), (DamageKind::CutOff, 48_000, 96_000)]);
        assert_eq!((told.coverage, told.totals.cut_off), (Some(0.5), 48_000));
    }

    #[test]
    fn of_sound_that_never_came_nothing_is_covered_where_its_length_is_known() {
        let coverage = |complaints: &[Complaint], promised_end| {
            of_sound(&track(), None, complaints, promised_end).report(1, track().sample(), None).coverage
        };
        let complaint = Complaint { pts: Some(0), duration: None, frame: 0 };
        assert_eq!((coverage(&[], Some(48_480)), coverage(&[complaint], None)), (Some(0.0), None));
    }
}
