//! Ranges of one colour that is not black: colour cards, blue screens, white flashes, washed-out pictures.

use std::io;

use serde_json::{Value, json};

use super::black::dark_below;
use super::film::evidence;
use super::{Detector, Film, Findings, VideoDetector, confidence};
use crate::choice::DetectorName;
use crate::features::{Frame, luma_of};
use crate::numeric::{len, len_to_f64, to_f32};
use crate::options::{BlackOptions, PlainOptions};
use crate::report::{Plain, Rgb, SegmentKind};

/// A picture is plain when enough of it is near its median colour. Both what is kept of it must agree: its 16 × 9 block
/// colours, and the luma of its 48 × 27 pixels, which knows smaller details. What is black is left to the black detector.
pub(super) struct PlainRanges {
    options: PlainOptions,
    /// Largest distance from the colour, in grey levels.
    reach: u8,
    /// A pixel with less luma is dark.
    dark_below: u8,
    /// A picture with this share of dark pixels is black.
    black_from: f32,
}

/// A picture's median colour, and how much of the picture has it.
#[derive(Clone, Copy)]
struct Look {
    color: [u8; 3],
    coverage: f64,
}

/// Plain pictures of one colour in a row.
struct Run {
    first: [u8; 3],
    pictures: usize,
    /// Sums over the pictures.
    coverage: f64,
    colors: [u64; 3],
}

impl From<Look> for Run {
    fn from(look: Look) -> Self {
        let mut run = Self { first: look.color, pictures: 0, coverage: 0.0, colors: [0; 3] };
        run.add(look);
        run
    }
}

impl Run {
    fn add(&mut self, look: Look) {
        self.pictures += 1;
        self.coverage += look.coverage;
        self.colors.iter_mut().zip(look.color).for_each(|(sum, value)| *sum += u64::from(value));
    }

    fn mean(&self) -> Rgb {
        let count = len(self.pictures).max(1);
        Rgb(self.colors.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)))
    }
}

impl PlainRanges {
    pub(super) fn new(options: &PlainOptions, black: &BlackOptions) -> Self {
        let within = |level: &u8| f64::from(*level) <= options.pixel_threshold * 255.0;
        let reach = (0..=u8::MAX).take_while(within).last().unwrap_or(0);
        let (dark_below, black_from) = (dark_below(black.pixel_threshold), to_f32(black.min_coverage));
        Self { options: options.clone(), reach, dark_below, black_from }
    }

    /// `None` where a picture is not plain.
    fn look(&self, frame: &Frame) -> Option<Look> {
        if frame.dark(self.dark_below) >= self.black_from {
            return None;
        }
        let blocks = frame.blocks();
        let color = median(blocks);
        let near = blocks.iter().filter(|block| self.near(**block, color)).count();
        let luma = luma_of(color);
        let alike = frame.between(luma.saturating_sub(self.reach), luma.saturating_add(self.reach));
        let coverage = alike.min(len_to_f64(near) / len_to_f64(blocks.len().max(1)));
        (coverage >= self.options.min_coverage).then_some(Look { color, coverage })
    }

    fn near(&self, one: [u8; 3], other: [u8; 3]) -> bool {
        one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= self.reach)
    }

    fn range(&self, film: &Film, end: usize, run: Option<Run>) -> Option<Plain> {
        let run = run?;
        let start = end - run.pictures;
        if film.lasts(start, end) < self.options.min_seconds {
            return None;
        }
        let coverage = run.coverage / len_to_f64(run.pictures);
        let min_coverage = self.options.min_coverage;
        // As for black: what differs against what may.
        let sure = confidence((1.0 - min_coverage).max(1e-3), (1.0 - coverage).max(0.0));
        let why = evidence("color_coverage", coverage, min_coverage);
        let segment = film.segment(SegmentKind::Plain, start, end, sure, Some(why));
        Some(Plain { segment, color: run.mean() })
    }
}

impl Detector for PlainRanges {
    fn name(&self) -> DetectorName {
        DetectorName::Plain
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl VideoDetector for PlainRanges {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let mut run: Option<Run> = None;
        film.frames.reader().each(0..film.frames.len(), |at, frame| {
            let look = self.look(frame);
            // Compared with the first: a colour that drifts away is another one in the end.
            match (&mut run, look) {
                (Some(run), Some(look)) if self.near(run.first, look.color) => run.add(look),
                _ => {
                    let ended = std::mem::replace(&mut run, look.map(Run::from));
                    found.plain.extend(self.range(film, at, ended));
                }
            }
        })?;
        found.plain.extend(self.range(film, film.frames.len(), run));
        Ok(())
    }
}

/// The median of each component.
fn median(blocks: &[[u8; 3]]) -> [u8; 3] {
    let mut color = [0; 3];
    for (channel, median) in color.iter_mut().enumerate() {
        let mut values: Vec<u8> = blocks.iter().filter_map(|block| block.get(channel).copied()).collect();
        let middle = values.len() / 2;
        if !values.is_empty() {
            *median = *values.select_nth_unstable(middle).1;
        }
    }
    color
}
