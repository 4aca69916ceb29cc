//! Black ranges.

use serde_json::{Value, json};

use super::film::evidence;
use super::{Detector, Film, Findings, VideoDetector, confidence};
use crate::numeric::{len_to_f64, to_f32};
use crate::options::BlackOptions;
use crate::report::SegmentKind;

/// A picture is black when enough of its pixels are dark; black pictures in a row make a range when they last long enough.
/// The parameters are those of Amazon Rekognition's segment detection and of FFmpeg's `blackdetect`.
pub(super) struct Black {
    options: BlackOptions,
}

impl Black {
    pub(super) fn new(options: &BlackOptions) -> Self {
        Self { options: options.clone() }
    }
}

impl Detector for Black {
    fn name(&self) -> &'static str {
        "black"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl VideoDetector for Black {
    fn detect(&self, film: &Film, found: &mut Findings) {
        let min_coverage = self.options.min_coverage;
        let enough = to_f32(min_coverage);
        let below = dark_below(self.options.pixel_threshold);
        let dark: Vec<f32> = film.frames.iter().map(|frame| frame.dark(below)).collect();
        let mut at = 0;
        for run in dark.chunk_by(|one, next| (*one >= enough) == (*next >= enough)) {
            let (start, end) = (at, at + run.len());
            at = end;
            let black = run.first().is_some_and(|dark| *dark >= enough);
            let lasts = film.seconds(end) - film.seconds(start) >= self.options.min_seconds;
            if !black || !lasts {
                continue;
            }
            let coverage = run.iter().copied().map(f64::from).sum::<f64>() / len_to_f64(run.len());
            // Both sides of the threshold count: what is bright against what may be.
            let sure = confidence((1.0 - min_coverage).max(1e-3), (1.0 - coverage).max(0.0));
            let why = evidence("black_coverage", coverage, min_coverage);
            found.black.push(film.segment(SegmentKind::Black, start, end, sure, Some(why)));
        }
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
