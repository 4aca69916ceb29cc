//! Fades out to, and in from, black or white.

use crate::features::Frame;
use crate::numeric::{len_to_f64, to_f64};

/// Contrast below which a picture may be plain: what is left of an ordinary picture at a tenth of its strength.
pub(super) const PLAIN_DEVIATION: f32 = 7.0;
/// Mean luma up to which, or from which on, a plain picture is black or white.
const BLACK_MEAN: f32 = 28.0;
const WHITE_MEAN: f32 = 227.0;
/// Least visibility that a fade must reach, in grey levels; title cards on black are about there.
const MIN_HEIGHT: f64 = 12.0;
/// A single step above this share of the whole way is a cut and no fade.
const MAX_STEP: f64 = 0.5;
/// Largest part of the faded picture that does not scale with it: motion inside the fade, but not another picture.
const MAX_MISFIT: f64 = 0.45;

/// A plain stretch `[blank_start, blank_end)` with what leads into and out of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blank {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) fade_out: Option<Fade>,
    pub(super) fade_in: Option<Fade>,
}

/// The mixed pictures `[start, end)` of a fade.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fade {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Largest single step as a share of the way: what tells it from a cut.
    pub(super) largest_step: f64,
}

impl Fade {
    pub(super) const THRESHOLD: f64 = MAX_STEP;
}

/// Finds every black or white stretch with a fade on at least one side.
pub(super) fn find(frames: &[Frame], min_frames: usize) -> Vec<Blank> {
    let mut blanks = Vec::new();
    let mut at = 0;
    for run in frames.chunk_by(|one, next| plain(one) == plain(next)) {
        let (start, end) = (at, at + run.len());
        at = end;
        if run.first().and_then(plain).is_some() {
            let blank = around(frames, start, end, min_frames);
            blanks.extend(blank.filter(|blank| blank.fade_in.is_some() || blank.fade_out.is_some()));
        }
    }
    blanks
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Black,
    White,
}

/// Pictures in a row with the same of it are a stretch.
pub(super) fn plain(frame: &Frame) -> Option<Plain> {
    match frame {
        Frame { deviation, .. } if *deviation > PLAIN_DEVIATION => None,
        Frame { mean, .. } if *mean <= BLACK_MEAN => Some(Plain::Black),
        Frame { mean, .. } if *mean >= WHITE_MEAN => Some(Plain::White),
        _ => None,
    }
}

/// Looks at both sides of a plain run.
fn around(frames: &[Frame], start: usize, end: usize, min_frames: usize) -> Option<Blank> {
    let run = frames.get(start..end)?;
    let (_, blankest) =
        run.iter().enumerate().min_by(|one, other| one.1.deviation.total_cmp(&other.1.deviation))?;
    let base = f64::from(blankest.mean);
    let visibility = |frame: &Frame| f64::from(frame.deviation) + (f64::from(frame.mean) - base).abs();
    // The faintest pictures of a fade are plain too: the stretch proper is where nothing is seen at all.
    let invisible = |frame: &Frame| visibility(frame) <= f64::from(blankest.deviation) + 0.75;
    let first = start + run.iter().position(invisible)?;
    let last = start + run.iter().rposition(invisible)?;

    let fade = |outwards: Vec<(usize, &Frame)>| {
        let heights: Vec<f64> = outwards.iter().map(|(_, frame)| visibility(frame)).collect();
        let steps = climb(&heights)?;
        let (largest_step, height) = steepness(heights.get(..=steps)?)?;
        let scaled = misfit(outwards.get(..=steps)?)?;
        let fades =
            steps >= min_frames && height >= MIN_HEIGHT && largest_step < MAX_STEP && scaled < MAX_MISFIT;
        let edge = outwards.get(steps)?.0;
        fades.then_some((edge, largest_step))
    };
    let before = frames.get(..=first)?.iter().enumerate().rev().collect();
    let after = frames.iter().enumerate().skip(last).collect();
    let fade_out =
        fade(before).map(|(edge, largest_step)| Fade { start: edge + 1, end: first, largest_step });
    let fade_in = fade(after).map(|(edge, largest_step)| Fade { start: last + 1, end: edge, largest_step });
    Some(Blank { start: first, end: last + 1, fade_out, fade_in })
}

/// How many steps visibility keeps rising from its first value, at about the pace it began with.
fn climb(heights: &[f64]) -> Option<usize> {
    /// Pictures over which motion may hide the rise.
    const PATIENCE: usize = 3;
    let base = *heights.first()?;
    let mut top = 0;
    let mut previous = base;
    for (step, height) in heights.iter().enumerate().skip(1) {
        let reached = heights.get(top).copied().unwrap_or(base);
        let pace = if top > 0 { (reached - base) / len_to_f64(top) } else { 0.0 };
        // A jump out of a slow rise is a cut to another picture.
        if top >= PATIENCE && height - previous > 6.0 * pace.max(0.5) {
            break;
        }
        if *height > reached + (0.25 * pace).max(0.2) {
            top = step;
        } else if step - top >= PATIENCE {
            break;
        }
        previous = *height;
    }
    Some(top)
}

/// The largest step as a share of the way, and the way.
fn steepness(heights: &[f64]) -> Option<(f64, f64)> {
    let height = heights.last()? - heights.first()?;
    let steps = heights.iter().zip(heights.iter().skip(1)).map(|(one, next)| (next - one).abs());
    (height > 0.0).then(|| (steps.fold(0.0, f64::max) / height, height))
}

/// How far the picture half way is from being the full picture at part of its strength, as a share of its own strength.
fn misfit(outwards: &[(usize, &Frame)]) -> Option<f64> {
    let plain = outwards.first()?.1;
    let full = outwards.last()?.1;
    let middle = outwards.get(outwards.len() / 2)?.1;
    let signed = |frame: &Frame| -> Vec<f64> {
        frame
            .grid
            .iter()
            .zip(plain.grid.iter())
            .map(|(one, base)| to_f64(i64::from(*one) - i64::from(*base)))
            .collect()
    };
    let (full, middle) = (signed(full), signed(middle));
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
    let strength = dot(&middle, &middle);
    let correlation = dot(&full, &middle) / (dot(&full, &full) * strength).sqrt().max(1e-9);
    Some((1.0 - correlation * correlation).max(0.0).sqrt())
}
