//! How the blocks of a picture go from one shot to the other, each at its own time.

use super::super::blocks::{BLOCKS, COLORS, around, correlation, distance, edges, lit};
use super::super::gradual::Limited;
use super::super::ramp::{STEADY, Shape};
use super::ends::Ends;
use super::surface::explained_by_place;
use crate::features::Frame;
use crate::numeric::len_to_f64;

/// Pictures that are looked at between the ends: of more, motion and noise would add up.
const SAMPLES: usize = 12;
/// Least mean difference of the ends, in grey levels.
pub(super) const MIN_CHANGE: f64 = 12.0;
/// A block is as before if it changes by less than this many grey levels, or than a tenth of the change of all.
const UNTOUCHED: f64 = 4.0;
/// Share of mixed blocks, of what a dissolve has: up to the first there is a line between the shots, from the second to the
/// third a soft one. Between them is motion, beyond them a dissolve.
const SHARP: f64 = 0.3;
const SOFT: std::ops::Range<f64> = 0.55..0.8;
/// Least spread of the times at which blocks change: those of a dissolve differ by less.
const MIN_SPREAD: f64 = 0.085;
/// The same of a mixture, which has more motion in it.
const MIN_ORDERLY_SPREAD: f64 = 0.1;
/// Most of the times' variance that a smooth function of the place may leave over, where there is a sharp line, and where there is a soft
/// one: of made dissolves nearly all is, of wipes with a soft line little.
const MAX_SCATTER: f64 = 0.5;
pub(super) const MAX_SOFT_SCATTER: f64 = 0.35;
/// The same of a mixture between the pictures where the first blocks begin to change and the last ones have, if so much
/// is mixed: no made dissolve was among these.
pub(super) const MAX_WHOLE_SCATTER: f64 = 0.4;
const WHOLE_SOFT: std::ops::Range<f64> = 0.55..0.72;
/// Behind a sharp line blocks may also change in an order that is no such function, if neighbours change at the same time.
const MAX_DISORDER: f64 = 0.35;
/// Up to this scatter blocks change in such an order that there may be more motion in both shots.
const ORDERLY: f64 = 0.3;
/// Up to this one nothing but wipes was seen: they may be short, so that steps are large, and their lines very soft.
const VERY_ORDERLY: f64 = 0.2;
const SOFT_ORDERLY: f64 = 0.9;
/// A short stretch is exact where it has two quite different ends, and hardly anything in between but these, of each block the one and then
/// the other: misfit and way back and forth are below these, the change above. Nothing but wipes was seen to be: their few steps may be large,
/// their lines of any softness, and more of the picture may be as it was.
const EXACT_PICTURES: usize = 10;
const EXACT_MISFIT: f64 = 0.07;
const EXACT_BACK_AND_FORTH: f64 = 1.05;
const EXACT_CHANGE: f64 = 40.0;
const MAX_EXACT_STEP: f64 = 0.55;
const MAX_EXACT_UNTOUCHED: f64 = 0.25;
const MIN_EXACT_SPREAD: f64 = 0.07;
/// Fewest pictures of a wipe that is in less order.
const SHORTEST_UNORDERLY: usize = 5;
/// Share of mixed blocks up to which there is a sharp line, if they change in order.
const SHARP_ORDERLY: f64 = 0.4;
/// Largest misfit of a stretch that is looked at more closely.
const LIKELY_MISFIT: f64 = 0.2;

/// How the blocks of a stretch go from one end to the other.
pub(super) struct Course {
    ends: Ends,
    /// How many are between the ends.
    pictures: usize,
    /// Mean absolute difference of the ends, in grey levels.
    change: f64,
    /// Mean absolute difference of the blocks from mixtures of the two ends, each the one that fits it best, as a share of
    /// `change`.
    misfit: f64,
    /// How far blocks go there and back, over the way from one end to the other: 1 if none turns round.
    back_and_forth: f64,
    /// How much blocks are mixed, as a share of how much they would be in a dissolve.
    mixed: f64,
    /// Mean distance from the way that the most fitting of [`SHAPES`] goes from one end to the other, as a share of it.
    unsteadiness: f64,
    /// Largest step on the way from one end to the other, as a share of the way.
    largest_step: f64,
    /// Share of the blocks that are the same at both ends.
    untouched: f64,
    /// Which components belong to blocks that are not dark at both ends.
    lit: Vec<bool>,
    /// When each block changes, 0 to 1.
    times: Vec<f64>,
}

