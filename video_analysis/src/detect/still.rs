//! Which picture of several stands for them: a sharp, bright, still one with their typical colours.

use std::ops::Range;

use super::black::dark_below;
use super::film::range;
use super::{Film, Findings};
use crate::features::Frame;
use crate::numeric::{len_to_f64, to_f32};
use crate::options::BlackOptions;

/// Pictures this close to a boundary may still be compressed badly or be seen too shortly.
pub(super) const MARGIN: usize = 3;
/// Quantization steps of a colour in the typical-colour vote.
const LEVELS: usize = 16;

/// What is black; nothing black is chosen where there is anything else.
pub(super) struct Choice {
    /// A pixel with less luma is dark.
    dark_below: u8,
    /// A picture with this share of dark pixels is black.
    black_from: f32,
}

/// Whether a picture belongs to a class of candidates.
type Fits<'a> = dyn Fn(usize, &Frame) -> bool + 'a;

impl Choice {
    pub(super) fn new(black: &BlackOptions) -> Self {
        Self { dark_below: dark_below(black.pixel_threshold), black_from: to_f32(black.min_coverage) }
    }

    /// The best picture of a range and its score, 0 to 1; `None` of no pictures. `unfit` are those of the film that are only
    /// taken when there are no others, see [`unfit`].
    pub(super) fn best(&self, film: &Film, among: Range<usize>, unfit: &[bool]) -> Option<(usize, f64)> {
        let frames = film.frames.get(among.clone())?;
        let votes = Votes::count(frames);
        // Each class is only looked at when the one before is empty: anything is better than black, and black than nothing.
        let seen = |frame: &Frame| frame.dark(self.dark_below) < self.black_from;
        let classes: [&Fits; 3] = [
            &|at, frame| !unfit.get(at).copied().unwrap_or(false) && seen(frame),
            &|_, frame| seen(frame),
            &|_, _| true,
        ];
        classes.iter().find_map(|fits| {
            let candidates = among.clone().zip(frames).filter(|(at, frame)| fits(*at, frame));
            let scored = candidates.map(|(at, frame)| (at, score(frame, votes.typical(frame))));
            // The first of equals, so that the choice is the same everywhere.
            scored.reduce(|best, next| if next.1 > best.1 { next } else { best })
        })
    }
}

/// How fit a picture is: a product, so that one bad property is not made up for by the others.
fn score(frame: &Frame, typical: f64) -> f64 {
    let mean = f64::from(frame.mean);
    // Best in the middle third of the scale.
    let exposure = (mean / 85.0).min((255.0 - mean) / 85.0).clamp(0.0, 1.0);
    let contrast = (f64::from(frame.deviation) / 50.0).min(1.0);
    let sharp = (f64::from(frame.detail) / 12.0).min(1.0);
    let still = 1.0 / (1.0 + f64::from(frame.residual) / 4.0);
    let factors = [exposure, contrast, sharp, still, 0.5 + 0.5 * typical];
    factors.iter().map(|factor| factor.max(1e-3)).product::<f64>().powf(0.2)
}

/// Marks the pictures in or beside transitions and at the edges of shots.
pub(super) fn unfit(frames: usize, found: &Findings) -> Vec<bool> {
    let mut unfit = vec![false; frames];
    let mut mark = |start: usize, end: usize| {
        if let Some(range) = unfit.get_mut(start.min(frames)..end.min(frames)) {
            range.fill(true);
        }
    };
    for shot in &found.shots {
        if let Some((start, end)) = range(&shot.segment) {
            mark(start, start + MARGIN);
            mark(end.saturating_sub(MARGIN), end);
        }
    }
    for (start, end) in found.transitions.iter().filter_map(range) {
        mark(start.saturating_sub(MARGIN), end + MARGIN);
    }
    unfit
}

/// How many pictures have a colour near a given one at a place of the grid.
struct Votes {
    counts: Vec<[u32; LEVELS]>,
    most: Vec<u32>,
}

impl Votes {
    fn count(frames: &[Frame]) -> Self {
        let cells = frames.first().map_or(0, |frame| frame.grid.len());
        let mut counts = vec![[0u32; LEVELS]; cells];
        for frame in frames {
            for (count, value) in counts.iter_mut().zip(frame.grid.iter()) {
                if let Some(count) = count.get_mut(level(*value)) {
                    *count += 1;
                }
            }
        }
        let most = counts.iter().map(|levels| levels.iter().copied().max().unwrap_or(0)).collect();
        Self { counts, most }
    }

    /// How common a picture's colours are where it has them, 0 to 1.
    fn typical(&self, frame: &Frame) -> f64 {
        let places = self.counts.iter().zip(&self.most).zip(frame.grid.iter());
        let sum: f64 = places
            .map(|((counts, most), value)| {
                let count = counts.get(level(*value)).copied().unwrap_or(0);
                f64::from(count) / f64::from((*most).max(1))
            })
            .sum();
        sum / len_to_f64(self.counts.len().max(1))
    }
}

fn level(value: u8) -> usize {
    usize::from(value) * LEVELS / 256
}
