//! How well the pictures of a stretch are mixtures of the pictures around it.

use super::super::blocks::{centred, colors, correlation, dot, edges, lit, untouched};
use crate::features::{Frame, GRID};
use crate::numeric::len_to_f64;

/// A block is as before if it changes by less than this many grey levels, or than a tenth of the change of all.
const UNTOUCHED: f64 = 4.0;

/// What is measured of a stretch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mixture {
    /// Mean absolute difference of the pictures before and after where they are not dark, in grey levels.
    pub(super) change: f64,
    /// Mean absolute difference of the pictures from the mixtures they should be, as a share of `change`.
    pub(super) misfit: f64,
    /// Largest step from one picture to the next along the way from one end to the other, as a share of the way.
    pub(super) largest_step: f64,
    /// Correlation of the ends, 0 to 1: of their edges, or the mean of that and of the colours' where that is more. Below 0
    /// counts as 0.
    pub(super) likeness: f64,
    /// Share of the blocks that are the same at both ends.
    pub(super) untouched: f64,
    /// The edges of two pictures seen through each other are weaker than their own. By how much what is lost differs from
    /// what a mixture loses, as a share of it.
    pub(super) edge_error: f64,
}

/// How far each picture is on the way from one to another: 0 is the one, 1 the other.
pub(super) fn progress(from: &Frame, to: &Frame, frames: &[Frame]) -> Option<Vec<f64>> {
    // Sums of squares of all 432 differences fit into 32 bits: what vector instructions do four of at once.
    let steps = |to: &[u8; GRID]| -> [i16; GRID] {
        let mut steps = [0; GRID];
        for (step, (to, from)) in steps.iter_mut().zip(to.iter().zip(from.grid.iter())) {
            *step = i16::from(*to) - i16::from(*from);
        }
        steps
    };
    let dot = |one: &[i16; GRID], other: &[i16; GRID]| -> f64 {
        f64::from(one.iter().zip(other).map(|(one, other)| i32::from(*one) * i32::from(*other)).sum::<i32>())
    };
    let way = steps(&to.grid);
    let whole = dot(&way, &way);
    (whole > 0.0).then(|| frames.iter().map(|frame| dot(&steps(&frame.grid), &way) / whole).collect())
}

/// Measures the pictures `[start, end)` against the ones beside them; `None` at the ends of the film, and where the ends are
/// equal.
pub(super) fn measure(frames: &[Frame], start: usize, end: usize) -> Option<Mixture> {
    let before = colors(frames.get(start.checked_sub(1)?)?);
    let after = colors(frames.get(end)?);
    let way: Vec<f64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
    let whole_change = way.iter().map(|step| step.abs()).sum::<f64>();
    let length = dot(&way, &way);
    let lit = lit(&before, &after);
    let change = whole_change / len_to_f64(lit.iter().filter(|lit| **lit).count().max(1));
    let (edges_before, edges_after) = (edges(&before, &lit), edges(&after, &lit));
    let [energy_before, energy_after] = [&edges_before, &edges_after].map(|edges| dot(edges, edges));
    let lost_by_half = energy_before + energy_after - 2.0 * dot(&edges_before, &edges_after);
    if length <= 0.0 || lost_by_half <= 0.0 {
        return None;
    }

    let (mut misfit, mut largest_step, mut reached) = (0.0, 0.0f64, 0.0);
    let (mut lost, mut expected) = (0.0, 0.0);
    let pictures = frames.get(start..end)?;
    let steps = len_to_f64(pictures.len() + 1);
    for (at, frame) in (1..).zip(pictures) {
        let part = len_to_f64(at) / steps;
        let this = colors(frame);
        let gone: Vec<f64> = this.iter().zip(&before).map(|(this, before)| this - before).collect();
        misfit += gone.iter().zip(&way).map(|(gone, step)| (gone - part * step).abs()).sum::<f64>();
        let progress = dot(&gone, &way) / length;
        largest_step = largest_step.max(progress - reached);
        reached = progress;
        // Least squares of what is lost to the parabola a mixture of two pictures makes.
        let parabola = part * (1.0 - part) * lost_by_half;
        let edges = edges(&this, &lit);
        let unmixed = energy_before * (1.0 - part) + energy_after * part;
        lost += parabola * (unmixed - dot(&edges, &edges));
        expected += parabola * parabola;
    }
    let of_edges = correlation(&edges_before, &edges_after);
    let of_colors = correlation(&centred(&before, &lit), &centred(&after, &lit));
    Some(Mixture {
        change,
        misfit: misfit / len_to_f64(pictures.len()) / whole_change,
        largest_step: largest_step.max(1.0 - reached),
        likeness: of_edges.max(f64::midpoint(of_edges, of_colors)).max(0.0),
        untouched: untouched(&before, &after, &lit, UNTOUCHED.max(change / 10.0)),
        edge_error: (1.0 - lost / expected).abs(),
    })
}
