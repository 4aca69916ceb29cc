//! Pictures that show two shots at once, at a cut: fields of both in interlaced film, or both blended by a change of rate.

use super::blocks::{colors, dot};
use crate::features::Frame;
use crate::numeric::mean;

/// Least change over such a picture, in grey levels.
const MIN_CHANGE: f64 = 8.0;
/// Share that there must be of either shot.
const MIN_SHARE: f64 = 0.2;
/// Share of the next shot from which on it begins with the mixed picture.
const OPENS: f64 = 0.4;
/// Largest mean difference from the mixture, as a share of the change: what moves within the shots.
const MAX_MISFIT: f64 = 0.15;

/// Where the next shot begins when a picture is a mixture of the ones before and after it: there, or after it.
pub(super) fn opens(frames: &[Frame], picture: usize) -> Option<usize> {
    let near = frames.get(picture.checked_sub(1)?..=picture + 1)?;
    let [before, mixed, after] = near else { return None };
    let [before, mixed, after] = [before, mixed, after].map(colors);
    let way = difference(&before, &after);
    let change = mean(way.iter().map(|step| step.abs()));
    if change < MIN_CHANGE {
        return None;
    }
    let gone = difference(&before, &mixed);
    let share = dot(&gone, &way) / dot(&way, &way);
    let misfit = mean(gone.iter().zip(&way).map(|(gone, way)| (gone - share * way).abs())) / change;
    let is_mixed = (MIN_SHARE..=1.0 - MIN_SHARE).contains(&share) && misfit < MAX_MISFIT;
    is_mixed.then_some(if share >= OPENS { picture } else { picture + 1 })
}

fn difference(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| other - one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, WIDTH};

    /// Pictures of two scenes, by the share of the second.
    fn pictures(shares: &[f64]) -> Vec<Frame> {
        let mut extractor = Extractor::default();
        for (pts, share) in (0..).zip(shares) {
            let value = |at: usize| {
                let (x, y) = (at / 3 % WIDTH / 3, at / 3 / WIDTH / 3);
                let scene =
                    |factor: usize| f64::from(u8::try_from(40 + (x * x * factor + y * 59) % 200).unwrap());
                let mixed = scene(37) * (1.0 - share) + scene(23) * share;
                (0..=255).min_by(|one, other| {
                    let away = |value: &u8| (f64::from(*value) - mixed).abs();
                    away(one).total_cmp(&away(other))
                })
            };
            extractor.push(pts, &(0..FRAME_BYTES).filter_map(value).collect::<Vec<_>>());
        }
        extractor.finish().frames.to_vec()
    }

    #[test]
    fn the_next_shot_begins_with_the_mixed_picture_where_that_has_nearly_half_of_it() {
        assert_eq!(opens(&pictures(&[0.0, 0.5, 1.0]), 1), Some(1));
        assert_eq!(opens(&pictures(&[0.0, 0.25, 1.0]), 1), Some(2));
    }

    #[test]
    fn what_is_no_mixture_opens_nothing() {
        for shares in [[0.0, 0.02, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]] {
            assert_eq!(opens(&pictures(&shares), 1), None, "{shares:?}");
        }
    }
}
