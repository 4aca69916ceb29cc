//! Which picture of several stands for them: a sharp, bright, still one with their typical colours.

use std::io;
use std::ops::Range;

use super::Findings;
use super::black::dark_below;
use super::film::range;
use crate::features::{Frame, GRID, Reader};
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

impl Choice {
    pub(super) fn new(black: &BlackOptions) -> Self {
        Self { dark_below: dark_below(black.pixel_threshold), black_from: to_f32(black.min_coverage) }
    }

    /// The best picture of a range and its score, 0 to 1; `None` of no pictures. `unfit` are those of the film that are only
    /// taken when there are no others, see [`unfit`].
    pub(super) fn best(
        &self,
        reader: &mut Reader<'_>,
        among: Range<usize>,
        unfit: &[bool],
    ) -> io::Result<Option<(usize, f64)>> {
        let mut votes = Votes::default();
        reader.each(among.clone(), |_, frame| votes.add(frame))?;
        let votes = votes.counted();
        // A picture counts only where there is none of a class before: anything is better than black, and black than nothing.
        let mut best: Option<(Class, usize, f64)> = None;
        reader.each(among, |at, frame| {
            let class = if frame.dark(self.dark_below) >= self.black_from {
                Class::Black
            } else if unfit.get(at).copied().unwrap_or(false) {
                Class::Unfit
            } else {
                Class::Fit
            };
            // The first of equals, so that the choice is the same everywhere.
            let better = |(of, _, most): (Class, usize, f64), score: f64| class < of || score > most;
            if best.is_none_or(|(of, ..)| class <= of) {
                let score = score(frame, votes.typical(frame));
                if best.is_none_or(|best| better(best, score)) {
                    best = Some((class, at, score));
                }
            }
        })?;
        Ok(best.map(|(_, at, score)| (at, score)))
    }
}

/// Of two pictures of different classes the one of the first is chosen, whatever their scores.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Class {
    Fit,
    Unfit,
    Black,
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

impl Default for Votes {
    fn default() -> Self {
        Self { counts: vec![[0; LEVELS]; GRID], most: vec![0; GRID] }
    }
}

impl Votes {
    fn add(&mut self, frame: &Frame) {
        for (count, value) in self.counts.iter_mut().zip(frame.grid.iter()) {
            if let Some(count) = count.get_mut(level(*value)) {
                *count += 1;
            }
        }
    }

    fn counted(mut self) -> Self {
        self.most = self.counts.iter().map(|levels| levels.iter().copied().max().unwrap_or(0)).collect();
        self
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
