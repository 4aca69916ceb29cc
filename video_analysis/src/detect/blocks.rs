//! Pictures as the colours of their blocks, compared by colours and by edges.

use crate::features::{Frame, GRID, GRID_ROW};
use crate::numeric::len_to_f64;

/// Colour components of a block.
pub(super) const COLORS: usize = 3;
/// Blocks of a picture, and of a row of them.
pub(super) const BLOCKS: usize = GRID / COLORS;
pub(super) const ROW: usize = GRID_ROW / COLORS;
/// Mean of a block, in grey levels, below which it may belong to a black bar.
pub(super) const DARK: f64 = 20.0;
/// Mean below which nothing is to be seen in it.
const BLACK: f64 = 8.0;

/// Red, green and blue of all blocks, 0 to 255.
pub(super) fn colors(frame: &Frame) -> Vec<f64> {
    frame.grid.iter().map(|value| f64::from(*value)).collect()
}

/// Mean absolute difference of the block colours of two pictures, 0 to 255.
pub(super) fn distance(one: &Frame, other: &Frame) -> f64 {
    let sum: u32 =
        one.grid.iter().zip(other.grid.iter()).map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
    f64::from(sum) / len_to_f64(one.grid.len())
}

/// A block and those that touch it.
pub(super) fn around(block: usize) -> impl Iterator<Item = usize> {
    let (row, column) = (block / ROW, block % ROW);
    let rows = row.saturating_sub(1)..=(row + 1).min(BLOCKS / ROW - 1);
    rows.flat_map(move |row| {
        (column.saturating_sub(1)..=(column + 1).min(ROW - 1)).map(move |column| row * ROW + column)
    })
}

/// Mean absolute difference of the colours of each block, 0 to 255.
pub(super) fn changes(one: &[f64], other: &[f64]) -> impl Iterator<Item = f64> {
    let blocks = one.as_chunks::<COLORS>().0.iter().zip(other.as_chunks::<COLORS>().0);
    blocks.map(|(one, other)| {
        one.iter().zip(other).map(|(one, other)| (other - one).abs()).sum::<f64>() / len_to_f64(COLORS)
    })
}

/// Which components belong to blocks that are not dark in both pictures: not to letterbox or pillarbox, which would make any
/// two pictures alike.
pub(super) fn lit(one: &[f64], other: &[f64]) -> Vec<bool> {
    brighter(one, other, DARK)
}

/// Which components belong to blocks that are not black in both: also to those of a dark scene.
pub(super) fn seen(one: &[f64], other: &[f64]) -> Vec<bool> {
    brighter(one, other, BLACK)
}

fn brighter(one: &[f64], other: &[f64], than: f64) -> Vec<bool> {
    let bright = |block: &[f64; COLORS]| block.iter().sum::<f64>() >= than * len_to_f64(COLORS);
    let blocks = one.as_chunks().0.iter().zip(other.as_chunks().0);
    blocks.flat_map(|(one, other)| [bright(one) || bright(other); COLORS]).collect()
}

/// Differences of lit blocks side by side and one above the other.
pub(super) fn edges(colors: &[f64], lit: &[bool]) -> Vec<f64> {
    let blocks: Vec<(f64, bool)> = colors.iter().copied().zip(lit.iter().copied()).collect();
    let across = blocks.chunks_exact(GRID_ROW).flat_map(|row| row.iter().zip(row.iter().skip(COLORS)));
    let down = blocks.iter().zip(blocks.iter().skip(GRID_ROW));
    across.chain(down).filter(|(one, next)| one.1 && next.1).map(|(one, next)| next.0 - one.0).collect()
}

/// The colours of lit blocks without the mean of each.
pub(super) fn centred(colors: &[f64], lit: &[bool]) -> Vec<f64> {
    let blocks: Vec<_> = colors
        .as_chunks::<COLORS>()
        .0
        .iter()
        .zip(lit.as_chunks::<COLORS>().0)
        .filter(|(_, lit)| lit[0])
        .collect();
    let mut means = [0.0; COLORS];
    for (block, _) in &blocks {
        means.iter_mut().zip(*block).for_each(|(mean, value)| *mean += value / len_to_f64(blocks.len()));
    }
    blocks.iter().flat_map(|(block, _)| block.iter().zip(means).map(|(value, mean)| value - mean)).collect()
}

/// Share of the lit blocks whose colours differ by less than `limit` grey levels on average.
pub(super) fn untouched(one: &[f64], other: &[f64], lit: &[bool], limit: f64) -> f64 {
    let (mut same, mut all) = (0.0, 0.0);
    for (change, _) in changes(one, other).zip(lit.as_chunks::<COLORS>().0).filter(|(_, lit)| lit[0]) {
        all += 1.0;
        same += if change < limit { 1.0 } else { 0.0 };
    }
    if all > 0.0 { same / all } else { 1.0 }
}

/// Correlation of the edges of two pictures, without those of black bars.
pub(super) fn likeness(one: &Frame, other: &Frame) -> f64 {
    let (one, other) = (colors(one), colors(other));
    let lit = lit(&one, &other);
    correlation(&edges(&one, &lit), &edges(&other, &lit))
}

/// Cosine of the angle between two lists of numbers: of edges, or of what is centred, their correlation. 0 where one is plain.
pub(super) fn correlation(one: &[f64], other: &[f64]) -> f64 {
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt().max(1e-9)
}

pub(super) fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}
