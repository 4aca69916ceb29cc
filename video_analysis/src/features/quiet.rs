//! Stretches of sound that stay below a level, for many levels at a time.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::numeric::to_f64;
use crate::options::SilenceOptions;
use crate::rational::Rational;

/// Levels in whole decibels that are kept besides the one that is asked for, so that another one can be asked for later.
const KEPT_DBFS: std::ops::RangeInclusive<i32> = -120..=-1;
/// Shortest stretch kept of them, in seconds: an eye-blink. Shorter ones are many and seldom asked for.
const KEPT_SECONDS: f64 = 0.1;
/// Most stretches kept of them, 24 bytes each. Ordinary sound has a hundredth of it in an hour; sound that was made to have
/// more is decoded again where another level is asked for.
const MOST_KEPT: usize = 500_000;
/// Most stretches of the level that is asked for. Half a second each they would be more than a day; asked for from the first sample
/// on, an hour of a low tone has as many, and a report of them would be of a hundred megabytes.
const MOST_ASKED: usize = 250_000;

/// The stretches below each of some levels, in order of the levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QuietRuns(Vec<Level>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Level {
    dbfs: f64,
    /// In seconds: all stretches of this length and longer are here.
    shortest: f64,
    runs: Vec<Run>,
}

/// Samples `[start, end)` that are below a level on all channels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Counted in samples per channel.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// The largest amplitude in it, 1 being full scale.
    pub(crate) peak: f32,
}

impl QuietRuns {
    /// The stretches that `options` ask for, and perhaps shorter ones; `None` when they were not looked for.
    pub(crate) fn below(&self, options: &SilenceOptions) -> Option<&[Run]> {
        let asked = |level: &&Level| level.dbfs.total_cmp(&options.threshold_dbfs).is_eq();
        let level = self.0.iter().find(asked)?;
        (level.shortest <= options.min_seconds).then_some(level.runs.as_slice())
    }
}

/// The amplitude of a level, 1 being full scale.
pub(crate) fn amplitude(dbfs: f64) -> f64 {
    10f64.powf(dbfs / 20.0)
}

/// Which stretches to look for: those that are asked for, and, to be kept, those of other levels.
pub(crate) struct Levels {
    /// In dBFS: the one that is never given up.
    asked: f64,
    rising: Vec<Level>,
}

impl Levels {
    pub(crate) fn asked(options: &SilenceOptions) -> Self {
        let asked = options.threshold_dbfs;
        Self { asked, rising: vec![Level::new(asked, options.min_seconds)] }
    }

    pub(crate) fn and_others(mut self) -> Self {
        for dbfs in KEPT_DBFS.map(f64::from) {
            match self.rising.iter_mut().find(|level| level.dbfs.total_cmp(&dbfs).is_eq()) {
                Some(asked) => asked.shortest = asked.shortest.min(KEPT_SECONDS),
                None => self.rising.push(Level::new(dbfs, KEPT_SECONDS)),
            }
        }
        self.rising.sort_by(|one, other| one.dbfs.total_cmp(&other.dbfs));
        self
    }
}

impl Level {
    fn new(dbfs: f64, shortest: f64) -> Self {
        Self { dbfs, shortest, runs: Vec::new() }
    }
}

/// Finds the stretches below all levels in one pass: whatever is below a level is below the higher ones, so the stretches
/// that are open at a sample lie in each other, and a sample opens and ends them at one end of a stack.
pub(super) struct QuietExtractor {
    levels: Levels,
    /// Of the levels.
    amplitudes: Vec<f64>,
    /// Samples in a second.
    rate: f64,
    open: Vec<Open>,
    at: i64,
    kept: usize,
    too_many: bool,
}

/// A stretch that has not ended: one of the levels from `lowest` up to that of the entry below it in the stack.
struct Open {
    lowest: usize,
    start: i64,
    peak: f32,
}

impl QuietExtractor {
    pub(super) fn new(levels: Levels, sample: Rational) -> Self {
        Self {
            amplitudes: levels.rising.iter().map(|level| amplitude(level.dbfs)).collect(),
            levels,
            rate: 1.0 / sample.to_f64(),
            open: Vec::new(),
            at: 0,
            kept: 0,
            too_many: false,
        }
    }

    /// Adds the next sample: the largest amplitude of any channel.
    pub(super) fn push(&mut self, peak: f32) {
        let lowest = self.amplitudes.partition_point(|amplitude| *amplitude <= f64::from(peak));
        self.end_below(lowest);
        match self.open.last_mut() {
            Some(top) if top.lowest == lowest => top.peak = top.peak.max(peak),
            _ if lowest < self.amplitudes.len() => self.open.push(Open { lowest, start: self.at, peak }),
            _ => {}
        }
        self.at += 1;
    }

    /// Fails where there are more stretches of the level that is asked for than a report can have.
    pub(super) fn finish(mut self) -> Result<QuietRuns, Error> {
        self.end_below(self.amplitudes.len());
        if self.too_many {
            let text = format!("more than {MOST_ASKED} silent ranges");
            return Err(Error::new(ErrorKind::LimitsExceeded, text));
        }
        self.levels.rising.retain(|level| level.shortest.is_finite());
        Ok(QuietRuns(self.levels.rising))
    }

