//! When sound is: what timestamps say beside what there is of samples.

use serde::{Deserialize, Serialize};

use crate::damage::{Damage, Flaw};
use crate::report::DamageKind;

/// The times of decoded blocks of sound, counted in samples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoundTimes {
    /// Timestamp of the first sample.
    pub(crate) start: i64,
    /// The end of the last sample by the timestamp of its block.
    pub(crate) end: i64,
    /// By how many samples timestamps have run ahead of what was decoded, breaks left out.
    pub(crate) drift: i64,
    /// Where samples are missing, or are of a time that was already.
    pub(crate) breaks: Damage,
}

/// Collects the times of one stream.
pub(crate) struct SoundClock {
    times: Option<SoundTimes>,
    /// Least and most samples from which on a step of the timestamps is a break and no drift.
    least: u64,
    most: u64,
}

impl SoundClock {
    /// A break is half a block, but 10 ms at least, which is more than containers round to, and 50 ms at most, which is heard.
    pub(crate) fn new(sample_rate: u32) -> Self {
        let rate = u64::from(sample_rate);
        Self { times: None, least: (rate / 100).max(1), most: (rate / 20).max(1) }
    }

    /// Adds the next block: its timestamp, and how many samples it has.
    pub(crate) fn push(&mut self, pts: i64, samples: i64) {
        let times =
            self.times.get_or_insert_with(|| SoundTimes { start: pts, end: pts, ..SoundTimes::default() });
        let step = pts.saturating_sub(times.end);
        if step.unsigned_abs() < (samples.unsigned_abs() / 2).clamp(self.least, self.most) {
            times.drift = times.drift.saturating_add(step);
        } else if step > 0 {
            times.breaks.add(Flaw {
                kind: DamageKind::Gap,
                start: times.end,
                end: pts,
                count: step.unsigned_abs(),
            });
        } else {
            times.breaks.add(Flaw { kind: DamageKind::Backwards, start: pts, end: times.end, count: 1 });
        }
        times.end = pts.saturating_add(samples);
    }

    /// `None` where there was no block.
    pub(crate) fn finish(self) -> Option<SoundTimes> {
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(blocks: impl IntoIterator<Item = i64>) -> SoundTimes {
        let mut clock = SoundClock::new(48_000);
        blocks.into_iter().for_each(|pts| clock.push(pts, 1024));
        clock.finish().unwrap()
    }

    #[test]
    fn small_steps_are_drift_and_large_ones_are_breaks() {
        let found = times((0..100).map(|block| block * 1025 - 7));
        assert_eq!(
            (found.start, found.end, found.drift, found.breaks),
            (-7, 99 * 1025 + 1017, 99, Damage::default())
        );
        let gap = times([0, 1024, 2048 + 4800, 3072 + 4800]);
        assert_eq!((gap.end, gap.drift), (4096 + 4800, 0));
        assert_ne!(gap.breaks, Damage::default());
        assert_eq!(SoundClock::new(48_000).finish(), None);
    }
}
