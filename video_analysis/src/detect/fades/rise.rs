//! What is seen more and more, or less and less, as of a fade: its pictures are the full picture at part of their strength.

use std::ops::RangeInclusive;

use super::super::blocks::{colors, correlation, untouched};
use super::sight::Sight;
use crate::features::Frame;
use crate::numeric::{len_to_f64, to_f64};

/// A single step above this share of the whole way is a cut and no fade.
pub(super) const MAX_STEP: f64 = 0.5;
/// Largest part of the faded picture that does not scale with it: motion inside the fade, but not another picture.
const MAX_MISFIT: f64 = 0.45;
/// The same where visibility is at most so far from a straight line, as a share of the way, in so many steps at least.
const MAX_MISFIT_STRAIGHT: f64 = 0.75;
const MAX_BEND: f64 = 0.06;
const LEAST_STRAIGHT: usize = 8;
/// Share of blocks up to which what comes is small: a title.
const SMALL: f64 = 0.25;
/// How much must be seen of a block, in grey levels.
const SEEN: f64 = 8.0;
/// Largest part of a title that is another after as many pictures as it took to come: what scrolls is another.
const MAX_MOVED: f64 = 0.3;
/// For how many pictures a title stays at least that fades.
const LEAST_HELD: usize = 20;
/// How much less or more is seen of it then: the lines that follow are more.
const AS_VISIBLE: RangeInclusive<f64> = 0.7..=1.18;

/// In how many steps the picture farthest from a plain one is reached, and the largest of them.
pub(super) fn fade(outwards: &[&Frame], sight: &Sight, min_frames: usize) -> Option<(usize, f64)> {
    let heights: Vec<f64> = outwards.iter().map(|frame| sight.visibility(frame)).collect();
    // What goes on brightening slowly may hide where the rise ends.
    [Rise::OverTop, Rise::OverPace].into_iter().find_map(|rise| {
        let steps = climb(&heights, rise)?;
        let (largest_step, height) = steepness(heights.get(..=steps)?)?;
        let (plain, full) = (*outwards.first()?, *outwards.get(steps)?);
        let fades = steps >= min_frames
            && height >= sight.least()
            && largest_step < MAX_STEP
            && misfit(plain, full, outwards.get(steps.div_ceil(2))?) < most_misfit(heights.get(..=steps)?)
            && !is_flash(&heights, steps)
            && (!is_small(plain, full) || holds(outwards, &heights, steps));
        fades.then_some((steps, largest_step))
    })
}

/// What a picture must be above for visibility to be still rising.
#[derive(Clone, Copy)]
enum Rise {
    /// The last top, by a part of the pace.
    OverTop,
    /// The last top, by that part for each step since: a slow drift after the rise is none.
    OverPace,
}

/// How many steps visibility keeps rising from its first value, at about the pace it began with.
fn climb(heights: &[f64], rise: Rise) -> Option<usize> {
    /// Pictures over which motion may hide the rise.
    const PATIENCE: usize = 3;
    let base = *heights.first()?;
    let mut top = 0;
    let mut previous = base;
    for (step, height) in heights.iter().enumerate().skip(1) {
        let reached = heights.get(top).copied().unwrap_or(base);
        let pace = if top > 0 { (reached - base) / len_to_f64(top) } else { 0.0 };
        // A jump out of a slow rise is a cut to another picture.
        if top >= PATIENCE && height - previous > 6.0 * pace.max(0.5) {
            break;
        }
        let steps = match rise {
            Rise::OverTop => 1,
            Rise::OverPace => step - top,
        };
        if *height > reached + (0.25 * pace).max(0.2) * len_to_f64(steps) {
            top = step;
        } else if step - top >= PATIENCE {
            break;
        }
        previous = *height;
    }
    Some(top)
}

/// Whether what rose is gone right after: a light in the dark, and no picture that stays.
fn is_flash(heights: &[f64], steps: usize) -> bool {
    let at = |step: usize| heights.get(step).copied();
    let (Some(base), Some(top)) = (at(0), at(steps)) else { return false };
    let gone = |step| at(step).is_some_and(|height| height < f64::midpoint(base, top));
    gone(steps + 1) && gone(steps + 2)
}

/// How far the picture half way may be from the full picture at part of its strength: farther where what is seen rises steadily, for
/// motion alone does not do that.
fn most_misfit(rise: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (rise.first(), rise.last()) else { return 0.0 };
    let steps = len_to_f64(rise.len().saturating_sub(1));
    let way = last - first;
    let line = |at: usize| first + way * len_to_f64(at) / steps;
    let away = rise.iter().enumerate().map(|(at, height)| (height - line(at)).abs()).sum::<f64>();
    let straight = rise.len() > LEAST_STRAIGHT && away < MAX_BEND * way * steps;
    if straight { MAX_MISFIT_STRAIGHT } else { MAX_MISFIT }
}

/// The largest step as a share of the way, and the way.
fn steepness(heights: &[f64]) -> Option<(f64, f64)> {
    let height = heights.last()? - heights.first()?;
    let steps = heights.iter().zip(heights.iter().skip(1)).map(|(one, next)| (next - one).abs());
    (height > 0.0).then(|| (steps.fold(0.0, f64::max) / height, height))
}

/// Whether most of a picture is as plain as the plain one: it is a title, or something else on black.
fn is_small(plain: &Frame, full: &Frame) -> bool {
    let (plain, full) = (colors(plain), colors(full));
    untouched(&plain, &full, &vec![true; full.len()], SEEN) > 1.0 - SMALL
}

/// Whether what has come stays where it is, for as long as it took to come: what scrolls does not.
fn holds(outwards: &[&Frame], heights: &[f64], steps: usize) -> bool {
    let later = (steps + steps.max(LEAST_HELD)).min(outwards.len() - 1);
    let (Some(plain), Some(full), Some(held)) = (outwards.first(), outwards.get(steps), outwards.get(later))
    else {
        return false;
    };
    let (Some(top), Some(height)) = (heights.get(steps), heights.get(later)) else { return false };
    AS_VISIBLE.contains(&(height / top.max(1e-9))) && misfit(plain, full, held) < MAX_MOVED
}

/// How far a picture is from being the full picture at part of its strength, as a share of its own strength.
fn misfit(plain: &Frame, full: &Frame, picture: &Frame) -> f64 {
    let signed = |frame: &Frame| -> Vec<f64> {
        frame
            .grid
            .iter()
            .zip(plain.grid.iter())
            .map(|(one, base)| to_f64(i64::from(*one) - i64::from(*base)))
            .collect()
    };
    let correlation = correlation(&signed(full), &signed(picture));
    (1.0 - correlation * correlation).max(0.0).sqrt()
}
