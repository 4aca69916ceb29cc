//! What is measured of a picture by itself. The loops are functions of their own in the program as well, where
//! `scripts/check-vectorized` looks at their instructions: a dozen calls are nothing beside what they do.

use super::{BLOCK, Frame, GRID, GRID_ROW, HEIGHT, LumaCounts, Margins, PIXELS, WIDTH};
use crate::numeric::{count_to_f64, len_to_f64, to_f32};

/// Luma of a colour.
pub(crate) fn luma_of([red, green, blue]: [u8; 3]) -> u8 {
    // BT.601 weights in 1/256; they sum to 256, so the quotient is below 256.
    let sum = u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29;
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

/// Luma of a picture, 0 to 255.
#[inline(never)]
pub(super) fn luma(pixels: &[[u8; 3]]) -> Box<[u8; PIXELS]> {
    let mut luma = Box::new([0; PIXELS]);
    luma.iter_mut().zip(pixels).for_each(|(luma, pixel)| *luma = luma_of(*pixel));
    luma
}

/// What a picture is by itself; what it changes is not known here.
pub(super) fn describe(pts: i64, luma: &[u8; PIXELS], rgb: &[u8]) -> Frame {
    let (mean, deviation) = contrast(luma);
    Frame {
        pts,
        mean,
        deviation,
        detail: detail(luma),
        residual: 0.0,
        pan_misfit: 1.0,
        recolored: 0.0,
        peak_change: 0,
        margins: Margins::of(luma),
        luma: LumaCounts::of(luma),
        grid: grid(rgb),
    }
}

/// Mean and standard deviation.
#[inline(never)]
pub(super) fn contrast(luma: &[u8; PIXELS]) -> (f32, f32) {
    let pixels = len_to_f64(PIXELS);
    let sum: u64 = luma.iter().map(|&value| u64::from(value)).sum();
    let squares: u64 = luma.iter().map(|&value| u64::from(value) * u64::from(value)).sum();
    let mean = count_to_f64(sum) / pixels;
    let variance = (count_to_f64(squares) / pixels - mean * mean).max(0.0);
    (to_f32(mean), to_f32(variance.sqrt()))
}

/// Mean absolute difference of horizontally and vertically neighbouring pixels.
#[inline(never)]
pub(super) fn detail(luma: &[u8; PIXELS]) -> f32 {
    let rows = luma.as_chunks::<WIDTH>().0.iter();
    let across: u32 = rows.map(|row| differences(row, row.get(1..).unwrap_or_default())).sum();
    let down = differences(luma, luma.get(WIDTH..).unwrap_or_default());
    let pairs = HEIGHT * (WIDTH - 1) + (HEIGHT - 1) * WIDTH;
    to_f32(f64::from(across + down) / len_to_f64(pairs))
}

/// Sum of the absolute differences of pixels that lie at the same place.
fn differences(one: &[u8], other: &[u8]) -> u32 {
    one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum()
}

/// Mean colours of the blocks.
#[inline(never)]
pub(super) fn grid(rgb: &[u8]) -> Box<[u8; GRID]> {
    let mut grid = Box::new([0; GRID]);
    let bands = rgb.chunks_exact(WIDTH * 3 * BLOCK);
    for (row, band) in grid.chunks_exact_mut(GRID_ROW).zip(bands) {
        let mut sums = [0u32; GRID_ROW];
        for line in band.chunks_exact(WIDTH * 3) {
            for (sums, block) in sums.as_chunks_mut::<3>().0.iter_mut().zip(line.chunks_exact(BLOCK * 3)) {
                for pixel in block.as_chunks::<3>().0 {
                    sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u32::from(*value));
                }
            }
        }
        for (mean, sum) in row.iter_mut().zip(sums) {
            *mean = u8::try_from((sum + 4) / 9).unwrap_or(u8::MAX);
        }
    }
    grid
}
