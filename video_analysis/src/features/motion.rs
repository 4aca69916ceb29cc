//! How much of a picture cannot be explained by parts of the one before having moved.
//!
//! Full-search block matching, as video encoders have done since H.261: blocks of 8 × 9 pixels, moved by up to four pixels
//! each way (a twelfth of the width), the smallest sum of absolute differences of each.

use super::{PIXELS, WIDTH};
use crate::numeric::{count_to_f64, len, to_f32};

const REACH: usize = 4;
const ACROSS: usize = 8;
const DOWN: usize = 9;
const PADDED_WIDTH: usize = WIDTH + 2 * REACH;

/// Mean absolute luma difference per pixel that is left after motion compensation, 0 to 255.
#[inline(never)]
pub(super) fn residual(before: &[u8; PIXELS], this: &[u8; PIXELS]) -> f32 {
    let padded = pad(before);
    let (rows, _) = this.as_chunks::<WIDTH>();
    let (bands, _) = rows.as_chunks::<DOWN>();
    let mut sum = 0;
    for (top, band) in (0..).step_by(DOWN).zip(bands) {
        let mut best = [u16::MAX; WIDTH / ACROSS];
        for rows in padded.windows(DOWN).skip(top).take(2 * REACH + 1) {
            for shift in 0..=2 * REACH {
                for (best, sum) in best.iter_mut().zip(differences(rows, band, shift)) {
                    *best = sum.min(*best);
                }
            }
        }
        sum += best.into_iter().map(u64::from).sum::<u64>();
    }
    to_f32(count_to_f64(sum) / count_to_f64(len(PIXELS)))
}

/// Sums of absolute differences of all blocks of a band, its other rows shifted. Whole rows at a time, in columns, because
/// that is what vector instructions do; a column of nine differences stays below 2^12, a block of eight columns below 2^15.
fn differences(
    rows: &[[u8; PADDED_WIDTH]],
    band: &[[u8; WIDTH]; DOWN],
    shift: usize,
) -> [u16; WIDTH / ACROSS] {
    let mut columns = [0u16; WIDTH];
    for (row, ours) in rows.iter().zip(band) {
        if let Some(theirs) = row.get(shift..).and_then(<[u8]>::first_chunk::<WIDTH>) {
            for ((column, one), other) in columns.iter_mut().zip(theirs).zip(ours) {
                *column += u16::from(one.abs_diff(*other));
            }
        }
    }
    let mut sums = [0; WIDTH / ACROSS];
    for (sum, columns) in sums.iter_mut().zip(columns.as_chunks::<ACROSS>().0) {
        *sum = columns.iter().sum();
    }
    sums
}

/// The picture with its edges repeated, so that every displacement is inside.
fn pad(picture: &[u8; PIXELS]) -> Vec<[u8; PADDED_WIDTH]> {
    let row = |row: &[u8; WIDTH]| {
        let mut padded = [0; PADDED_WIDTH];
        let (first, last) = (row.first().copied().unwrap_or(0), row.last().copied().unwrap_or(0));
        let values = std::iter::repeat_n(first, REACH)
            .chain(row.iter().copied())
            .chain(std::iter::repeat_n(last, REACH));
        padded.iter_mut().zip(values).for_each(|(to, from)| *to = from);
        padded
    };
    let (rows, _) = picture.as_chunks::<WIDTH>();
    let above = rows.first().into_iter().cycle().take(REACH);
    let below = rows.last().into_iter().cycle().take(REACH);
    above.chain(rows).chain(below).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A texture in which every place looks different.
    fn texture(shift_x: usize, shift_y: usize) -> [u8; PIXELS] {
        std::array::from_fn(|at| {
            let (x, y) = (at % WIDTH + shift_x, at / WIDTH + shift_y);
            u8::try_from((x * 37 + y * 59 + x * y * 11) % 251).unwrap()
        })
    }

    #[test]
    fn a_moved_picture_leaves_only_what_came_in_at_the_edges() {
        let still = residual(&texture(10, 10), &texture(10, 10));
        let moved = residual(&texture(10, 10), &texture(13, 12));
        let other = residual(&texture(10, 10), &texture(110, 77));
        assert!(still.abs() < f32::EPSILON);
        assert!(moved < other / 2.0, "{moved} {other}");
    }
}
