//! Changes by which something large that moved before the scene uncovers or hides it: nearly all of the picture is another,
//! but a strip along one of its edges shows what it showed before.

use super::blocks::{centred, colors, correlation, dot, edges, lit};
use crate::features::{Frame, GRID, GRID_ROW};
use crate::numeric::len_to_f64;

/// Rows or columns of blocks of a strip: a fifth to a third of the height, a quarter to three eighths of the width.
const ROWS: [usize; 2] = [2, 3];
const COLUMNS: [usize; 2] = [4, 6];
/// Contrast of a strip, in grey levels, below which it tells nothing.
const MIN_CONTRAST: f64 = 6.0;
/// Correlation of edges from which on a strip shows the same. Of the cuts of Big Buck Bunny 0.6 and less, where nothing stays.
const SAME: f64 = 0.75;
/// Correlation up to which it shows something else.
const OTHER: f64 = 0.5;
/// How many pictures away the strip must show something else: what stays for longer is an overlay or a bar, and may stay
/// across a cut as well.
const AWAY: [usize; 2] = [3, 4];

/// Whether a strip at an edge goes on from the picture before `at` to that one, and has just appeared or soon goes.
pub(super) fn at(frames: &[Frame], at: usize) -> bool {
    let Some((before, after)) = frames.split_at_checked(at) else { return false };
    let (Some(last), Some(first)) = (before.last(), after.first()) else { return false };
    let (last, first) = (colors(last), colors(first));
    let lit = lit(&last, &first);
    strips().any(|strip| {
        // A black bar and its edge are the same in any two pictures: they make nothing the same, and what is another is so with them.
        let within: Vec<bool> = strip.iter().zip(&lit).map(|(within, lit)| *within && *lit).collect();
        let shows =
            |one: &[f64], other: &[f64], part: &[bool]| correlation(&edges(one, part), &edges(other, part));
        let plain = |colors: &[f64]| contrast(colors, &within) < MIN_CONTRAST;
        if !mostly(&within, &strip) || plain(&last) || plain(&first) || shows(&last, &first, &within) < SAME {
            return false;
        }
        let another = |away: Option<&Frame>, than: &[f64]| {
            away.is_some_and(|frame| shows(&colors(frame), than, &strip) < OTHER)
        };
        let appeared = AWAY.iter().all(|away| another(before.iter().nth_back(*away), &last));
        appeared || AWAY.iter().all(|away| another(after.get(*away), &first))
    })
}

/// Whether a part is at least half of the strip: what is in less of it may be alike by chance.
fn mostly(part: &[bool], strip: &[bool]) -> bool {
    let count = |of: &[bool]| of.iter().filter(|within| **within).count();
    2 * count(part) >= count(strip)
}

/// Which components belong to each strip.
fn strips() -> impl Iterator<Item = Vec<bool>> {
    const ROW_COUNT: usize = GRID / GRID_ROW;
    let strip = |holds: &dyn Fn(usize, usize) -> bool| {
        (0..GRID).map(|component| holds(component / GRID_ROW, component % GRID_ROW / 3)).collect()
    };
    let rows = ROWS
        .into_iter()
        .flat_map(move |rows| [strip(&|row, _| row < rows), strip(&|row, _| row >= ROW_COUNT - rows)]);
    let columns = COLUMNS.into_iter().flat_map(move |columns| {
        [strip(&|_, column| column < columns), strip(&|_, column| column >= GRID_ROW / 3 - columns)]
    });
    rows.chain(columns)
}

/// Standard deviation of the colours of a strip, each from its own mean.
fn contrast(colors: &[f64], strip: &[bool]) -> f64 {
    let centred = centred(colors, strip);
    (dot(&centred, &centred) / len_to_f64(centred.len().max(1))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, WIDTH};

    /// Pictures between black pillars, each by its brightness, its contrast and what it shows.
    fn pillarboxed(pictures: &[(usize, usize, usize)]) -> Vec<Frame> {
        let mut extractor = Extractor::default();
        for (pts, (base, contrast, scene)) in (0..).zip(pictures) {
            let value = |at: usize| {
                let (x, y) = (at / 3 % WIDTH / 3, at / 3 / WIDTH / 3);
                let texture = (x * x * (scene + 3) + y * y * (7 * scene + 2) + scene * x * y) % 11;
                if (2..14).contains(&x) { u8::try_from(base + contrast * texture / 10).unwrap() } else { 0 }
            };
            extractor.push(pts, &(0..FRAME_BYTES).map(value).collect::<Vec<_>>());
        }
        extractor.finish().frames.to_vec()
    }

    #[test]
    fn the_edge_of_a_pillar_is_no_strip_that_goes_on_across_a_cut() {
        // Two bright shots of little contrast; soon after the cut it is dark.
        let (bright, dark) = ((100, 40, 1), (10, 230, 5));
        let frames = pillarboxed(&[bright, bright, bright, (100, 40, 2), (100, 40, 2), dark, dark, dark]);
        let right = strips().nth(5).unwrap();
        let shows = |at: usize| {
            correlation(&edges(&colors(&frames[3]), &right), &edges(&colors(&frames[at]), &right))
        };
        assert!(shows(2) >= SAME && shows(6) < OTHER && shows(7) < OTHER, "{} {}", shows(2), shows(6));
        assert!(!at(&frames, 3));
    }
}
