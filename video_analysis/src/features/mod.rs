//! What is kept of a picture and of sound: a few numbers, computed once, from which every detector works. No option
//! changes them.

mod channels;
mod clipping;
mod frames;
mod histogram;
#[cfg(feature = "kernels")]
pub mod kernels;
mod loudness;
mod luma;
mod margins;
mod motion;
mod packed;
mod pan;
mod picture;
mod quiet;
mod room;
mod sound;
mod stretch;
mod timeline;
mod times;
mod waveform;

pub(crate) use channels::{Channels, Pair};
pub(crate) use clipping::Clipped;
pub(crate) use frames::{Frames, Reader};
pub(crate) use luma::LumaCounts;
pub(crate) use margins::Margins;
pub(crate) use picture::luma_of;
pub(crate) use quiet::{Levels, Run, amplitude};
pub(crate) use room::Room;
pub(crate) use sound::{Sound, SoundExtractor};
pub(crate) use stretch::Ends;
pub(crate) use timeline::Timeline;
pub(crate) use times::{SoundClock, SoundTimes};
pub(crate) use waveform::Waveform;

use std::io;

use stretch::Small;

use crate::active::Area;
use crate::damage::Damage;
use crate::numeric::{len_to_f64, to_f32};
use crate::probe::Structure;

/// Width of the pictures that are analysed.
pub(crate) const WIDTH: usize = 48;
/// Height of the pictures that are analysed.
pub(crate) const HEIGHT: usize = 27;
/// Bytes of such a picture, three per pixel: red, green, blue.
pub(crate) const FRAME_BYTES: usize = PIXELS * 3;
const PIXELS: usize = WIDTH * HEIGHT;
/// Side of the square blocks whose mean colours are kept.
const BLOCK: usize = 3;
/// Colour components of the 16 × 9 blocks of a picture.
pub(crate) const GRID: usize = PIXELS * 3 / (BLOCK * BLOCK);
/// Those of a row of blocks.
pub(crate) const GRID_ROW: usize = WIDTH / BLOCK * 3;

/// Residual from which on a change is asked whether it is a pan, in grey levels: few are, and asking takes as long as all else.
const LARGE_RESIDUAL: f32 = 6.0;

/// What is kept of one picture, somewhat over half a kilobyte.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    /// Timestamp in the stream's time base.
    pub(crate) pts: i64,
    /// Mean luma, 0 to 255.
    pub(crate) mean: f32,
    /// Standard deviation of luma: the picture's contrast.
    pub(crate) deviation: f32,
    /// Mean absolute difference of neighbouring pixels' luma: how much detail is sharp.
    pub(crate) detail: f32,
    /// Mean absolute luma difference to the picture before, after motion compensation; 0 for the first.
    pub(crate) residual: f32,
    /// What is left of the luma difference to the picture before when that is moved as a whole, as a share, 0 to 1; 1 for the
    /// first, and where the residual is small.
    pub(crate) pan_misfit: f32,
    /// Half the L1 distance of the colour histograms of this picture and the one before, 0 to 1; 0 for the first.
    pub(crate) recolored: f32,
    /// Largest absolute luma difference of any pixel to the same pixel of the picture before; 0 for the first.
    pub(crate) peak_change: u8,
    /// How far black reaches in from its sides.
    pub(crate) margins: Margins,
    /// How bright its pixels are.
    pub(crate) luma: LumaCounts,
    /// Mean red, green and blue of 16 × 9 blocks, row by row.
    pub(crate) grid: Box<[u8; GRID]>,
}

/// All of a video stream that detectors work from.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct Footage {
    pub(crate) frames: Frames,
    /// Where bars are around the picture, in order.
    pub(crate) areas: Vec<Area>,
    /// Packets to be shown.
    pub(crate) packets: u64,
    /// All packets, also those that are decoded but not shown.
    pub(crate) listed: u64,
    /// Ticks from the first timestamp of a packet to the last.
    pub(crate) span: u64,
    /// Duration of the packet that is shown last, in ticks, where the container has it.
    pub(crate) last_duration: Option<i64>,
    pub(crate) structure: Structure,
    pub(crate) damage: Damage,
    /// Whether ffprobe or the decoder complained, or the decoder ended unsuccessfully.
    pub(crate) damaged: bool,
}

/// The features of a stretch of pictures, and what is needed to join it to its neighbours.
#[derive(Default)]
pub(crate) struct Features {
    pub(crate) frames: Frames,
    ends: Option<(Small, Small)>,
}

impl Features {
    /// Appends what follows directly, as if both had been one stretch.
    pub(crate) fn join(mut self, mut next: Self) -> Self {
        if let (Some((_, before)), Some((after, _)), Some(frame)) =
            (&self.ends, &next.ends, next.frames.first_mut())
        {
            frame.compare(before, after);
        }
        self.frames.append(next.frames);
        self.ends = match (self.ends, next.ends) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (one, other) => one.or(other),
        };
        self
    }
}

