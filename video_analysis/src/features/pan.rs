//! How much of a change is left when the picture before is moved as a whole. A whip pan moves it farther in one step than
//! [`super::motion`] looks for its blocks, and brings in much that was not there before.

use super::{HEIGHT, PIXELS, WIDTH};
use crate::numeric::{len_to_f64, to_f32};

/// How far the picture is moved at most, in pixels of the small one: somewhat over half of its width and a third of its height.
const ACROSS: usize = 28;
const DOWN: usize = 9;
/// Pixels that both pictures must then have in common: of fewer, some would fit by chance.
const MIN_COMMON: usize = PIXELS * 2 / 5;

/// The mean absolute luma difference of the parts in common after the move that fits best, as a share of what it is without one;
/// 1 where nothing fits better.
pub(super) fn misfit(before: &[u8; PIXELS], this: &[u8; PIXELS]) -> f32 {
    let unmoved = mean(before, this, (0, 0), (0, 0));
    let sides = |by: usize| [(by, 0), (0, by)];
    let mut least = unmoved;
    for across in (0..=ACROSS).flat_map(sides) {
        for down in (0..=DOWN).flat_map(sides) {
            least = least.min(mean(before, this, across, down));
        }
    }
    if unmoved > 0.0 { to_f32(least / unmoved) } else { 1.0 }
}

/// The mean absolute difference of the parts in common; infinite where those are too small. Of each axis, how many pixels of the
/// picture before are left out at its beginning, and how many of the other.
fn mean(
    before: &[u8; PIXELS],
    this: &[u8; PIXELS],
    (left, right): (usize, usize),
    (top, bottom): (usize, usize),
) -> f64 {
    let (width, height) = (WIDTH - left.max(right), HEIGHT - top.max(bottom));
    if width * height < MIN_COMMON {
        return f64::INFINITY;
    }
    let (before, this) = (before.as_chunks::<WIDTH>().0.iter(), this.as_chunks::<WIDTH>().0.iter());
    let rows = before.skip(top).zip(this.skip(bottom)).take(height);
    let sum = rows.map(|(before, this)| {
        let pairs = before.iter().skip(left).zip(this.iter().skip(right)).take(width);
        pairs.map(|(one, other)| u32::from(one.abs_diff(*other))).sum::<u32>()
    });
    f64::from(sum.sum::<u32>()) / len_to_f64(width * height)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part of a wide texture in which every place looks different.
    fn texture(x: usize, y: usize) -> [u8; PIXELS] {
        std::array::from_fn(|at| {
            let (x, y) = (at % WIDTH + x, at / WIDTH + y);
            u8::try_from((x * x * 7 + y * 59 + x * y * 11) % 251).unwrap()
        })
    }

    #[test]
    fn a_picture_that_was_moved_as_a_whole_is_found_wherever_it_went() {
        let before = texture(40, 20);
        for (x, y) in [(12, 20), (68, 20), (50, 14), (40, 29), (33, 22)] {
            assert!(misfit(&before, &texture(x, y)).abs() < f32::EPSILON, "{x} {y}");
        }
        assert!(misfit(&before, &texture(140, 90)) > 0.7);
        assert!((misfit(&before, &before) - 1.0).abs() < f32::EPSILON);
        assert!((misfit(&[10; PIXELS], &[90; PIXELS]) - 1.0).abs() < f32::EPSILON);
    }
}
