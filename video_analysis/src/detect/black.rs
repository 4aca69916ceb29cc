//! Black ranges.

use std::io;

use serde_json::{Value, json};

use super::film::evidence;
use super::{Detector, Film, Findings, VideoDetector, confidence};
use crate::choice::DetectorName;
use crate::numeric::{len_to_f64, to_f32};
use crate::options::BlackOptions;
use crate::report::{Segment, SegmentKind};

/// A picture is black when enough of its pixels are dark; black pictures in a row make a range when they last long enough.
/// The parameters are those of Amazon Rekognition's segment detection and of FFmpeg's `blackdetect`.
pub(super) struct Black {
    options: BlackOptions,
}

impl Black {
    pub(super) fn new(options: &BlackOptions) -> Self {
        Self { options: options.clone() }
    }

    fn range(&self, film: &Film, end: usize, run: &Run) -> Option<Segment> {
        let start = end - run.pictures;
        let lasts = film.lasts(start, end) >= self.options.min_seconds;
        if run.pictures == 0 || !lasts {
            return None;
        }
        let min_coverage = self.options.min_coverage;
        let coverage = run.dark / len_to_f64(run.pictures);
        // Both sides of the threshold count: what is bright against what may be.
        let sure = confidence((1.0 - min_coverage).max(1e-3), (1.0 - coverage).max(0.0));
        let why = evidence("black_coverage", coverage, min_coverage);
        Some(film.segment(SegmentKind::Black, start, end, sure, Some(why)))
    }
}

/// Black pictures in a row.
#[derive(Default)]
struct Run {
    pictures: usize,
    /// Sum of their shares of dark pixels.
    dark: f64,
}

impl Detector for Black {
    fn name(&self) -> DetectorName {
        DetectorName::Black
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl VideoDetector for Black {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let enough = to_f32(self.options.min_coverage);
        let below = dark_below(self.options.pixel_threshold);
        let mut run = Run::default();
        film.frames.reader().each(0..film.frames.len(), |at, frame| {
            let dark = frame.dark(below);
            if dark >= enough {
                run.pictures += 1;
                run.dark += f64::from(dark);
            } else {
                found.black.extend(self.range(film, at, &std::mem::take(&mut run)));
            }
        })?;
        found.black.extend(self.range(film, film.frames.len(), &run));
        Ok(())
    }
}

/// The first luma value that is not dark.
pub(super) fn dark_below(pixel_threshold: f64) -> u8 {
    let limit = pixel_threshold * 255.0;
    (0..=u8::MAX)
        .take_while(|value| f64::from(*value) < limit)
        .last()
        .map_or(0, |value| value.saturating_add(1))
}
