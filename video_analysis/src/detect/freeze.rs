//! Ranges in which the picture stands still.

use serde_json::{Value, json};

use super::film::{evidence, range};
use super::{Detector, Film, Findings, VideoDetector, confidence};
use crate::features::{Frame, GRID, largest_difference, luma_of};
use crate::numeric::{count_to_f64, len};
use crate::options::FreezeOptions;
use crate::report::SegmentKind;

/// Blocks in a picture.
const BLOCKS: usize = GRID / 3;
/// Blocks average nine places, so that noise moves their luma less: by a third if it is noise of the sensor, by more if it
/// comes from compression, which errs for some pixels together.
const BLOCK_SHARE: f64 = 0.5;
/// Share of what blocks may change by that may be a trend from the beginning of a range to its end: less than three
/// quarters, which is what remains of a steady drift between the means of a range's first and last quarter.
const DRIFT_SHARE: f64 = 0.6;

/// A freeze is a run of pictures of which no place (of 48 × 27) changes by more than noise from one to the next, and no
/// block (of 16 × 9) by half of that in luma from the first one of the run: slow motion is too little to see between
/// neighbours, but leads away from where it began. Red, green and blue of a block may change by all of it: the steps in
/// which chroma is stored are as wide.
///
/// Very slow motion stays within noise for long enough to be taken for a run, then for the next, and so on. It differs
/// from a picture that stands still by its trend: the mean of a run's last quarter is not that of its first.
///
/// After FFmpeg's `freezedetect`, which compares all pixels' mean difference to the first picture; the largest difference
/// of small places also sees a mouth that talks in a still picture.
pub(super) struct Freezes {
    options: FreezeOptions,
}

impl Freezes {
    pub(super) fn new(options: &FreezeOptions) -> Self {
        Self { options: options.clone() }
    }

    /// How many pictures from the first on are the same, and the largest change of a block's luma among them.
    fn run(&self, frames: &[Frame]) -> (usize, u8) {
        let Some(first) = frames.first() else { return (0, 0) };
        let luma = block_luma(first);
        let mut largest = 0;
        let same = frames.iter().skip(1).take_while(|frame| {
            let change = largest_difference(&luma, &block_luma(frame));
            let recolored = largest_difference(first.grid.as_slice(), frame.grid.as_slice());
            let still = f64::from(frame.peak_change.max(recolored)) <= self.options.noise_tolerance
                && f64::from(change) <= self.block_tolerance();
            if still {
                largest = largest.max(change);
            }
            still
        });
        (1 + same.count(), largest)
    }

    fn block_tolerance(&self) -> f64 {
        self.options.noise_tolerance * BLOCK_SHARE
    }
}

impl Detector for Freezes {
    fn name(&self) -> &'static str {
        "freeze"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl VideoDetector for Freezes {
    fn detect(&self, film: &Film, found: &mut Findings) {
        let explained: Vec<(usize, usize)> = {
            let plain = found.plain.iter().map(|plain| &plain.segment);
            found.black.iter().chain(plain).filter_map(range).collect()
        };
        let mut start = 0;
        while let Some(rest) = film.frames.get(start..).filter(|rest| !rest.is_empty()) {
            let (length, largest) = self.run(rest);
            let end = start + length;
            let run = rest.get(..length).unwrap_or_default();
            let lasts = film.seconds(end) - film.seconds(start) >= self.options.min_seconds;
            let known = explained.iter().any(|(from, to)| *from <= start && end <= *to);
            if lasts && !known && drift(run) <= self.block_tolerance() * DRIFT_SHARE {
                let (value, threshold) = (f64::from(largest), self.block_tolerance());
                let why = evidence("largest_block_change", value, threshold);
                let sure = confidence(threshold, value);
                found.freezes.push(film.segment(SegmentKind::Freeze, start, end, sure, Some(why)));
            }
            start = end;
        }
    }
}

fn block_luma(frame: &Frame) -> [u8; BLOCKS] {
    let mut luma = [0; BLOCKS];
    luma.iter_mut().zip(frame.blocks()).for_each(|(luma, color)| *luma = luma_of(*color));
    luma
}

/// Largest difference of a block's luma between the means of the first and of the last quarter of some pictures, in grey
/// levels.
fn drift(frames: &[Frame]) -> f64 {
    let quarter = frames.len().div_ceil(4);
    let sums = |frames: &mut dyn Iterator<Item = &Frame>| {
        let mut sums = [0u64; BLOCKS];
        for frame in frames {
            sums.iter_mut().zip(block_luma(frame)).for_each(|(sum, value)| *sum += u64::from(value));
        }
        sums
    };
    let first = sums(&mut frames.iter().take(quarter));
    let last = sums(&mut frames.iter().rev().take(quarter));
    let largest = first.iter().zip(last).map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0);
    count_to_f64(largest) / count_to_f64(len(quarter).max(1))
}
