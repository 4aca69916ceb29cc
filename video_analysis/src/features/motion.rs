//! How much of a picture cannot be explained by parts of the one before having moved.
//!
//! Full-search block matching, as video encoders have done since H.261: blocks of 8 × 9 pixels, moved by up to four pixels
//! each way (a twelfth of the width), the smallest sum of absolute differences of each.

use super::{HEIGHT, PIXELS, WIDTH};
use crate::numeric::{count_to_f64, len, to_f32};

const REACH: usize = 4;
const ACROSS: usize = 8;
const DOWN: usize = 9;
const PADDED_WIDTH: usize = WIDTH + 2 * REACH;

/// Mean absolute luma difference per pixel that is left after motion compensation, 0 to 255.
pub(super) fn residual(before: &[u8; PIXELS], this: &[u8; PIXELS]) -> f32 {
    let padded = pad(before);
    let mut sum = 0;
    for top in (0..HEIGHT).step_by(DOWN) {
        for left in (0..WIDTH).step_by(ACROSS) {
            sum += u64::from(best_match(&padded, &block(this, left, top), left, top));
        }
    }
    to_f32(count_to_f64(sum) / count_to_f64(len(PIXELS)))
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

fn block(picture: &[u8; PIXELS], left: usize, top: usize) -> [[u8; ACROSS]; DOWN] {
    let mut block = [[0; ACROSS]; DOWN];
    let (rows, _) = picture.as_chunks::<WIDTH>();
    for (to, row) in block.iter_mut().zip(rows.iter().skip(top)) {
        if let Some(from) = row.get(left..).and_then(<[u8]>::first_chunk) {
            *to = *from;
        }
    }
    block
}

/// Smallest sum of absolute differences over all displacements of a block.
fn best_match(padded: &[[u8; PADDED_WIDTH]], block: &[[u8; ACROSS]; DOWN], left: usize, top: usize) -> u32 {
    let mut best = u32::MAX;
    for rows in padded.windows(DOWN).skip(top).take(2 * REACH + 1) {
        for left in left..=left + 2 * REACH {
            let mut sum = 0;
            for (row, ours) in rows.iter().zip(block) {
                if let Some(theirs) = row.get(left..).and_then(<[u8]>::first_chunk) {
                    sum += difference(*theirs, *ours);
                }
            }
            best = best.min(sum);
        }
    }
    best
}

fn difference(one: [u8; ACROSS], other: [u8; ACROSS]) -> u32 {
    one.into_iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other))).sum()
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
