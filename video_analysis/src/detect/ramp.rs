//! From which picture to which a stretch goes from one shot to the other.

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
    let mut best: Option<(f64, (usize, usize))> = None;
    for start in starts {
        for end in ends(start) {
            for shape in shapes {
                let explained = explained(progress, start, end, *shape);
                if best.is_none_or(|(most, _)| explained > most) {
                    best = Some((explained, (start, end)));
                }
            }
        }
    }
    best.map(|(_, corners)| corners)
}

/// How much of the progress' variance a ramp over `[start, end)` explains.
fn explained(progress: &[f64], start: usize, end: usize, shape: Shape) -> f64 {
    let steps = len_to_f64(end - start + 1);
    let ramp = |at: usize| shape((len_to_f64((at + 1).saturating_sub(start)) / steps).min(1.0));
    let pictures = len_to_f64(progress.len());
    let mut sums = [0.0; 4];
    for (at, value) in progress.iter().enumerate() {
        let ramp = ramp(at);
        let terms = [ramp, *value, ramp * ramp, ramp * value];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
    let [ramps, values, squares, products] = sums;
    let covariance = products - ramps * values / pictures;
    let variance = squares - ramps * ramps / pictures;
    covariance * covariance / variance
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
