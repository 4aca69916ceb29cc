//! Changes after which the picture is still the same, though they look like cuts: of light (flashes, strobes, lamps that are
//! switched on) and of a part (titles and other overlays that come and go at once).

use super::blocks::{COLORS, centred, colors, correlation, dot, edges, lit, untouched};
use crate::features::Frame;

/// Correlation of edges from which on two pictures show the same.
const SAME: f64 = 0.5;
/// Share of a change that another brightness and contrast of each colour must explain.
const MIN_EXPLAINED: f64 = 0.6;
/// Longest flash in pictures.
const LONGEST_FLASH: usize = 8;
/// How much brighter than before a flash is, in grey levels.
const FLASH_RISE: f32 = 20.0;
/// Share of the picture that stays when a part of it changes; cuts between alike pictures leave a third.
const MOST: f64 = 0.7;
/// A block stays if it changes by less, in grey levels: what noise and slow motion do.
const STAYS: f64 = 4.0;

/// Whether the picture at `at` shows the same as the one before.
pub(super) fn at(frames: &[Frame], at: usize) -> bool {
    let Some((before, after)) = frames.split_at_checked(at) else { return false };
    let (Some(last), Some(first)) = (before.last(), after.first()) else { return false };
    // A flash that leaves nothing to be seen is known by what is there on both of its sides.
    partly_or_relit(last, first) || flash(last, after.iter()) || flash(first, before.iter().rev())
}

/// Whether most of the picture is the same, or all of it in another light.
fn partly_or_relit(one: &Frame, other: &Frame) -> bool {
    let (one, other) = (colors(one), colors(other));
    let lit = lit(&one, &other);
    untouched(&one, &other, &lit, STAYS) >= MOST
        || (correlation(&edges(&one, &lit), &edges(&other, &lit)) >= SAME && relit(&one, &other, &lit))
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

/// Whether what follows is brighter for a short while, and then as before.
fn flash<'a>(before: &Frame, following: impl Iterator<Item = &'a Frame>) -> bool {
    let bright = |frame: &Frame| frame.mean >= before.mean + FLASH_RISE;
    let mut following = following.take(LONGEST_FLASH + 1).enumerate();
    let Some((length, back)) = following.find(|(_, frame)| !bright(frame)) else { return false };
    let (before, back) = (colors(before), colors(back));
    let lit = lit(&before, &back);
    length > 0 && correlation(&edges(&before, &lit), &edges(&back, &lit)) > SAME
}
