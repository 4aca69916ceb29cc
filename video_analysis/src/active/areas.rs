//! From the bars of each axis to the areas within them.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::numeric::len;

/// Pictures `[start, end)` with bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Area {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Of the picture inside the bars, in pixels of the stream as it is coded.
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Smallest step of luma from a bar to the picture, in grey levels.
    pub(crate) step: f64,
}

/// Bars at both ends of an axis, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Bars {
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) step: f64,
}

/// The bars of pictures on one axis: of several stretches that a picture is in the last counts, and without one there are none.
/// There are few, while pictures are many.
#[derive(Debug, Default)]
pub(super) struct Painted(pub(super) Vec<(Range<usize>, Bars)>);

impl Painted {
    pub(super) fn at(&self, frame: usize) -> Bars {
        let last = self.0.iter().rev().find(|(frames, _)| frames.contains(&frame));
        last.map_or_else(Bars::default, |(_, bars)| *bars)
    }

    /// Pictures from which on the bars may be others.
    fn changes(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flat_map(|(frames, _)| [frames.start, frames.end])
    }
}

/// Runs of pictures with the same bars on both axes, without those that have none.
pub(super) fn areas(
    rows: &Painted,
    columns: &Painted,
    frames: usize,
    (width, height): (u32, u32),
) -> Vec<Area> {
    let changes = rows.changes().chain(columns.changes()).filter(|at| *at < frames);
    let starts: BTreeSet<usize> = changes.chain((frames > 0).then_some(0)).collect();
    let runs: Vec<(usize, Bars, Bars)> =
        starts.into_iter().map(|start| (start, rows.at(start), columns.at(start))).collect();
    let place =
        |(_, rows, columns): &(usize, Bars, Bars)| (rows.before, rows.after, columns.before, columns.after);
    let mut found: Vec<Area> = Vec::new();
    let mut runs = runs.chunk_by(|one, next| place(one) == place(next)).filter_map(<[_]>::first).peekable();
    while let Some(run) = runs.next() {
        let end = runs.peek().map_or(frames, |(start, ..)| *start);
        let (start, rows, columns) = run;
        if place(run) != (0, 0, 0, 0) {
            let pixels = |count: usize| u32::try_from(len(count)).unwrap_or(u32::MAX);
            let (x, y) = (pixels(columns.before), pixels(rows.before));
            let steps = [rows, columns].into_iter().filter(|bars| bars.before > 0).map(|bars| bars.step);
            found.push(Area {
                start: *start,
                end,
                x,
                y,
                width: width.saturating_sub(x).saturating_sub(pixels(columns.after)),
                height: height.saturating_sub(y).saturating_sub(pixels(rows.after)),
                step: steps.fold(f64::INFINITY, f64::min),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(before: usize, after: usize, step: f64) -> Bars {
        Bars { before, after, step }
    }

    #[test]
    fn areas_are_runs_of_the_bars_that_were_found_last_on_each_axis() {
        let rows = Painted(vec![
            (0..100, bars(10, 10, 30.0)),
            (20..40, bars(20, 20, 9.0)),
            (60..70, bars(10, 10, 5.0)),
        ]);
        let columns = Painted(vec![(90..110, bars(8, 0, 7.0))]);
        let found: Vec<_> = areas(&rows, &columns, 120, (200, 100))
            .into_iter()
            .map(|area| (area.start, area.end, area.x, area.y, area.width, area.height, area.step))
            .collect();
        let expected = [
            (0, 20, 0, 10, 200, 80, 30.0),
            (20, 40, 0, 20, 200, 60, 9.0),
            (40, 90, 0, 10, 200, 80, 30.0),
            (90, 100, 8, 10, 192, 80, 7.0),
            (100, 110, 8, 0, 192, 100, 7.0),
        ];
        assert_eq!(found, expected);
        assert_eq!(areas(&Painted::default(), &Painted::default(), 0, (200, 100)), []);
    }
}
