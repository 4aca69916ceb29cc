//! The picture that stands for each shot.

use std::io;

use serde_json::{Value, json};

use super::film::range;
use super::still::{Choice, MARGIN, unfit};
use super::{Detector, Film, Findings, VideoDetector};
use crate::choice::DetectorName;
use crate::numeric::{len, round};
use crate::options::BlackOptions;
use crate::report::Representative;

/// Chooses from each shot as the poster is chosen from the film.
pub(super) struct Representatives {
    choice: Choice,
}

impl Representatives {
    pub(super) fn new(options: &BlackOptions) -> Self {
        Self { choice: Choice::new(options) }
    }
}

impl Detector for Representatives {
    fn name(&self) -> DetectorName {
        DetectorName::Representative
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!({ "margin_frames": MARGIN })
    }
}

impl VideoDetector for Representatives {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let unfit = unfit(film.frames.len(), found);
        let mut reader = film.frames.reader();
        for shot in &mut found.shots {
            let Some((start, end)) = range(&shot.segment) else { continue };
            let best = self.choice.best(&mut reader, start..end, &unfit)?;
            shot.representative = best.map(|(at, score)| Representative {
                frame: len(at),
                pts: film.pts(at),
                seconds: round(film.seconds(at), 6),
                score: round(score, 3),
            });
        }
        Ok(())
    }
}