/// All that is measured of a stretch.
pub(super) struct Sweep {
    course: Course,
    /// How far the times at which blocks change are spread (standard deviation, as a share of the stretch), as far as neighbours
    /// change at the same time.
    spread: f64,
    /// What of the spread is not so, as a share of `spread`.
    disorder: f64,
    /// Correlation of the ends' edges.
    likeness: f64,
    /// What of the variance of the times at which blocks change their places do not tell, of 1.
    scatter: f64,
}

/// How the area of the new shot grows behind what crosses the picture: a line, a corner that grows, one that shrinks, a line as
/// soft as the picture is wide.
pub(super) const SHAPES: [Shape; 4] = [
    STEADY,
    |time| time * time,
    |time| time * (2.0 - time),
    |time| {
        // What a smooth step that crosses the picture in half of the time has covered; the second half mirrors the first.
        let covered = |time: f64| 8.0 * time * time * time * (1.0 - time);
        if time < 0.5 { covered(time) } else { 1.0 - covered(1.0 - time) }
    },
];

/// How far each of some pictures is on the way from one to another, by its blocks: 0 is the one, 1 the other.
pub(super) fn progress(from: &Frame, to: &Frame, frames: &[Frame]) -> Option<Vec<f64>> {
    let ends = Ends::of(from, to)?;
    let weights = ends.capped();
    let all: f64 = weights.iter().sum();
    let mean = |frame: &Frame| {
        let blocks = ends.progress(frame).0;
        blocks.iter().zip(&weights).map(|(progress, weight)| progress * weight).sum::<f64>() / all
    };
    Some(frames.iter().map(mean).collect())
}

/// Whether the picture in the middle of a stretch may be part of one: asked of every place, so it looks at that one alone.
pub(super) fn may_be(frames: &[Frame], first: usize, middle: usize, last: usize) -> bool {
    const MIDDLE: std::ops::Range<f64> = 0.15..0.85;
    let (Some(before), Some(this), Some(after)) = (frames.get(first), frames.get(middle), frames.get(last))
    else {
        return false;
    };
    if distance(before, after) < MIN_CHANGE {
        return false;
    }
    let Some(ends) = Ends::of(before, after) else { return false };
    let (progress, misfit) = ends.progress(this);
    let mean = ends.mean(progress.iter().copied());
    misfit < 2.0 * LIKELY_MISFIT * ends.weight
        && MIDDLE.contains(&mean)
        && ends.mean(mixed(&progress)) < SOFT_ORDERLY * 4.0 * mean * (1.0 - mean)
}

/// How mixed each block is: 0 if it shows one shot alone, 1 half way.
fn mixed(progress: &[f64]) -> impl Iterator<Item = f64> {
    progress.iter().map(|progress| 4.0 * progress * (1.0 - progress))
}

/// Measures the pictures between the two ends; `None` where the ends are equal.
pub(super) fn measure(frames: &[Frame], first: usize, last: usize) -> Option<Sweep> {
    Course::of(frames, first, last).map(Sweep::of)
}

impl Course {
    /// That between two pictures; `None` where these are equal.
    pub(super) fn of(frames: &[Frame], first: usize, last: usize) -> Option<Self> {
        let (before, after) = (frames.get(first)?, frames.get(last)?);
        let ends = Ends::of(before, after)?;
        let between = last.checked_sub(first + 1).filter(|between| *between > 0)?;
        let samples = between.min(SAMPLES);
        let (mut misfit, mut blocks_mixed, mut expected) = (0.0, 0.0, 0.0);
        let (mut travelled, mut reached, mut largest_step) = (0.0, 0.0, 0.0f64);
        let mut unsteadiness = [0.0; SHAPES.len()];
        let mut previous = vec![0.0; BLOCKS];
        let mut waited = vec![0.0; BLOCKS];
        for sample in 0..samples {
            // The middles of equal parts.
            let at = first + 1 + (2 * sample + 1) * between / (2 * samples);
            let (progress, off) = ends.progress(frames.get(at)?);
            misfit += off;
            let mean = ends.mean(progress.iter().copied());
            blocks_mixed += ends.mean(mixed(&progress));
            expected += 4.0 * mean * (1.0 - mean);
            let time = len_to_f64(2 * sample + 1) / len_to_f64(2 * samples);
            for (off, shape) in unsteadiness.iter_mut().zip(SHAPES) {
                *off += (mean - shape(time)).abs() / len_to_f64(samples);
            }
            largest_step = largest_step.max(mean - reached);
            reached = mean;
            travelled += ends.mean(progress.iter().zip(&previous).map(|(now, before)| (now - before).abs()));
            waited.iter_mut().zip(&progress).for_each(|(waited, progress)| *waited += 1.0 - progress);
            previous = progress;
        }
        travelled += ends.mean(previous.iter().map(|progress| 1.0 - progress));
        let lit = lit(&ends.before, &ends.after);
        Some(Self {
            pictures: between,
            change: ends.change(),
            misfit: misfit / len_to_f64(samples) / ends.weight,
            back_and_forth: travelled,
            mixed: blocks_mixed / expected.max(1e-9),
            unsteadiness: unsteadiness.into_iter().fold(f64::INFINITY, f64::min),
            largest_step: largest_step.max(1.0 - reached),
            untouched: untouched(&ends, &lit),
            times: waited.into_iter().map(|waited| waited / len_to_f64(samples)).collect(),
            lit,
            ends,
        })
    }

