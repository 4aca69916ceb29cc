//! Titles and the like that come or go at once while the shot behind them moves: most of the picture changes no more than it did before,
//! or does after.

use super::blocks::{COLORS, around, changes, colors, lit};
use crate::features::Frame;
use crate::numeric::len_to_f64;

/// Pairs of pictures on either side that show how the shot moves.
const BESIDE: usize = 2;
/// A block that changes by less stays, in grey levels; and share of the blocks that must: whatever moves, some of a shot does not. Of 305
/// cuts one leaves 0.29, the others up to 0.12.
const STAYS: f64 = 4.0;
const MIN_STAYING: f64 = 0.25;
/// How many times as much as it, or a block beside it, does in the pairs beside it may change that only moves; and share of those that
/// do so or stay: 0.72 to 0.86 of the pictures before which a box of a seventh appeared.
const FASTER: f64 = 1.5;
const MIN_IN_MOTION: f64 = 0.65;

/// Whether what changes at `at` is a part of the picture before a shot that goes on.
pub(super) fn at(frames: &[Frame], at: usize) -> bool {
    let Some((one, other)) = at.checked_sub(1).and_then(|before| frames.get(before).zip(frames.get(at)))
    else {
        return false;
    };
    let pair = |at: usize| {
        let (one, other) = frames.get(at.checked_sub(1)?).zip(frames.get(at))?;
        Some(changes(&colors(one), &colors(other)).collect::<Vec<f64>>())
    };
    let beside: Vec<Vec<f64>> =
        (at.saturating_sub(BESIDE)..=at + BESIDE).filter(|near| *near != at).filter_map(pair).collect();
    let moves = |block: usize| {
        let near = around(block).flat_map(|near| beside.iter().filter_map(move |pair| pair.get(near)));
        near.copied().fold(0.0, f64::max)
    };
    let (one, other) = (colors(one), colors(other));
    let lit = lit(&one, &other);
    let blocks = changes(&one, &other).zip(lit.as_chunks::<COLORS>().0).enumerate();
    let (mut all, mut staying, mut in_motion) = (0, 0, 0);
    for (block, (change, _)) in blocks.filter(|(_, (_, lit))| lit[0]) {
        all += 1;
        staying += usize::from(change < STAYS);
        in_motion += usize::from(change < STAYS || change < FASTER * moves(block));
    }
    let share = |count: usize| len_to_f64(count) / len_to_f64(all.max(1));
    all > 0 && share(staying) >= MIN_STAYING && share(in_motion) >= MIN_IN_MOTION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, WIDTH};

    /// Pictures of a scene: at the left a wall, at the right what moves with each picture; with or without a box over a fifth.
    fn pictures(pictures: &[(usize, bool)]) -> Vec<Frame> {
        let mut extractor = Extractor::default();
        for (time, (scene, titled)) in pictures.iter().enumerate() {
            let value = |at: usize| {
                let (x, y) = (at / 3 % WIDTH / 3, at / 3 / WIDTH / 3);
                let moved = if x < 6 { x } else { x + 5 * time };
                let texture = (moved * (scene + 3) + y * y * (5 * scene + 2) + scene * moved * y) % 11;
                let in_box = *titled && (3..5).contains(&y) && (2..14).contains(&x);
                if in_box { 240 } else { u8::try_from(40 + texture * 14).unwrap() }
            };
            let picture: Vec<u8> = (0..FRAME_BYTES).map(value).collect();
            extractor.push(i64::try_from(time).unwrap(), &picture);
        }
        extractor.finish().frames.to_vec()
    }

    #[test]
    fn a_title_before_a_shot_that_moves_comes_and_goes_within_it() {
        let titled = [false, false, false, true, true, true, false, false, false].map(|titled| (1, titled));
        let frames = pictures(&titled);
        assert!(at(&frames, 3) && at(&frames, 6));
    }

    #[test]
    fn another_shot_that_moves_is_another_with_a_title_and_without() {
        let scenes = [1, 1, 1, 4, 4, 4];
        for titled in [false, true] {
            let frames = pictures(&scenes.map(|scene| (scene, titled && scene == 4)));
            assert!(!at(&frames, 3));
        }
    }
}
