//! Whether two pictures show the same, in other colours or out of focus: coloured lights, a lamp, a filter, a defocused lens.
//!
//! Light, and whatever is done to colours, makes each colour of a picture a mixture of those that were there, the same one all over it; and so
//! the edges between blocks. How much of the edges' energy the best mixture explains (least squares, by Gram and Schmidt's orthogonal
//! vectors) is near 1 for the same picture, and for another one little, for where its edges are no mixture tells.

use super::blocks::{COLORS, around, colors, dot, edges, lit};
use crate::features::Frame;
use crate::numeric::len_to_f64;

/// Share of the edges' energy from which on two pictures show the same. Of 270 cuts none has more than 0.45, of lights and filters none less
/// than 0.87.
const SAME: f64 = 0.75;
/// Edges of a picture that shows something, in grey levels (root mean square): next to nothing may be a mixture of anything.
const SOMETHING: f64 = 3.0;
/// How often the mean of each block and those around it is taken, at most, for a picture that is out of focus.
const BLURS: usize = 4;

/// Whether one of two pictures was made of the other by other colours, or a lens that is out of focus. Plain pictures are none.
pub(super) fn same(one: &Frame, other: &Frame) -> bool {
    let (one, other) = (colors(one), colors(other));
    let lit = lit(&one, &other);
    let energy = |colors: &[f64]| {
        let edges = edges(colors, &lit);
        dot(&edges, &edges) / len_to_f64(edges.len().max(1))
    };
    let energies = [energy(&one), energy(&other)];
    if energies.into_iter().any(|energy| energy < SOMETHING * SOMETHING) {
        return false;
    }
    // What has less of edges was made of what has more: there is no way back.
    let (mut whole, less) = if energies[0] > energies[1] { (one, other) } else { (other, one) };
    let target = edges(&less, &lit);
    (0..=BLURS).any(|_| {
        let same = explained(&edges(&whole, &lit), &target) >= SAME;
        whole = blurred(&whole);
        same
    })
}

/// Share of the energy of edges that mixtures of others explain, each colour by one of its own. Edges of colours alternate.
fn explained(by: &[f64], target: &[f64]) -> f64 {
    let color = |edges: &[f64], number: usize| -> Vec<f64> {
        edges.iter().skip(number).step_by(COLORS).copied().collect()
    };
    let mut orthogonal: Vec<Vec<f64>> = Vec::new();
    for number in 0..COLORS {
        let mut vector = color(by, number);
        let whole = dot(&vector, &vector);
        for other in &orthogonal {
            let part = dot(&vector, other);
            vector.iter_mut().zip(other).for_each(|(value, other)| *value -= part * other);
        }
        let rest = dot(&vector, &vector);
        // A colour that is a mixture of the ones before, as in a grey picture, explains nothing more.
        if rest > whole * 1e-3 {
            let length = rest.sqrt();
            for value in &mut vector {
                *value /= length;
            }
            orthogonal.push(vector);
        }
    }
    let of_color = |number: usize| {
        let target = color(target, number);
        orthogonal.iter().map(|vector| dot(vector, &target).powi(2)).sum::<f64>()
    };
    (0..COLORS).map(of_color).sum::<f64>() / dot(target, target).max(1e-9)
}

/// The picture with each block the mean of itself and those around it.
fn blurred(colors: &[f64]) -> Vec<f64> {
    let blocks = colors.as_chunks::<COLORS>().0;
    let mean = |block: usize| {
        let mut sum = [0.0; COLORS];
        let mut count = 0.0;
        for near in around(block).filter_map(|near| blocks.get(near)) {
            sum.iter_mut().zip(near).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        sum.map(|sum| sum / f64::max(count, 1.0))
    };
    (0..blocks.len()).flat_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, HEIGHT, WIDTH};

    /// A picture of coloured squares of so many blocks, one of several, each pixel's colour made another one.
    fn squares(scene: usize, blocks: usize, look: impl Fn([f64; 3]) -> [f64; 3]) -> Vec<u8> {
        let color = |x: usize, y: usize| {
            let value = |k: usize| (x * (7 + scene * k) + y * y * (3 + 5 * scene) + k * x * y * scene) % 17;
            look([1, 2, 3].map(|k| len_to_f64(value(k)) * 10.0 + 30.0))
        };
        let pixel =
            |at: usize| color(at % WIDTH / 3 / blocks, at / WIDTH / 3 / blocks).map(crate::numeric::to_u8);
        (0..WIDTH * HEIGHT).flat_map(pixel).collect::<Vec<_>>()
    }

    fn picture(scene: usize, look: impl Fn([f64; 3]) -> [f64; 3]) -> Vec<u8> {
        squares(scene, 1, look)
    }

    fn frames(pictures: [&[u8]; 2]) -> (Frame, Frame) {
        let mut extractor = Extractor::default();
        for (pts, picture) in (0..).zip(pictures) {
            assert_eq!(picture.len(), FRAME_BYTES);
            extractor.push(pts, picture);
        }
        let frames = extractor.finish().frames.to_vec();
        (frames[0].clone(), frames[1].clone())
    }

    fn are_same(one: &[u8], other: &[u8]) -> bool {
        let (one, other) = frames([one, other]);
        let same = same(&one, &other);
        assert_eq!(same, super::same(&other, &one), "whichever comes first");
        same
    }

    #[test]
    fn coloured_light_grey_and_a_negative_leave_the_picture_the_same_and_another_one_is_not() {
        let plain = |scene| picture(scene, |color| color);
        let red = |[red, green, blue]: [f64; 3]| [red, green * 0.2, blue * 0.2];
        let grey = |[red, green, blue]: [f64; 3]| [0.3 * red + 0.6 * green + 0.1 * blue; 3];
        let negative = |color: [f64; 3]| color.map(|value| 255.0 - value);
        assert!(are_same(&plain(1), &picture(1, red)));
        assert!(are_same(&plain(1), &picture(1, grey)));
        assert!(are_same(&plain(1), &picture(1, negative)));
        assert!(are_same(&picture(1, red), &picture(1, |[red, green, blue]| [red * 0.2, green * 0.2, blue])));
        for other in [2, 3, 4] {
            assert!(!are_same(&plain(1), &plain(other)), "{other}");
            assert!(!are_same(&plain(1), &picture(other, red)), "{other}");
        }
    }

    #[test]
    fn a_picture_out_of_focus_is_the_same_and_a_plain_one_is_not() {
        let sharp = squares(2, 2, |color| color);
        let mut soft = sharp.clone();
        for _ in 0..20 {
            let at = |x: usize, y: usize, color: usize| f64::from(soft[(y * WIDTH + x) * 3 + color]);
            let mean = |place: usize| {
                let (x, y, color) = (place / 3 % WIDTH, place / 3 / WIDTH, place % 3);
                let (left, right) = (x.saturating_sub(1), (x + 1).min(WIDTH - 1));
                let (above, below) = (y.saturating_sub(1), (y + 1).min(HEIGHT - 1));
                let sum =
                    at(left, y, color) + at(right, y, color) + at(x, above, color) + at(x, below, color);
                crate::numeric::to_u8((sum + at(x, y, color)) / 5.0)
            };
            soft = (0..FRAME_BYTES).map(mean).collect();
        }
        assert!(are_same(&sharp, &soft));
        assert!(!are_same(&sharp, &[90; FRAME_BYTES]));
    }
}
