//! How far the places of blocks tell something of them.

use super::super::blocks::{BLOCKS, ROW};
use crate::numeric::len_to_f64;

/// How much of the variance of blocks' values a quadratic function of their places explains, 0 to 1, each block with its weight: a
/// line that crosses the picture is a plane, a circle that opens a bowl.
pub(super) fn explained_by_place(values: &[f64], weights: &[f64]) -> f64 {
    let dot = |one: &[f64], other: &[f64]| -> f64 {
        one.iter().zip(other).zip(weights).map(|((one, other), weight)| one * other * weight).sum()
    };
    let mut rest = values.to_vec();
    let mut variance = 0.0;
    let mut directions: Vec<Vec<f64>> = Vec::new();
    for mut direction in basis() {
        // Gram and Schmidt: what the directions before leave of it.
        for before in &directions {
            let along = dot(&direction, before);
            take(&mut direction, before, along);
        }
        let length = dot(&direction, &direction).sqrt();
        if length > 1e-6 {
            for value in &mut direction {
                *value /= length;
            }
            let along = dot(&rest, &direction);
            take(&mut rest, &direction, along);
            directions.push(direction);
        }
        // The first direction is the mean: what is left without it is the variance.
        if directions.len() == 1 {
            variance = dot(&rest, &rest);
        }
    }
    if variance > 1e-12 { 1.0 - dot(&rest, &rest) / variance } else { 0.0 }
}

fn take(from: &mut [f64], direction: &[f64], along: f64) {
    from.iter_mut().zip(direction).for_each(|(value, direction)| *value -= along * direction);
}

/// 1, x, y, x², y² and xy of all blocks, with the picture's middle at 0.
fn basis() -> [Vec<f64>; 6] {
    let middle = |count: usize| len_to_f64(count - 1) / 2.0;
    let place = |block: usize| {
        let x = (len_to_f64(block % ROW) - middle(ROW)) / len_to_f64(ROW);
        (x, (len_to_f64(block / ROW) - middle(BLOCKS / ROW)) / len_to_f64(BLOCKS / ROW))
    };
    let of_places =
        |value: fn(f64, f64) -> f64| (0..BLOCKS).map(place).map(|(x, y)| value(x, y)).collect::<Vec<_>>();
    [
        of_places(|_, _| 1.0),
        of_places(|x, _| x),
        of_places(|_, y| y),
        of_places(|x, _| x * x),
        of_places(|_, y| y * y),
        of_places(|x, y| x * y),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(value: impl Fn(f64, f64) -> f64) -> f64 {
        let places = (0..BLOCKS).map(|block| (len_to_f64(block % ROW), len_to_f64(block / ROW)));
        let values: Vec<f64> = places.map(|(x, y)| value(x, y)).collect();
        let weights: Vec<f64> = (0..BLOCKS).map(|block| 1.0 + len_to_f64(block % 5)).collect();
        explained_by_place(&values, &weights)
    }

    #[test]
    fn a_line_that_crosses_and_a_circle_are_explained_and_what_is_scattered_is_not() {
        assert!(explained(|x, y| 3.0 * x - y) > 0.999_999);
        assert!(explained(|x, y| (x - 7.5) * (x - 7.5) + (y - 4.0) * (y - 4.0)) > 0.999_999);
        assert!(explained(|x, y| ((x - 7.5) / 16.0).hypot((y - 4.0) / 9.0)) > 0.9);
        assert!(explained(|x, y| (x * 37.0 + y * 101.0) % 17.0) < 0.1);
        assert!(explained(|_, _| 0.4).abs() < 1e-9);
    }
}
