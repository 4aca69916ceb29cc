//! Ranges in which the picture stands still.

use std::io;
use std::ops::Range;

use serde_json::{Value, json};

use super::film::{evidence, range};
use super::{Detector, Film, Findings, VideoDetector, confidence};
use crate::choice::DetectorName;
use crate::features::{Frame, GRID, Reader, largest_difference, luma_of};
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

/// Pictures that are the same, so far: what the first of them shows, and the largest change of a block's luma from it.
struct Run {
    start: usize,
    luma: [u8; BLOCKS],
    grid: Box<[u8; GRID]>,
    largest: u8,
}

impl Run {
    fn from(start: usize, first: &Frame) -> Self {
        Self { start, luma: block_luma(first), grid: first.grid.clone(), largest: 0 }
    }
}

/// A run that lasts: the pictures `[start, end)`.
struct Still {
    start: usize,
    end: usize,
    largest: u8,
}

impl Freezes {
    pub(super) fn new(options: &FreezeOptions) -> Self {
        Self { options: options.clone() }
    }

    /// Whether a picture still shows what the first of a run shows.
    fn goes_on(&self, run: &mut Run, frame: &Frame) -> bool {
        let change = largest_difference(&run.luma, &block_luma(frame));
        let recolored = largest_difference(run.grid.as_slice(), frame.grid.as_slice());
        let still = f64::from(frame.peak_change.max(recolored)) <= self.options.noise_tolerance
            && f64::from(change) <= self.block_tolerance();
        if still {
            run.largest = run.largest.max(change);
        }
        still
    }

    /// Ends a run, and tells what of it may be a freeze.
    fn ended(&self, film: &Film, run: Option<Run>, end: usize) -> Option<Still> {
        let Run { start, largest, .. } = run?;
        let lasts = film.lasts(start, end) >= self.options.min_seconds;
        lasts.then_some(Still { start, end, largest })
    }

    fn block_tolerance(&self) -> f64 {
        self.options.noise_tolerance * BLOCK_SHARE
    }
}

impl Detector for Freezes {
    fn name(&self) -> DetectorName {
        DetectorName::Freeze
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl VideoDetector for Freezes {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let explained: Vec<(usize, usize)> = {
            let plain = found.plain.iter().map(|plain| &plain.segment);
            found.black.iter().chain(plain).filter_map(range).collect()
        };
        let mut reader = film.frames.reader();
        let mut stills = Vec::new();
        let mut run: Option<Run> = None;
        reader.each(0..film.frames.len(), |at, frame| {
            if !run.as_mut().is_some_and(|run| self.goes_on(run, frame)) {
                let before = run.replace(Run::from(at, frame));
                stills.extend(self.ended(film, before, at));
            }
        })?;
        stills.extend(self.ended(film, run, film.frames.len()));
        for Still { start, end, largest } in stills {
            let known = explained.iter().any(|(from, to)| *from <= start && end <= *to);
            if !known && drift(&mut reader, start..end)? <= self.block_tolerance() * DRIFT_SHARE {
                let (value, threshold) = (f64::from(largest), self.block_tolerance());
                let why = evidence("largest_block_change", value, threshold);
                let sure = confidence(threshold, value);
                found.freezes.push(film.segment(SegmentKind::Freeze, start, end, sure, Some(why)));
            }
        }
        Ok(())
    }
}

fn block_luma(frame: &Frame) -> [u8; BLOCKS] {
    let mut luma = [0; BLOCKS];
    luma.iter_mut().zip(frame.blocks()).for_each(|(luma, color)| *luma = luma_of(*color));
    luma
}

/// Largest difference of a block's luma between the means of the first and of the last quarter of some pictures, in grey
/// levels.
fn drift(reader: &mut Reader<'_>, pictures: Range<usize>) -> io::Result<f64> {
    let quarter = pictures.len().div_ceil(4);
    let mut sums = |pictures: Range<usize>| {
        let mut sums = [0u64; BLOCKS];
        let add = |_, frame: &Frame| {
            sums.iter_mut().zip(block_luma(frame)).for_each(|(sum, value)| *sum += u64::from(value));
        };
        reader.each(pictures, add).map(|()| sums)
    };
    let first = sums(pictures.start..pictures.start + quarter)?;
    let last = sums(pictures.end - quarter..pictures.end)?;
    let largest = first.iter().zip(last).map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0);
    Ok(count_to_f64(largest) / count_to_f64(len(quarter).max(1)))
}
