//! From which picture to which a wipe goes: from where the blocks that it reaches first begin to change, to where those that it reaches
//! last have changed. What all blocks do together says little of the ends, where a corner or a circle is small.

use super::super::blocks::BLOCKS;
use super::super::ramp::{self, STEADY, Shape};
use super::ends::Ends;
use super::sweep::of_neighbourhoods;
use crate::features::Frame;

/// Share of the change that is made by the first blocks, and by the last.
const ENDS: f64 = 0.09;
/// How many pictures are looked at outside of what is given: this part of it, each time a smaller one, for each time it is nearer.
const PARTS: [usize; 4] = [2, 3, 4, 8];
/// The least of them.
const MARGIN: usize = 6;
/// Corners are looked for at this many places, and then between them.
const PLACES: usize = 16;

/// How the first blocks go on their way: steadily, as a corner grows, or behind a soft line.
const FIRST: [Shape; 3] = [STEADY, |time| time * time, smooth_step];
/// The last ones: steadily, as a corner shrinks, or behind a soft line.
const LAST: [Shape; 3] = [STEADY, |time| time * (2.0 - time), smooth_step];

fn smooth_step(time: f64) -> f64 {
    time * time * (3.0 - 2.0 * time)
}

/// The mixed pictures of the wipe that is somewhere around `[start, end)`; `None` where there is none.
pub(in super::super) fn extent(frames: &[Frame], mut range: (usize, usize)) -> Option<(usize, usize)> {
    for part in PARTS {
        let nearer = corrected(frames, range, ((range.1 - range.0) / part).max(MARGIN))?;
        if nearer == range {
            break;
        }
        range = nearer;
    }
    Some(range)
}

/// The range by the pictures in it and the ones nearer than `margin`.
fn corrected(frames: &[Frame], (start, end): (usize, usize), margin: usize) -> Option<(usize, usize)> {
    let last = frames.len().checked_sub(1)?;
    let ends = Ends::of(frames.get(start.saturating_sub(2))?, frames.get((end + 1).min(last))?)?;
    let offset = start.saturating_sub(margin);
    let pictures = frames.get(offset..(end + margin).min(frames.len()))?;
    let ways: Vec<Vec<f64>> = pictures.iter().map(|frame| ends.progress(frame).0).collect();
    let weights = ends.capped();
    let times: Vec<f64> =
        (0..BLOCKS).map(|block| turn(ways.iter().filter_map(|way| way.get(block).copied()))).collect();
    let mut order: Vec<(f64, usize)> = of_neighbourhoods(&times, &weights).into_iter().zip(0..).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));

    // The pictures right at the edge are the levels that the ramp is between.
    let outermost = pictures.len().checked_sub(2)?;
    let (from, _) = corners(&together(&ways, &weights, order.iter()), (2, end - offset), &FIRST)?;
    let (_, to) =
        corners(&together(&ways, &weights, order.iter().rev()), (start - offset, outermost), &LAST)?;
    (from < to).then_some((offset + from, offset + to))
}

/// Where between two pictures the best ramp is, of any length.
fn corners(progress: &[f64], (least, most): (usize, usize), shapes: &[Shape]) -> Option<(usize, usize)> {
    let step = (progress.len() / PLACES).max(1);
    let (start, end) =
        ramp::corners(progress, (least..=most).step_by(step), |start| (start..=most).step_by(step), shapes)?;
    let near = |at: usize, least: usize| least.max(at.saturating_sub(step))..=most.min(at + step);
    ramp::corners(progress, near(start, least), |start| near(end, start), shapes)
}

/// When a block turns from one shot to the other: the place of the step that is nearest to its way.
fn turn(way: impl Iterator<Item = f64>) -> f64 {
    let (mut gain, mut most, mut best) = (0.0, 0.0, 0u32);
    for (at, progress) in (1..).zip(way) {
        // What a later step saves in this picture: the square of what is left, for that of what is gone.
        gain += 1.0 - 2.0 * progress;
        if gain > most {
            (most, best) = (gain, at);
        }
    }
    f64::from(best)
}

/// How far those blocks are that come first in an order, together, in each picture.
fn together<'order>(
    ways: &[Vec<f64>],
    weights: &[f64],
    order: impl Iterator<Item = &'order (f64, usize)>,
) -> Vec<f64> {
    let enough = ENDS * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let mut taken = Vec::new();
    for (_, block) in order {
        let weight = weights.get(*block).copied().unwrap_or(0.0);
        if sum + weight > enough && !taken.is_empty() {
            break;
        }
        sum += weight;
        taken.push((*block, weight));
    }
    let of_picture = |way: &Vec<f64>| {
        let blocks = taken.iter().map(|(block, weight)| way.get(*block).copied().unwrap_or(0.0) * weight);
        blocks.sum::<f64>() / sum.max(1e-9)
    };
    ways.iter().map(of_picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_turns_where_it_is_nearest_to_a_step_whatever_moves_before_and_after() {
        assert!((turn([0.1, 0.3, 0.0, 0.2, 0.9, 0.7, 1.0].into_iter()) - 4.0).abs() < 1e-9);
        assert!((turn([0.0, 0.8, 0.1, 0.0, 0.6, 1.0].into_iter()) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn the_blocks_that_come_first_are_looked_at_together_up_to_their_share_of_the_change() {
        let order = [(0.0, 2), (1.0, 0), (2.0, 1)];
        let ways = [vec![0.0, 0.0, 0.5], vec![0.5, 0.0, 1.0]];
        assert_eq!(together(&ways, &[2.0, 95.0, 3.0], order.iter()), [0.3, 0.8]);
        assert_eq!(together(&ways, &[0.0, 0.0, 1.0], order.iter()), [0.5, 1.0]);
    }

    #[test]
    fn the_best_ramp_is_found_between_the_places_that_are_looked_at_first() {
        let ramp = |at: usize| f64::from(u8::from(at >= 37));
        let progress: Vec<f64> = (0..96).map(ramp).collect();
        assert_eq!(corners(&progress, (2, 94), &FIRST), Some((37, 37)));
    }
}
