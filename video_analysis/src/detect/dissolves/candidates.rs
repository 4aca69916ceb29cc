//! Where a dissolve may be: stretches whose pictures are mixtures of their two ends.

use super::super::gradual::{Stretch, halves, strongest};
use crate::features::{Frame, GRID};
use crate::numeric::len_to_f64;

/// Difference of the ends, in grey levels, below which nothing is looked at.
const MIN_CHANGE: u32 = 10;
/// Largest difference from the mixture as a share of the difference of the ends. Motion inside both shots is in it too, so
/// that this is generous; what is found is looked at more closely.
const MAX_MISFIT: f64 = 0.3;
/// Farthest that stretches reach among which the strongest count. What reaches farther would hide the short ones in it, and is a
/// mixture of its ends far less often: it stands for itself.
const FAR: usize = 36;
/// Of those whose centres are nearer than half of the longer one's half only the strongest is looked at: with all of it, what
/// looks most like a mixture and is none would hide the one beside it.
const APART: usize = 2;

/// The strongest of those that share their centres, of stretches up to `longest` pictures.
pub(super) fn find(frames: &[Frame], longest: usize) -> Vec<Stretch> {
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for half in halves(longest) {
        let strengths = if half <= FAR { &mut near } else { &mut far };
        for (centre, frames) in (half..).zip(frames.windows(2 * half + 1)) {
            strengths.extend(strength(frames, half).map(|value| (value, Stretch { centre, half })));
        }
    }
    let mut found = strongest(near, APART);
    found.extend(strongest(far, APART));
    found
}

/// Difference of the ends, less what the pictures between them differ from their mixture; `None` where there is none.
fn strength(frames: &[Frame], half: usize) -> Option<f64> {
    let grid = |at: usize| frames.get(at).map(|frame| &*frame.grid);
    let (first, last) = (grid(0)?, grid(2 * half)?);
    let change: u32 = first.iter().zip(last).map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
    if change <= MIN_CHANGE * u32::try_from(GRID).unwrap_or(u32::MAX) {
        return None;
    }
    let misfit = |at: usize| {
        let weights = [2 * half, 2 * half - at, at].map(|weight| i16::try_from(weight).unwrap_or(i16::MAX));
        Some(f64::from(difference(grid(at)?, first, last, weights)) / len_to_f64(2 * half))
    };
    let share = |misfit: f64| misfit / f64::from(change);
    let middle = share(misfit(half)?);
    if middle >= MAX_MISFIT {
        return None;
    }
    let quarters = f64::midpoint(share(misfit(half - half / 2)?), share(misfit(half + half / 2)?));
    let misfit = middle.max(quarters);
    (misfit < MAX_MISFIT).then(|| f64::from(change) / len_to_f64(GRID) * (1.0 - misfit / MAX_MISFIT))
}

/// Sum of `|all·this - before·first - after·last|`. The weights are at most 128 (`max_dissolve_frames`), so that all fits into
/// 16 bits: what vector instructions do sixteen of at once.
fn difference(
    this: &[u8; GRID],
    first: &[u8; GRID],
    last: &[u8; GRID],
    [all, before, after]: [i16; 3],
) -> u32 {
    let ends =
        first.iter().zip(last).map(|(first, last)| before * i16::from(*first) + after * i16::from(*last));
    this.iter().zip(ends).map(|(this, ends)| u32::from((all * i16::from(*this) - ends).unsigned_abs())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_grow_until_they_hold_the_longest_dissolve_and_stay_within_sixteen_bits() {
        assert_eq!(halves(72).collect::<Vec<_>>(), [3, 4, 6, 8, 11, 15, 20, 27, 36]);
        assert!(halves(120).last().unwrap() * 2 * 255 <= 32_767);
    }
}