    /// How much speaks for it: a stretch that is too long does not go steadily from one end to the other.
    pub(super) fn strength(&self) -> f64 {
        self.change * (1.0 - self.misfit) * (1.0 - 2.0 * self.unsteadiness).max(0.0)
    }

    /// Whether it is worth finding its exact ends: a stretch that is a little too long or too short is less of a wipe than what
    /// is in it.
    pub(super) fn is_likely(&self) -> bool {
        self.change > MIN_CHANGE
            && self.misfit < LIKELY_MISFIT
            && self.back_and_forth < 1.4
            && self.largest_step < if self.is_exact() { MAX_EXACT_STEP } else { 0.5 }
            && self.untouched < if self.is_exact() { MAX_EXACT_UNTOUCHED } else { 0.2 }
            // Of most, the places need not be asked.
            && (self.mixed < SOFT.end || self.mixed < softest(self.scatter()))
    }

    fn is_exact(&self) -> bool {
        self.pictures <= EXACT_PICTURES
            && self.misfit < EXACT_MISFIT
            && self.back_and_forth < EXACT_BACK_AND_FORTH
            && self.change > EXACT_CHANGE
    }

    /// What of the variance of the times at which blocks change their places do not tell, of 1.
    fn scatter(&self) -> f64 {
        1.0 - explained_by_place(&self.times, &self.ends.weights)
    }
}

/// How soft a line may be.
fn softest(scatter: f64) -> f64 {
    if scatter < VERY_ORDERLY { SOFT_ORDERLY } else { SOFT.end }
}

/// Share of the lit blocks that change by less than others.
fn untouched(ends: &Ends, lit: &[bool]) -> f64 {
    let limit = UNTOUCHED.max(ends.change() / 10.0);
    let lit = || ends.weights.iter().zip(lit.iter().step_by(COLORS)).filter(|(_, lit)| **lit);
    let same = lit().filter(|(weight, _)| **weight < limit).count();
    len_to_f64(same) / len_to_f64(lit().count().max(1))
}

/// Of each block the mean of it and its neighbours (3 × 3), each with its weight.
pub(super) fn of_neighbourhoods(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let of_block = |block: usize| {
        let (mut sum, mut all) = (0.0, 0.0);
        for block in around(block) {
            let weight = weights.get(block).copied().unwrap_or(0.0);
            sum += weight * values.get(block).copied().unwrap_or(0.0);
            all += weight;
        }
        sum / f64::max(all, 1e-9)
    };
    (0..BLOCKS).map(of_block).collect()
}

/// Standard deviation of the times at which blocks change once each is the mean of its neighbourhood (3 × 3), and of what it
/// differs from that.
fn order(ends: &Ends, times: &[f64]) -> (f64, f64) {
    let smooth = of_neighbourhoods(times, &ends.weights);
    let mean = ends.mean(times.iter().copied());
    let spread = ends.mean(smooth.iter().map(|time| (time - mean) * (time - mean))).sqrt();
    let rest =
        ends.mean(smooth.iter().zip(times).map(|(smooth, time)| (smooth - time) * (smooth - time))).sqrt();
    (spread, rest)
}

