//! From which picture to which a stretch goes from one shot to the other.

use std::collections::BTreeMap;

use super::gradual::Stretch;
use crate::features::Frame;
use crate::numeric::len_to_f64;

/// Times the ends are corrected: each time the pictures outside are purer.
const ROUNDS: usize = 3;
/// Pictures by which the ends are corrected at least.
const MIN_REACH: usize = 3;
/// Fewest mixed pictures.
const SHORTEST: usize = 3;

/// How far the whole is on its way, by the time; both from 0 to 1.
pub(super) type Shape = fn(f64) -> f64;

/// Steadily.
pub(super) const STEADY: Shape = |time| time;

/// The mixed pictures `[start, end)` of a candidate: how far each is on the way from the shot before to the one after, which
/// `progress` tells of pictures by the two of them, is a ramp between two levels, whose corners are fitted by least squares.
pub(super) fn fit(
    frames: &[Frame],
    Stretch { centre, half }: Stretch,
    shapes: &[Shape],
    progress: impl Fn(&Frame, &Frame, &[Frame]) -> Option<Vec<f64>>,
) -> Option<(usize, usize)> {
    let (mut start, mut end) = ((centre + 1).checked_sub(half)?, centre + half);
    for round in 0..ROUNDS {
        let length = end - start;
        let margin = (length / 3).max(4) + 2;
        let first = start.saturating_sub(margin);
        let progress = progress(
            frames.get(start.saturating_sub(2))?,
            frames.get((end + 1).min(frames.len() - 1))?,
            frames.get(first..(end + margin).min(frames.len()))?,
        )?;
        let reach = if round == 0 { (length / 4).max(MIN_REACH) } else { MIN_REACH };
        (start, end) = near(&progress, start - first, end - first, reach, shapes)?;
        start += first;
        end += first;
    }
    (start > 0 && end < frames.len()).then_some((start, end))
}

/// The corners, near the given ones, of the ramp that fits best.
fn near(
    progress: &[f64],
    start: usize,
    end: usize,
    reach: usize,
    shapes: &[Shape],
) -> Option<(usize, usize)> {
    let last = (end + reach).min(progress.len().checked_sub(2)?);
    let starts = start.saturating_sub(reach).max(2)..=start + reach;
    corners(progress, starts, |start| end.saturating_sub(reach).max(start + SHORTEST)..=last, shapes)
}

/// The corners of the ramp that fits best, of those that are looked at; its levels are free.
pub(super) fn corners<E: IntoIterator<Item = usize>>(
    progress: &[f64],
    starts: impl IntoIterator<Item = usize>,
    ends: impl Fn(usize) -> E,
    shapes: &[Shape],
) -> Option<(usize, usize)> {
    let mut ramps: BTreeMap<usize, Vec<Ramp>> = BTreeMap::new();
    let levels = Levels::of(progress);
    let mut best: Option<(f64, (usize, usize))> = None;
    for start in starts {
        for end in ends(start) {
            let length = end.saturating_sub(start);
            let of_length = || shapes.iter().map(|shape| Ramp::of(*shape, length)).collect();
            for ramp in ramps.entry(length).or_insert_with(of_length) {
                let explained = ramp.explained(&levels, start);
                if best.is_none_or(|(most, _)| explained > most) {
                    best = Some((explained, (start, end)));
                }
            }
        }
    }
    best.map(|(_, corners)| corners)
}

/// The progress of some pictures, and what it adds up to from each of them on.
struct Levels<'progress> {
    progress: &'progress [f64],
    rest: Vec<f64>,
}

impl<'progress> Levels<'progress> {
    fn of(progress: &'progress [f64]) -> Self {
        let mut rest = vec![0.0; progress.len() + 1];
        let mut sum = 0.0;
        for (rest, value) in rest.iter_mut().zip(progress).rev() {
            sum += value;
            *rest = sum;
        }
        Self { progress, rest }
    }
}

/// A way from 0 to 1 by so many pictures.
struct Ramp {
    mixed: Vec<f64>,
    sum: f64,
    squares: f64,
}

impl Ramp {
    fn of(shape: Shape, length: usize) -> Self {
        let steps = len_to_f64(length + 1);
        let mixed: Vec<f64> = (1..=length).map(|at| shape(len_to_f64(at) / steps)).collect();
        Self { sum: mixed.iter().sum(), squares: mixed.iter().map(|ramp| ramp * ramp).sum(), mixed }
    }

    /// How much of the progress' variance it explains, where it begins with a picture: 0 before that, 1 behind the last mixed one.
    fn explained(&self, levels: &Levels<'_>, start: usize) -> f64 {
        let Levels { progress, rest } = levels;
        let end = start + self.mixed.len();
        let pictures = len_to_f64(progress.len());
        let behind = len_to_f64(progress.len().saturating_sub(end));
        let (ramps, squares) = (self.sum + behind, self.squares + behind);
        let mixed: f64 = progress.iter().skip(start).zip(&self.mixed).map(|(value, ramp)| value * ramp).sum();
        let products = mixed + rest.get(end).copied().unwrap_or(0.0);
        let values = rest.first().copied().unwrap_or(0.0);
        let covariance = products - ramps * values / pictures;
        let variance = squares - ramps * ramps / pictures;
        covariance * covariance / variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_a_ramp_are_found_between_levels_that_waver() {
        let ramp = |at: usize| (len_to_f64((at + 1).saturating_sub(12)) / 9.0).min(1.0);
        let progress: Vec<f64> =
            (0..34).map(|at| ramp(at) + if at % 2 == 0 { 0.02 } else { -0.02 }).collect();
        assert_eq!(near(&progress, 14, 17, 4, &[STEADY]), Some((12, 20)));
    }

    #[test]
    fn the_corners_of_what_grows_ever_faster_are_found_by_its_shape() {
        let grown = |at: usize| (len_to_f64((at + 1).saturating_sub(12)) / 21.0).min(1.0).powi(2);
        let progress: Vec<f64> = (0..46).map(grown).collect();
        let found = |shapes: &[Shape]| corners(&progress, 2..=30, |start| start + SHORTEST..=44, shapes);
        assert_eq!(found(&[STEADY, |time| time * time]), Some((12, 32)));
        assert!(found(&[STEADY]).unwrap().0 > 14);
    }
}
