//! The picture that stands for the file.

use std::io;

use serde_json::{Value, json};

use super::still::{Choice, MARGIN, unfit};
use super::{Detector, Film, Findings, VideoDetector};
use crate::choice::DetectorName;
use crate::numeric::{len, round};
use crate::options::BlackOptions;
use crate::report::Poster;

/// Chooses a sharp, bright, still picture with the film's typical colours, outside transitions and black.
pub(super) struct PosterChoice {
    choice: Choice,
}

impl PosterChoice {
    pub(super) fn new(options: &BlackOptions) -> Self {
        Self { choice: Choice::new(options) }
    }
}

impl Detector for PosterChoice {
    fn name(&self) -> DetectorName {
        DetectorName::Poster
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!({ "margin_frames": MARGIN })
    }
}

impl VideoDetector for PosterChoice {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let frames = film.frames.len();
        let best = self.choice.best(&mut film.frames.reader(), 0..frames, &unfit(frames, found))?;
        found.poster = best.map(|(at, score)| Poster {
            frame: len(at),
            pts: film.pts(at),
            time_base: film.time_base(),
            seconds: round(film.seconds(at), 6),
            score: round(score, 3),
        });
        Ok(())
    }
}
