//! Where bars end in one picture of full size, to the pixel.

/// Luma up to which a pixel may belong to a bar: where bar and picture share a block, compression spills some over.
const DARK: u8 = 24;
/// Share of the pixels of a line that may be brighter all the same.
const STRAY: f64 = 0.005;
/// Least step of luma from bar to picture, in grey levels, as the mean of a line.
pub(crate) const MIN_STEP: f64 = 6.0;
/// Lines on either side of the first bright one among which the edge is.
const BLUR: usize = 4;
/// Lines into the picture that tell how bright it is at its edge.
const DEPTH: usize = 8;
/// Least step of a single pixel, in grey levels, and the share of the line that must make it: a bar ends everywhere at once,
/// the lit part of a dark scene does not.
const PIXEL_STEP: u8 = 8;
const MIN_SHARE: f64 = 0.5;
/// Share of the step that must be made within three lines.
const SHARP: f64 = 0.7;

/// One side of a picture, from outside to its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Side {
    /// Lines that are dark before the first that is not.
    pub(super) dark: usize,
    /// Lines of the bar, where one ends in a sharp and straight edge; 0 without a bar.
    pub(super) bar: Option<usize>,
    /// The step of luma there, in grey levels.
    pub(super) step: f64,
}

/// All four sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edges {
    /// Top and bottom.
    pub(super) rows: [Side; 2],
    /// Left and right.
    pub(super) columns: [Side; 2],
}

impl Edges {
    /// Of a picture of luma, row by row. `None` when it is not as large as it says.
    pub(super) fn of(luma: &[u8], width: usize, height: usize) -> Option<Self> {
        if width == 0 || height == 0 || luma.len() != width * height {
            return None;
        }
        let rows: Vec<&[u8]> = luma.chunks_exact(width).collect();
        // Columns become rows once: walking down them would miss the cache at every pixel.
        let mut turned = vec![0; luma.len()];
        for (x, column) in turned.chunks_exact_mut(height).enumerate() {
            for (to, row) in column.iter_mut().zip(&rows) {
                *to = row.get(x).copied().unwrap_or(0);
            }
        }
        let columns: Vec<&[u8]> = turned.chunks_exact(height).collect();
        Some(Self { rows: both(&rows), columns: both(&columns) })
    }
}

fn both(lines: &[&[u8]]) -> [Side; 2] {
    let half = lines.len() / 2;
    let near: Vec<&[u8]> = lines.iter().take(half).copied().collect();
    let far: Vec<&[u8]> = lines.iter().rev().take(half).copied().collect();
    [side(&near), side(&far)]
}

/// Looks at one side's lines, the outermost first.
fn side(lines: &[&[u8]]) -> Side {
    let dark = lines.iter().take_while(|line| is_dark(line)).count();
    let none = Side { dark, bar: None, step: 0.0 };
    if dark == 0 {
        return Side { bar: Some(0), ..none };
    }
    let means: Vec<f64> = lines.iter().take(dark + DEPTH).map(|line| mean(line)).collect();
    let bar = means.get(..dark.saturating_sub(BLUR).max(1)).unwrap_or_default();
    let level = bar.iter().sum::<f64>() / crate::numeric::len_to_f64(bar.len().max(1));
    let bright = means.get(dark..).unwrap_or_default().iter().copied().fold(0.0, f64::max);
    let step = bright - level;
    // Half way up is where the edge was before compression blurred it.
    let above = |mean: &f64| *mean >= level + step / 2.0;
    let from = dark.saturating_sub(BLUR);
    let Some(edge) = means.iter().skip(from).position(above).map(|at| at + from) else { return none };
    let line = |at: usize| (means.get(at).copied(), lines.get(at).copied());
    let ((Some(outside), Some(bar)), (Some(inside), Some(picture))) =
        (line(edge.saturating_sub(2)), line(edge + 1))
    else {
        return none;
    };
    let lit = bar.iter().zip(picture).filter(|(bar, picture)| picture.saturating_sub(**bar) >= PIXEL_STEP);
    let share = crate::numeric::len_to_f64(lit.count()) / crate::numeric::len_to_f64(bar.len().max(1));
    let settled = edge > 0 && step >= MIN_STEP && inside - outside >= SHARP * step && share >= MIN_SHARE;
    if settled { Side { bar: Some(edge), step, ..none } } else { none }
}

fn is_dark(line: &[u8]) -> bool {
    let bright = line.iter().filter(|value| **value > DARK).count();
    crate::numeric::len_to_f64(bright) <= STRAY * crate::numeric::len_to_f64(line.len())
}

fn mean(line: &[u8]) -> f64 {
    let sum: u64 = line.iter().map(|value| u64::from(*value)).sum();
    crate::numeric::count_to_f64(sum) / crate::numeric::len_to_f64(line.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 120;

    fn picture(value: impl Fn(usize, usize) -> u8) -> Edges {
        let luma: Vec<u8> = (0..SIZE * SIZE).map(|at| value(at % SIZE, at / SIZE)).collect();
        Edges::of(&luma, SIZE, SIZE).unwrap()
    }

    fn bars(edges: &Edges) -> [Option<usize>; 4] {
        let [[top, bottom], [left, right]] = [edges.rows, edges.columns];
        [top, bottom, left, right].map(|side| side.bar)
    }

    #[test]
    fn bars_end_where_the_picture_begins_also_when_the_edge_is_blurred() {
        let sharp = picture(|x, y| u8::from((13..100).contains(&y)) * u8::try_from(60 + x / 2).unwrap());
        assert_eq!(bars(&sharp), [Some(13), Some(20), Some(0), Some(0)]);
        let blurred = picture(|_, y| match y {
            0..12 => 1,
            12 => 9,
            13 => 70,
            _ => 90,
        });
        assert_eq!(bars(&blurred)[0], Some(13));
    }

    #[test]
    fn what_is_lit_in_the_dark_has_no_bar_around_it() {
        let lamp = picture(|x, y| {
            let (x, y) = (x.abs_diff(60), y.abs_diff(60));
            if x * x + y * y < 900 { 200 } else { 4 }
        });
        assert_eq!(bars(&lamp), [None; 4]);
        let dusk = picture(|_, y| u8::try_from(y).unwrap());
        assert_eq!((bars(&dusk)[0], bars(&dusk)[1]), (None, Some(0)));
        assert_eq!(bars(&picture(|_, _| 3)), [None; 4]);
        assert_eq!(Edges::of(&[0; 10], 3, 4), None);
    }
}
