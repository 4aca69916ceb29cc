//! Damage of sound: by the timestamps of what was decoded, and by what the decoder complained about.

use super::{Complaint, Damage, Flaw};
use crate::features::SoundTimes;
use crate::probe::AudioTrack;
use crate::report::DamageKind;

/// `promised_end` is where the stream should end, in samples, of one that is cut off. A tenth of a second less is none: encoders fill
/// their last block, and containers round.
pub(crate) fn of_sound(
    track: &AudioTrack,
    times: &SoundTimes,
    complaints: &[Complaint],
    promised_end: Option<i64>,
) -> Damage {
    let end = times.end;
    let promised_end = promised_end.filter(|promised| promised.saturating_sub(end) > track.block());
    let mut damage = times.breaks.clone().of(promised_end.unwrap_or(end).abs_diff(times.start));
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
