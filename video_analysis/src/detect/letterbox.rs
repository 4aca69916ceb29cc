//! Letterbox, pillarbox and windowbox: ranges with bars around the picture.

use std::io;

use serde_json::{Value, json};

use super::film::evidence;
use super::{Detector, Film, Findings, VideoDetector, confidence};
use crate::active::{Area, MIN_STEP};
use crate::choice::DetectorName;
use crate::options::LetterboxOptions;
use crate::report::{ActiveArea, Rectangle, SegmentKind};

/// Tells the ranges whose bars were measured when the film was decoded, see [`crate::active`].
pub(super) struct Letterbox {
    options: LetterboxOptions,
}

impl Letterbox {
    pub(super) fn new(options: &LetterboxOptions) -> Self {
        Self { options: options.clone() }
    }
}

impl Detector for Letterbox {
    fn name(&self) -> DetectorName {
        DetectorName::Letterbox
    }

    fn version(&self) -> &'static str {
        "2"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl VideoDetector for Letterbox {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let lasts = |area: &&Area| film.lasts(area.start, area.end) >= self.options.min_seconds;
        found.active_area = film.areas.iter().filter(lasts).map(|area| tell(film, area)).collect();
        Ok(())
    }
}

fn tell(film: &Film, area: &Area) -> ActiveArea {
    let &Area { start, end, x, y, width, height, step } = area;
    // Bars are on both ends of an axis or on none.
    let kind = match (y > 0, x > 0) {
        (true, true) => SegmentKind::Windowbox,
        (true, false) => SegmentKind::Letterbox,
        (false, _) => SegmentKind::Pillarbox,
    };
    let why = evidence("edge_step", step, MIN_STEP);
    let segment = film.segment(kind, start, end, confidence(step, MIN_STEP), Some(why));
    ActiveArea { segment, active: Rectangle { x, y, width, height } }
}
