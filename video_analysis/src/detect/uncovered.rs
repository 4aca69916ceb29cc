//! Changes by which something large that moved before the scene uncovers or hides it: nearly all of the picture is another,
//! but a strip along one of its edges shows what it showed before.

use super::blocks::{centred, colors, correlation, dot, edges};
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
    strips().any(|strip| {
        let shows = |one: &[f64], other: &[f64]| correlation(&edges(one, &strip), &edges(other, &strip));
        let plain = |colors: &[f64]| contrast(colors, &strip) < MIN_CONTRAST;
        if plain(&last) || plain(&first) || shows(&last, &first) < SAME {
            return false;
        }
        let another = |away: Option<&Frame>, than: &[f64]| {
            away.is_some_and(|frame| shows(&colors(frame), than) < OTHER)
        };
        let appeared = AWAY.iter().all(|away| another(before.iter().nth_back(*away), &last));
        appeared || AWAY.iter().all(|away| another(after.get(*away), &first))
    })
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
