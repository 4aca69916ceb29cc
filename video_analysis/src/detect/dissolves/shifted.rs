//! How much of the change between two pictures is that one shows the other's scene from aside: what a slow pan or tilt over sky,
//! grass or water does, whose pictures look like mixtures of its ends.

use std::ops::Range;

use super::super::blocks::{COLORS, colors, lit};
use crate::features::{Frame, GRID_ROW};
use crate::numeric::len_to_f64;

/// How far a picture is moved at most, in half blocks: a third of its width and of its height.
const ACROSS: usize = 10;
const DOWN: usize = 6;
/// Share of a picture's contrast (standard deviation) that its part in common must have at least.
const MIN_SHARE: f64 = 0.1;

type Color = [f64; COLORS];

/// Share of the mean difference of two pictures that is gone after the move that fits best; what is left counts over the share of the
/// pictures' contrast that is in the parts they then have in common, for a plain wall fits anything. 0 where nothing fits better.
pub(super) fn explained(before: &Frame, after: &Frame) -> f64 {
    let (rows, columns) = active(before, after);
    let (before, after) = (Picture::of(before, &rows, &columns), Picture::of(after, &rows, &columns));
    let unmoved = before.difference(&after, (0, 0), (0, 0));
    let contrasts = [before.deviation((0, 0), (0, 0)), after.deviation((0, 0), (0, 0))];
    let mut least = unmoved;
    for (across, down) in moves() {
        // Of each axis, what is left out at the beginning of the one picture and of the other.
        let parts = [(across.0, down.0), (across.1, down.1)];
        let [one, other] = parts;
        let shares =
            [before.deviation(one, other) / contrasts[0], after.deviation(other, one) / contrasts[1]];
        let share = shares.into_iter().fold(1.0, f64::min);
        if share > MIN_SHARE {
            least = least.min(before.difference(&after, one, other) / share);
        }
    }
    if unmoved > 0.0 { 1.0 - least / unmoved } else { 0.0 }
}

fn moves() -> impl Iterator<Item = ((usize, usize), (usize, usize))> {
    let sides = |by: usize| [(by, 0), (0, by)];
    let downs = move || (0..=DOWN).flat_map(sides);
    (0..=ACROSS).flat_map(sides).flat_map(move |across| downs().map(move |down| (across, down)))
}

/// Rows and columns of blocks within black bars.
fn active(before: &Frame, after: &Frame) -> (Range<usize>, Range<usize>) {
    let [one, other] = [before, after].map(colors);
    let lit = lit(&one, &other);
    let places = || lit.iter().enumerate().filter(|(_, lit)| **lit).map(|(at, _)| at);
    let range = |place: fn(usize) -> usize| {
        let ends = places().map(place).fold(None, |ends: Option<(usize, usize)>, at| {
            Some(ends.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
        });
        ends.map_or(0..0, |(first, last)| first..last + 1)
    };
    (range(|at| at / GRID_ROW), range(|at| at % GRID_ROW / COLORS))
}

/// Colours at every half block, in between by the mean of those beside.
struct Picture(Vec<Vec<Color>>);

impl Picture {
    fn of(frame: &Frame, rows: &Range<usize>, columns: &Range<usize>) -> Self {
        let blocks: Vec<Vec<Color>> = frame
            .blocks()
            .chunks(GRID_ROW / COLORS)
            .skip(rows.start)
            .take(rows.len())
            .map(|row| {
                let row = row.iter().skip(columns.start).take(columns.len());
                with_means(&row.map(|color| color.map(f64::from)).collect::<Vec<_>>(), mean)
            })
            .collect();
        let rows = |one: &Vec<Color>, other: &Vec<Color>| {
            one.iter().zip(other).map(|(one, other)| mean(one, other)).collect()
        };
        Self(with_means(&blocks, rows))
    }

    /// What is left of it without so many places at its beginning, across and down, and so many at its end.
    fn part(
        &self,
        first: (usize, usize),
        last: (usize, usize),
    ) -> impl Iterator<Item = impl Iterator<Item = &Color>> {
        let rows = self.0.len().saturating_sub(last.1);
        self.0.iter().take(rows).skip(first.1).map(move |row| {
            let columns = row.len().saturating_sub(last.0);
            row.iter().take(columns).skip(first.0)
        })
    }

    /// Mean absolute difference of what both have in common without so many places at the beginning of each.
    fn difference(&self, other: &Self, first: (usize, usize), others: (usize, usize)) -> f64 {
        let rows = self.part(first, others).zip(other.part(others, first));
        let pairs = rows.flat_map(|(row, other)| row.zip(other));
        let (mut sum, mut count) = (0.0, 0);
        for (one, other) in pairs {
            sum += one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum::<f64>();
            count += COLORS;
        }
        if count > 0 { sum / len_to_f64(count) } else { f64::INFINITY }
    }

    /// Standard deviation of the colours of a part, each from its own mean.
    fn deviation(&self, first: (usize, usize), last: (usize, usize)) -> f64 {
        let (mut sums, mut squares, mut count) = ([0.0; COLORS], 0.0, 0);
        for color in self.part(first, last).flatten() {
            sums.iter_mut().zip(color).for_each(|(sum, value)| *sum += value);
            squares += color.iter().map(|value| value * value).sum::<f64>();
            count += 1;
        }
        let count = len_to_f64(count).max(1.0);
        let of_means: f64 = sums.iter().map(|sum| (sum / count) * (sum / count)).sum();
        (squares / count - of_means).max(0.0).sqrt()
    }
}

fn mean(one: &Color, other: &Color) -> Color {
    let mut mean = *one;
    mean.iter_mut().zip(other).for_each(|(mean, other)| *mean = f64::midpoint(*mean, *other));
    mean
}

/// All values, and between any two neighbours their mean.
fn with_means<T: Clone>(values: &[T], mean: impl Fn(&T, &T) -> T) -> Vec<T> {
    let between =
        values.iter().zip(values.iter().skip(1)).flat_map(|(one, next)| [mean(one, next), next.clone()]);
    values.iter().take(1).cloned().chain(between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, WIDTH};

    /// A part of a wide texture, with black bars of so many pixels above and below.
    fn texture(x: usize, y: usize, bars: usize) -> Frame {
        let value = |at: usize| {
            let (row, column) = (at / 3 / WIDTH, at / 3 % WIDTH);
            let (x, y) = ((column + x) / 3, (row + y) / 3);
            let lit = (bars..27 - bars).contains(&row);
            if lit { u8::try_from(60 + (x * x * 7 + y * 59 + x * y * 11) % 151).unwrap() } else { 0 }
        };
        let mut extractor = Extractor::default();
        extractor.push(0, &(0..FRAME_BYTES).map(value).collect::<Vec<_>>());
        extractor.finish().frames.to_vec().remove(0)
    }

    #[test]
    fn a_picture_that_was_moved_as_a_whole_explains_itself_and_no_other_also_within_bars() {
        for bars in [0, 3] {
            let before = texture(30, 30, bars);
            for (x, y) in [(36, 30), (18, 30), (30, 36), (33, 24)] {
                let explained = explained(&before, &texture(x, y, bars));
                assert!(explained > 0.95, "{bars} {x} {y} {explained}");
            }
            // By half of a block what is mixed of two is compared with what is mixed of two others.
            assert!(explained(&before, &texture(300, 201, bars)) < 0.3);
            assert!(explained(&before, &before).abs() < 1e-9);
        }
    }
}