    /// Ends what is open of the levels below number `lowest`.
    fn end_below(&mut self, lowest: usize) {
        while let Some(open) = self.open.pop_if(|open| open.lowest < lowest) {
            let above = self.open.last().map_or(self.amplitudes.len(), |below| below.lowest);
            let ended = open.lowest..above.min(lowest);
            self.keep(ended.clone(), Run { start: open.start, end: self.at, peak: open.peak });
            if ended.end < above {
                self.open.push(Open { lowest: ended.end, ..open });
            } else if let Some(outer) = self.open.last_mut() {
                outer.peak = outer.peak.max(open.peak);
            }
        }
    }

    fn keep(&mut self, levels: std::ops::Range<usize>, run: Run) {
        // A sample less, so that rounding loses none: whoever asks looks at the exact length.
        let samples = to_f64(run.end - run.start) + 1.0;
        let longest = samples / self.rate;
        for level in self.levels.rising.get_mut(levels).into_iter().flatten() {
            // Those of other levels are given up long before.
            if level.runs.len() >= MOST_ASKED {
                self.too_many = true;
            } else if longest >= level.shortest {
                level.runs.push(run);
                self.kept += 1;
            }
        }
        if self.kept > MOST_KEPT {
            self.give_up_others();
        }
    }

    fn give_up_others(&mut self) {
        let asked = self.levels.asked;
        for level in self.levels.rising.iter_mut().filter(|level| level.dbfs.total_cmp(&asked).is_ne()) {
            (level.shortest, level.runs) = (f64::INFINITY, Vec::new());
        }
        self.kept = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: i64 = 1000;

    fn options(threshold_dbfs: f64, min_seconds: f64) -> SilenceOptions {
        SilenceOptions { threshold_dbfs, min_seconds }
    }

    fn extract(levels: Levels, samples: &[f32]) -> QuietRuns {
        let mut extractor = QuietExtractor::new(levels, Rational { num: 1, den: RATE });
        for sample in samples {
            extractor.push(*sample);
        }
        extractor.finish().unwrap()
    }

    /// The same, one level at a time, as one would write it down.
    fn plainly(samples: &[f32], options: &SilenceOptions) -> Vec<Run> {
        let quiet = |sample: &f32| f64::from(*sample) < amplitude(options.threshold_dbfs);
        let mut at = 0;
        let runs = samples.chunk_by(|one, next| quiet(one) == quiet(next)).filter_map(|run| {
            let start = at;
            at += i64::try_from(run.len()).unwrap();
            let peak = run.iter().copied().fold(0.0, f32::max);
            quiet(&run[0]).then_some(Run { start, end: at, peak })
        });
        runs.filter(|run| to_f64(run.end - run.start) / to_f64(RATE) >= options.min_seconds).collect()
    }

    /// Noise whose loudness wanders over a hundred decibels, with digital silence in it.
    fn noise(seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::from_be_bytes([state.to_be_bytes()[0], state.to_be_bytes()[1]])) / 65_536.0
        };
        let mut samples = Vec::new();
        for _ in 0..40 {
            let loudness = if next() < 0.1 { 0.0 } else { 10f32.powf(-5.0 * next()) };
            let length = if next() < 0.5 { 40.0 } else { 400.0 } * next();
            let end = samples.len() + length.to_string().split('.').next().unwrap().parse::<usize>().unwrap();
            samples.resize_with(end, || loudness * next());
        }
        samples
    }

    #[test]
    fn all_levels_in_one_pass_find_what_one_level_alone_finds() {
        for seed in 0..20 {
            let samples = noise(seed);
            let asked = options(-33.3, 0.0);
            let runs = extract(Levels::asked(&asked).and_others(), &samples);
            assert_eq!(runs.below(&asked).unwrap(), plainly(&samples, &asked));
            for dbfs in KEPT_DBFS {
                let other = options(f64::from(dbfs), 0.15);
                let mut found = runs.below(&other).unwrap().to_vec();
                found.retain(|run| to_f64(run.end - run.start) / to_f64(RATE) >= other.min_seconds);
                assert_eq!(found, plainly(&samples, &other), "{dbfs} dBFS, seed {seed}");
            }
        }
    }

    #[test]
    fn what_was_not_looked_for_is_unknown_and_not_nothing() {
        let runs = extract(Levels::asked(&options(-60.0, 0.5)).and_others(), &[0.0; 200]);
        assert_eq!(runs.below(&options(-40.0, 0.1)).map(<[Run]>::len), Some(1));
        assert_eq!(runs.below(&options(-40.0, 0.05)), None, "shorter than what is kept");
        assert_eq!(runs.below(&options(-40.5, 0.5)), None, "no whole decibel");
    }

    #[test]
    fn more_silence_than_a_report_can_have_is_an_error_and_is_not_kept_meanwhile() {
        let asked = Levels::asked(&options(-60.0, 0.0));
        let mut extractor = QuietExtractor::new(asked, Rational { num: 1, den: RATE });
        for _ in 0..=MOST_ASKED {
            extractor.push(0.0);
            extractor.push(1.0);
        }
        assert_eq!(extractor.levels.rising[0].runs.len(), MOST_ASKED);
        assert_eq!(extractor.finish().unwrap_err().kind(), ErrorKind::LimitsExceeded);
    }

    #[test]
    fn sound_made_of_stretches_keeps_those_that_are_asked_for_alone() {
        let beat: Vec<f32> = (0..101).map(|at| if at == 0 { 1.0 } else { 0.0 }).collect();
        let samples = beat.repeat(MOST_KEPT / 100);
        let asked = options(-60.0, 0.1);
        let runs = extract(Levels::asked(&asked).and_others(), &samples);
        assert_eq!(runs.below(&asked).unwrap().len(), MOST_KEPT / 100);
        assert_eq!(runs.below(&options(-40.0, 0.1)), None);
    }
}