impl Sweep {
    fn of(course: Course) -> Self {
        let (spread, disorder) = order(&course.ends, &course.times);
        let Ends { before, after, .. } = &course.ends;
        let likeness = correlation(&edges(before, &course.lit), &edges(after, &course.lit)).max(0.0);
        let disorder = disorder / spread.max(1e-9);
        Self { scatter: course.scatter(), spread, disorder, likeness, course }
    }

    /// How much speaks for what was found: of two that overlap the one whose blocks keep to their ways and their order is the wipe, and the
    /// other has something of what is beside it.
    pub(super) fn clarity(&self) -> f64 {
        self.course.strength() * (1.0 - 3.0 * self.course.misfit).max(0.0) * (1.0 - self.scatter)
    }

    /// Where blocks change one after the other rather than all at once, what of the times at which they do their places do not tell, of
    /// 1. Of made dissolves one in a hundred is among these.
    pub(super) fn scatter(&self) -> Option<f64> {
        (self.spread > MIN_ORDERLY_SPREAD && self.scatter < MAX_SOFT_SCATTER).then_some(self.scatter)
    }

    /// The same of all from where the first blocks begin to change to where the last ones have changed, which are in less order.
    pub(super) fn scatter_of_whole(&self) -> Option<f64> {
        let sweeps = self.spread > MIN_ORDERLY_SPREAD && WHOLE_SOFT.contains(&self.course.mixed);
        (sweeps && self.scatter < MAX_WHOLE_SCATTER).then_some(self.scatter)
    }

    /// Whether there is hardly anything in it but its two ends.
    pub(super) fn is_exact(&self) -> bool {
        self.course.is_exact()
    }

    /// Whether it may be as short as that.
    pub(super) fn may_have(&self, pictures: usize, shortest: usize) -> bool {
        let least = if self.scatter < VERY_ORDERLY { shortest } else { shortest.max(SHORTEST_UNORDERLY) };
        self.is_exact() || pictures >= least
    }

    /// Whether it may be one once its ends are exact.
    pub(super) fn is_near(&self, leeway: f64) -> bool {
        self.course.change > 0.7 * MIN_CHANGE
            && self.spread > 0.8 * MIN_SPREAD / leeway
            && self.course.misfit < 0.3 * leeway
            && self.scatter < 0.7 * leeway
    }

    /// Whether there is a line between the shots, or a soft one; `None` where it is neither.
    pub(super) fn is_sharp(&self, leeway: f64) -> Option<bool> {
        let sharp =
            self.course.mixed < SHARP || (self.course.mixed < SHARP_ORDERLY && self.scatter < ORDERLY);
        let (soft, spread) = if self.course.is_exact() {
            (0.0..softest(self.scatter), MIN_EXACT_SPREAD)
        } else {
            (SOFT.start..softest(self.scatter), MIN_SPREAD)
        };
        (self.course.change > MIN_CHANGE
            && self.spread > spread / leeway
            && (sharp || soft.contains(&self.course.mixed)))
        .then_some(sharp)
    }

    /// Measures and what they must be below.
    pub(super) fn limits(&self, sharp: bool) -> [Limited; 6] {
        let orderly = self.scatter < ORDERLY;
        let exact = self.course.is_exact();
        let max_step = match self.scatter {
            _ if exact => MAX_EXACT_STEP,
            scatter if scatter < VERY_ORDERLY => 0.45,
            _ => 0.4,
        };
        let order = if !sharp {
            Limited::below("scatter", self.scatter, MAX_SOFT_SCATTER)
        } else if self.scatter / MAX_SCATTER < self.disorder / MAX_DISORDER {
            Limited::below("scatter", self.scatter, MAX_SCATTER)
        } else {
            Limited::below("disorder", self.disorder, MAX_DISORDER)
        };
        [
            Limited::below("sweep_misfit", self.course.misfit, if sharp { 0.16 } else { 0.14 }),
            Limited::below("back_and_forth", self.course.back_and_forth, if orderly { 2.0 } else { 1.5 }),
            Limited::below("largest_step", self.course.largest_step, max_step),
            order,
            Limited::below(
                "untouched",
                self.course.untouched,
                if exact { MAX_EXACT_UNTOUCHED } else { 0.08 },
            ),
            Limited::below("likeness", self.likeness, if orderly { 0.35 } else { 0.25 }),
        ]
    }
}
