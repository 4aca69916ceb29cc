//! The two ends of a stretch that may be a wipe, and how far the blocks of a picture are on their way from one to the other.

use super::super::blocks::{BLOCKS, COLORS, colors};
use crate::features::Frame;
use crate::numeric::len_to_f64;

/// Most that a block counts, of the mean change, where the question is how far all are: few that change much would decide it.
const CAP: f64 = 0.5;

/// The two ends of a stretch, and the way from one to the other.
pub(super) struct Ends {
    pub(super) before: Vec<f64>,
    pub(super) after: Vec<f64>,
    way: Vec<f64>,
    /// Of each block, the square of its way's length.
    squares: Vec<f64>,
    /// Of each block, its mean absolute difference.
    pub(super) weights: Vec<f64>,
    pub(super) weight: f64,
}

impl Ends {
    pub(super) fn of(before: &Frame, after: &Frame) -> Option<Self> {
        let (before, after) = (colors(before), colors(after));
        let way: Vec<f64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
        let blocks = || way.as_chunks::<COLORS>().0.iter();
        let squares = blocks().map(|way| way.iter().map(|step| step * step).sum()).collect();
        let weights: Vec<f64> =
            blocks().map(|way| way.iter().map(|step| step.abs()).sum::<f64>() / len_to_f64(COLORS)).collect();
        let weight: f64 = weights.iter().sum();
        (weight > 0.0).then_some(Self { before, after, way, squares, weights, weight })
    }

    /// Mean absolute difference of the ends, in grey levels.
    pub(super) fn change(&self) -> f64 {
        self.weight / len_to_f64(BLOCKS)
    }

    /// How far each block of a picture is on its way, 0 to 1, and how far all are from where that is.
    pub(super) fn progress(&self, frame: &Frame) -> (Vec<f64>, f64) {
        let mut misfit = 0.0;
        let before = self.before.as_chunks::<COLORS>().0;
        let ways = self.way.as_chunks::<COLORS>().0.iter().zip(&self.squares);
        let blocks = frame.blocks().iter().zip(before).zip(ways);
        let progress = blocks.map(|((block, before), (way, square))| {
            let mut gone = [0.0; COLORS];
            for ((gone, value), before) in gone.iter_mut().zip(block).zip(before) {
                *gone = f64::from(*value) - before;
            }
            let along: f64 = gone.iter().zip(way).map(|(gone, way)| gone * way).sum();
            let progress = (along / square.max(1e-9)).clamp(0.0, 1.0);
            let off = gone.iter().zip(way).map(|(gone, way)| (gone - progress * way).abs()).sum::<f64>();
            misfit += off / len_to_f64(COLORS);
            progress
        });
        let progress = progress.collect();
        (progress, misfit)
    }

    /// How much each block counts where few that change much may not decide.
    pub(super) fn capped(&self) -> Vec<f64> {
        let cap = CAP * self.change();
        self.weights.iter().map(|weight| weight.min(cap)).collect()
    }

    /// Mean of something of each block, weighted by how much blocks change.
    pub(super) fn mean(&self, of_blocks: impl Iterator<Item = f64>) -> f64 {
        of_blocks.zip(&self.weights).map(|(value, weight)| value * weight).sum::<f64>() / self.weight
    }
}