impl Frame {
    /// Share of pixels whose luma is below a limit, 0 to 1.
    pub(crate) fn dark(&self, below: u8) -> f32 {
        to_f32(f64::from(self.luma.below(below)) / len_to_f64(PIXELS))
    }

    /// Colours of the 16 × 9 blocks, row by row.
    pub(crate) fn blocks(&self) -> &[[u8; 3]] {
        self.grid.as_chunks::<3>().0
    }

    /// Share of pixels whose luma is from `low` to `high`, both included, 0 to 1.
    pub(crate) fn between(&self, low: u8, high: u8) -> f64 {
        let up_to_high = self.luma.up_to(high);
        f64::from(up_to_high.saturating_sub(self.luma.below(low))) / len_to_f64(PIXELS)
    }

    fn compare(&mut self, before: &Small, this: &Small) {
        let (luma, before_luma) = (&this.luma.0, &before.luma.0);
        self.residual = motion::residual(before_luma, luma);
        self.pan_misfit = if self.residual > LARGE_RESIDUAL { pan::misfit(before_luma, luma) } else { 1.0 };
        self.recolored = before.histogram.distance(&this.histogram);
        self.peak_change = largest_difference(before_luma.as_slice(), luma.as_slice());
    }
}

/// Largest absolute difference of two components at the same place.
#[inline(never)]
pub(crate) fn largest_difference(one: &[u8], other: &[u8]) -> u8 {
    one.iter().zip(other).fold(0, |most, (one, other)| one.abs_diff(*other).max(most))
}

/// Turns small pictures into features, one after the other.
#[derive(Default)]
pub(crate) struct Extractor {
    features: Features,
    /// The first picture of the stretch that is not kept yet.
    stretch_begins: Option<Small>,
}

impl Extractor {
    /// Adds the next picture: `WIDTH` × `HEIGHT` pixels of red, green and blue.
    pub(crate) fn push(&mut self, pts: i64, rgb: &[u8]) {
        let small = Small::of(rgb);
        let mut frame = picture::describe(pts, &small.luma.0, rgb);
        self.stretch_begins.get_or_insert_with(|| small.clone());
        match &mut self.features.ends {
            None => self.features.ends = Some((small.clone(), small)),
            Some((_, last)) => {
                frame.compare(last, &small);
                *last = small;
            }
        }
        self.features.frames.push(frame);
    }

    /// Puts what came where there is room. Called after each picture, or never of a few.
    pub(crate) fn settle(&mut self, room: &Room) -> io::Result<()> {
        self.features.frames.settle(room)
    }

    pub(crate) fn finish(self) -> Features {
        self.features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        };
        (0..FRAME_BYTES).map(|_| next()).collect()
    }

    fn extract(seeds: std::ops::Range<u32>) -> Features {
        let mut extractor = Extractor::default();
        seeds.for_each(|seed| extractor.push(i64::from(seed), &noise(seed)));
        extractor.finish()
    }

    #[test]
    fn joined_stretches_equal_the_whole() {
        let whole = extract(0..9);
        let joined = Features::default().join(extract(0..2)).join(extract(2..3)).join(extract(3..9));
        assert_eq!(joined.frames, whole.frames);
        assert_eq!(joined.frames.len(), 9);
    }

    #[test]
    fn kept_stretches_equal_the_whole_wherever_they_were_cut() {
        let whole = extract(0..12);
        let mut extractor = Extractor::default();
        let room = Room::new(&crate::execution::Execution::default());
        let mut kept = Vec::new();
        let mut begins = 0;
        for seed in 3..12u32 {
            if [5, 6, 9].contains(&seed) {
                let end = usize::try_from(seed - 3).unwrap();
                let (ends, frames) = extractor.stretch(begins..end).unwrap().unwrap();
                let bytes = postcard::to_allocvec(&ends).unwrap();
                kept.push((postcard::from_bytes(&bytes).unwrap(), frames.into_owned()));
                extractor.begin_stretch();
                begins = end;
            }
            extractor.push(i64::from(seed), &noise(seed));
        }
        let mut joined = extract(0..3);
        for (ends, frames) in kept {
            joined.append(ends, frames, &room).unwrap();
        }
        assert_eq!(joined.join(extract(9..12)).frames, whole.frames);
    }

    #[test]
    fn a_plain_picture_has_its_mean_and_neither_contrast_nor_detail() {
        let mut extractor = Extractor::default();
        extractor.push(0, &[20; FRAME_BYTES]);
        let frame = &extractor.finish().frames.to_vec()[0];
        assert_eq!((frame.mean, frame.deviation, frame.detail), (20.0, 0.0, 0.0));
        assert_eq!((frame.dark(20), frame.dark(21)), (0.0, 1.0));
        assert!(frame.grid.iter().all(|value| *value == 20));
        assert_eq!((frame.between(0, 19), frame.between(20, 20), frame.between(0, 255)), (0.0, 1.0, 1.0));
    }
}
