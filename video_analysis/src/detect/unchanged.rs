//! Changes after which the picture is still the same, though they look like cuts: of light (flashes, strobes, lamps that are
//! switched on) and of a part (titles and other overlays that come and go at once).

use super::blocks::{COLORS, centred, colors, correlation, dot, edges, likeness, lit, seen, untouched};
use super::fades::ground;
use super::recolored;
use crate::features::Frame;

/// Correlation of edges from which on two pictures show the same.
const SAME: f64 = 0.5;
/// Share of a change that another brightness and contrast of each colour must explain.
const MIN_EXPLAINED: f64 = 0.6;
/// Longest flash in pictures.
const LONGEST_FLASH: usize = 8;
/// Longest that nothing is to be seen within a shot, half a second of film: a strobe goes out, or a signal is lost.
const LONGEST_BLINK: usize = 12;
/// Contrast of a picture that shows something; share of it that another has which shows something too; and correlation of edges up to which
/// that is something else.
const SOMETHING: f32 = 12.0;
const LEFT: f32 = 0.6;
const ANOTHER: f64 = 0.25;
/// How much brighter than before a flash is, in grey levels.
const FLASH_RISE: f32 = 20.0;
/// Share of the picture that stays when a part of it changes, and by less than how much, in grey levels, its blocks change then: what
/// noise and slow motion do, and what coding a picture anew does. Cuts between alike pictures leave a third.
const STAYS: [(f64, f64); 2] = [(0.7, 4.0), (0.75, 6.0)];

/// Whether the picture at `at` shows the same as the one before.
pub(super) fn at(frames: &[Frame], at: usize) -> bool {
    let Some((before, after)) = frames.split_at_checked(at) else { return false };
    let (Some(last), Some(first)) = (before.last(), after.first()) else { return false };
    // A flash that leaves nothing to be seen is known by what is there on both of its sides.
    partly_or_relit(last, first)
        || recolored::same(last, first)
        || flash(last, after.iter())
        || flash(first, before.iter().rev())
}

/// Whether most of the picture is the same, or all of it in another light.
fn partly_or_relit(one: &Frame, other: &Frame) -> bool {
    let (one, other) = (colors(one), colors(other));
    let lit = lit(&one, &other);
    // Where most is dark, it is no bar, and what it shows counts: that is the same behind words that come and go.
    let shown = if mostly(&lit) { lit.clone() } else { seen(&one, &other) };
    STAYS.iter().any(|(least, limit)| untouched(&one, &other, &shown, *limit) >= *least)
        || (correlation(&edges(&one, &lit), &edges(&other, &lit)) >= SAME && relit(&one, &other, &lit))
}

fn mostly(part: &[bool]) -> bool {
    2 * part.iter().filter(|within| **within).count() >= part.len()
}

fn relit(one: &[f64], other: &[f64], lit: &[bool]) -> bool {
    let (centred_one, centred_other) = (centred(one, lit), centred(other, lit));
    let color = |colors: &[f64], color: usize| -> Vec<f64> {
        colors.iter().skip(color).step_by(COLORS).copied().collect()
    };
    // What is left when each colour has the contrast that fits best; `centred` took care of brightness.
    let left: f64 = (0..COLORS)
        .map(|number| {
            let (one, other) = (color(&centred_one, number), color(&centred_other, number));
            dot(&other, &other) - dot(&one, &other).powi(2) / dot(&one, &one).max(1e-9)
        })
        .sum();
    let steps = one.iter().zip(other).zip(lit).filter(|(_, lit)| **lit);
    let change: f64 = steps.map(|((one, other), _)| (other - one) * (other - one)).sum();
    left < (1.0 - MIN_EXPLAINED) * change
}

/// Whether what follows is brighter or of one colour for a short while, and then as before.
fn flash<'a>(before: &Frame, following: impl Iterator<Item = &'a Frame>) -> bool {
    let blinks = |at: usize, frame: &Frame| at < LONGEST_BLINK && ground(frame).is_some();
    let bright = |at: usize, frame: &Frame| at < LONGEST_FLASH && frame.mean >= before.mean + FLASH_RISE;
    let mut following = following.take(LONGEST_BLINK + 1).enumerate().peekable();
    if following.peek().is_some_and(|(_, first)| is_insert(before, first)) {
        return false;
    }
    let Some((length, back)) = following.find(|(at, frame)| !bright(*at, frame) && !blinks(*at, frame))
    else {
        return false;
    };
    length > 0 && likeness(before, back) > SAME
}

/// Whether something else is seen for a short while, and not less of the same.
fn is_insert(before: &Frame, bright: &Frame) -> bool {
    before.deviation >= SOMETHING
        && bright.deviation >= LEFT * before.deviation
        && likeness(before, bright) < ANOTHER
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, WIDTH};

    /// A dark picture, one of several, with a bright word from one column of blocks to another in three of nine rows.
    fn pictures(pictures: &[(usize, Range<usize>)]) -> Vec<Frame> {
        lit_pictures(&pictures.iter().map(|(scene, word)| (*scene, word.clone(), 9)).collect::<Vec<_>>())
    }

    /// The same, by how bright the darkest of it is; nothing but black at 0.
    fn lit_pictures(pictures: &[(usize, Range<usize>, usize)]) -> Vec<Frame> {
        let mut extractor = Extractor::default();
        for (pts, (scene, word, light)) in (0..).zip(pictures) {
            let value = |at: usize| {
                let (x, y) = (at / 3 % WIDTH / 3, at / 3 / WIDTH / 3);
                let texture = (x * (scene + 3) + y * y * (5 * scene + 2) + scene * x * y) % 11;
                let in_word = (3..6).contains(&y) && word.contains(&x);
                if in_word { 230 } else { u8::try_from(light + texture * light / 9).unwrap() }
            };
            extractor.push(pts, &(0..FRAME_BYTES).map(value).collect::<Vec<_>>());
        }
        extractor.finish().frames.to_vec()
    }

    #[test]
    fn words_that_follow_one_another_before_a_dark_picture_leave_it_the_same() {
        assert!(at(&pictures(&[(1, 1..5), (1, 9..14)]), 1));
        assert!(at(&pictures(&[(1, 1..5), (1, 0..0)]), 1));
    }

    #[test]
    fn half_a_second_of_black_within_a_shot_is_no_cut_and_between_two_it_is() {
        let film = |black: usize, next: (usize, Range<usize>, usize)| {
            let mut pictures = vec![(1, 2..5, 40); 2];
            pictures.extend(vec![(0, 0..0, 0); black]);
            pictures.extend(vec![next; 2]);
            lit_pictures(&pictures)
        };
        for black in [1, 2, 3, 12] {
            let same = film(black, (1, 2..5, 40));
            assert!(at(&same, 2) && at(&same, 2 + black), "{black}");
            let other = film(black, (4, 9..14, 40));
            assert!(!at(&other, 2) && !at(&other, 2 + black), "{black}");
        }
        let long = film(13, (1, 2..5, 40));
        assert!(!at(&long, 2) && !at(&long, 15));
    }

    #[test]
    fn a_brighter_shot_of_a_few_pictures_is_no_flash() {
        let dark = || (1, 2..5, 30);
        let bright = || (4, 9..14, 90);
        let frames = lit_pictures(&[dark(), dark(), bright(), bright(), bright(), dark(), dark()]);
        assert!(!at(&frames, 2) && !at(&frames, 5));
    }

    #[test]
    fn another_dark_picture_behind_other_words_is_another() {
        assert!(!at(&pictures(&[(0, 1..5), (4, 9..14)]), 1));
    }
}
