//! How much of a change is left when the picture before is moved as a whole. A whip pan moves it farther in one step than
//! [`super::motion`] looks for its blocks, and brings in much that was not there before.

use super::{HEIGHT, PIXELS, WIDTH};
use crate::numeric::{len_to_f64, to_f32};

/// How far the picture is moved at most, in pixels of the small one: somewhat over half of its width and a third of its height.
const ACROSS: usize = 28;
const DOWN: usize = 9;
/// Pixels that both pictures must then have in common: of fewer, some would fit by chance.
const MIN_COMMON: usize = PIXELS * 2 / 5;
/// Share of a picture's contrast (standard deviation) that its part in common must have at least.
const MIN_SHARE: f64 = 0.1;

/// The mean absolute luma difference of the parts in common after the move that fits best, as a share of what it is without one,
/// and over the share of the pictures' contrast that is in those parts: a wall that two shots have behind them explains
/// neither. 1 where nothing fits better.
#[inline(never)]
pub(super) fn misfit(before: &[u8; PIXELS], this: &[u8; PIXELS]) -> f32 {
    let whole = Part { left: 0, top: 0, width: WIDTH, height: HEIGHT };
    let unmoved = difference(before, this, whole, whole);
    let sums = [Sums::of(before), Sums::of(this)];
    let [one, other] = &sums;
    let contrasts = [one.deviation(whole), other.deviation(whole)];
    let mut least = unmoved;
    for (across, down) in moves() {
        let (width, height) = (WIDTH - across.0.max(across.1), HEIGHT - down.0.max(down.1));
        if width * height < MIN_COMMON {
            continue;
        }
        let parts = [
            Part { left: across.0, top: down.0, width, height },
            Part { left: across.1, top: down.1, width, height },
        ];
        let shares =
            sums.iter().zip(parts).zip(contrasts).map(|((sums, part), whole)| sums.deviation(part) / whole);
        let share = shares.fold(1.0, f64::min);
        if share > MIN_SHARE {
            let [before_part, this_part] = parts;
            least = least.min(difference(before, this, before_part, this_part) / share);
        }
    }
    if unmoved > 0.0 { to_f32(least / unmoved) } else { 1.0 }
}

/// Every move: of each axis, how many pixels of the picture before are left out at its beginning, and how many of the other.
fn moves() -> impl Iterator<Item = ((usize, usize), (usize, usize))> {
    let sides = |by: usize| [(by, 0), (0, by)];
    (0..=ACROSS)
        .flat_map(sides)
        .flat_map(move |across| (0..=DOWN).flat_map(sides).map(move |down| (across, down)))
}

/// A rectangle of a picture.
#[derive(Clone, Copy)]
struct Part {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// Mean absolute difference of two parts of one size.
fn difference(before: &[u8; PIXELS], this: &[u8; PIXELS], from: Part, to: Part) -> f64 {
    let (before, this) = (before.as_chunks::<WIDTH>().0.iter(), this.as_chunks::<WIDTH>().0.iter());
    let rows = before.skip(from.top).zip(this.skip(to.top)).take(from.height);
    let sum = rows.map(|(before, this)| {
        let pairs = before.iter().skip(from.left).zip(this.iter().skip(to.left)).take(from.width);
        pairs.map(|(one, other)| u32::from(one.abs_diff(*other))).sum::<u32>()
    });
    f64::from(sum.sum::<u32>()) / len_to_f64(from.width * from.height)
}

/// Sums of luma and of its squares above and left of each place: any part's deviation from four of them (F. Crow, *Summed-area
/// tables for texture mapping*, 1984).
struct Sums(Vec<[u32; 2]>);

impl Sums {
    fn of(picture: &[u8; PIXELS]) -> Self {
        let mut above = vec![[0; 2]; WIDTH + 1];
        let mut sums = above.clone();
        for row in picture.as_chunks::<WIDTH>().0 {
            let mut line = [0; 2];
            for (above, value) in above.iter_mut().skip(1).zip(row) {
                let value = u32::from(*value);
                line = [line[0] + value, line[1] + value * value];
                *above = [above[0] + line[0], above[1] + line[1]];
            }
            sums.extend_from_slice(&above);
        }
        Self(sums)
    }

    /// Standard deviation of luma.
    fn deviation(&self, part: Part) -> f64 {
        let at = |x: usize, y: usize| self.0.get(y * (WIDTH + 1) + x).copied().unwrap_or_default();
        let (right, bottom) = (part.left + part.width, part.top + part.height);
        let corners =
            [at(right, bottom), at(part.left, part.top), at(part.left, bottom), at(right, part.top)];
        let [sum, squares] = [0, 1].map(|which: usize| {
            let [far, near, left, top] = corners.map(|sums| sums.get(which).copied().unwrap_or(0));
            f64::from(far + near - left - top) / len_to_f64(part.width * part.height)
        });
        (squares - sum * sum).max(0.0).sqrt()
    }
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
        // Somebody before a wall, on the left and on the right.
        let person = |from: usize| {
            std::array::from_fn(|at| {
                let (x, y) = (at % WIDTH, at / WIDTH);
                if (from..from + 12).contains(&x) && y > 6 {
                    u8::try_from((x * 37 + y * 59) % 200).unwrap()
                } else {
                    110
                }
            })
        };
        assert!(misfit(&person(3), &person(33)) > 0.3);
        assert!((misfit(&before, &before) - 1.0).abs() < f32::EPSILON);
        assert!((misfit(&[10; PIXELS], &[90; PIXELS]) - 1.0).abs() < f32::EPSILON);
    }
}
