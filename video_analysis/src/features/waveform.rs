//! The outline of sound: the smallest and the largest sample of each bucket, for drawing it.
//!
//! Buckets start at 256 samples, as those of the BBC's `audiowaveform` do, and double whenever there are too many: what is kept is
//! bounded, however long the sound is.

use serde::{Deserialize, Serialize};

use crate::numeric::to_i16;

/// Samples per channel in the smallest bucket.
const FINEST: u32 = 256;
/// Most buckets of all channels together: half a megabyte, which for stereo is more than a screen has pixels twenty times over.
const MOST: usize = 1 << 17;
const LANES: usize = 8;

/// Minima and maxima of all channels, in 16 bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waveform {
    /// Samples per channel of a bucket; the last one has what is left.
    pub(crate) bucket: u32,
    pub(crate) channels: usize,
    /// Minimum and maximum of each channel, bucket by bucket.
    pub(crate) extremes: Vec<(i16, i16)>,
}

pub(super) struct WaveformExtractor {
    waveform: Waveform,
    most: usize,
    /// What the bucket has that is not full.
    open: Vec<(f32, f32)>,
    filled: usize,
}

/// Of no sample.
const NOTHING: (f32, f32) = (f32::INFINITY, f32::NEG_INFINITY);

impl WaveformExtractor {
    pub(super) fn new(channels: usize) -> Self {
        Self::bounded(channels, MOST)
    }

    fn bounded(channels: usize, most: usize) -> Self {
        // An even number of buckets, so that they can be joined by two.
        let most = (most / channels.max(1)).next_multiple_of(2);
        Self {
            waveform: Waveform { bucket: FINEST, channels, extremes: Vec::new() },
            most,
            open: vec![NOTHING; channels],
            filled: 0,
        }
    }

    /// Adds the next samples, channel by channel, all of the same length.
    pub(super) fn push(&mut self, planes: &[Vec<f32>]) {
        let total = planes.first().map_or(0, Vec::len);
        let mut at = 0;
        while at < total {
            let bucket = usize::try_from(self.waveform.bucket).unwrap_or(usize::MAX);
            let end = total.min(at + bucket - self.filled);
            for (open, plane) in self.open.iter_mut().zip(planes) {
                *open = wider(*open, extremes(plane.get(at..end).unwrap_or_default()));
            }
            self.filled += end - at;
            at = end;
            if self.filled == bucket {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let bucket = self.open.iter_mut().map(|open| std::mem::replace(open, NOTHING));
        self.waveform.extremes.extend(bucket.map(|(least, most)| (to_i16(least), to_i16(most))));
        self.filled = 0;
        let channels = self.waveform.channels;
        if channels > 0 && self.waveform.extremes.len() / channels >= self.most {
            self.waveform.extremes = halved(&self.waveform.extremes, channels);
            self.waveform.bucket *= 2;
        }
    }

    pub(super) fn finish(mut self) -> Waveform {
        if self.filled > 0 {
            self.close();
        }
        self.waveform
    }
}

impl Waveform {
    /// The same in buckets twice as long.
    pub(crate) fn coarser(&self) -> Self {
        let extremes = halved(&self.extremes, self.channels);
        Self { bucket: self.bucket * 2, channels: self.channels, extremes }
    }
}

/// Every two buckets as one; a last one alone stays.
fn halved(extremes: &[(i16, i16)], channels: usize) -> Vec<(i16, i16)> {
    let two = extremes.chunks(2 * channels.max(1));
    let joined = two.flat_map(|two| {
        let (one, other) = two.split_at(channels.min(two.len()));
        one.iter().enumerate().map(|(channel, &(least, most))| {
            let other = other.get(channel).copied().unwrap_or((least, most));
            (least.min(other.0), most.max(other.1))
        })
    });
    joined.collect()
}

fn wider(one: (f32, f32), other: (f32, f32)) -> (f32, f32) {
    (one.0.min(other.0), one.1.max(other.1))
}

/// Smallest and largest sample, in lanes that vectorize.
fn extremes(samples: &[f32]) -> (f32, f32) {
    let (chunks, rest) = samples.as_chunks::<LANES>();
    let (mut least, mut most) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for chunk in chunks {
        for ((least, most), sample) in least.iter_mut().zip(&mut most).zip(chunk) {
            *least = if *sample < *least { *sample } else { *least };
            *most = if *sample > *most { *sample } else { *most };
        }
    }
    let lanes = least.into_iter().zip(most);
    lanes.chain(rest.iter().map(|sample| (*sample, *sample))).fold(NOTHING, wider)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ramp over `samples` samples on one channel, and its inverse on another.
    fn ramp(samples: u16, block: usize, most: usize) -> Waveform {
        let mut extractor = WaveformExtractor::bounded(2, most);
        let ramp: Vec<f32> = (0..samples).map(|sample| f32::from(sample) / 32_768.0).collect();
        for block in ramp.chunks(block) {
            extractor.push(&[block.to_vec(), block.iter().map(|sample| -sample).collect()]);
        }
        extractor.finish()
    }

    #[test]
    fn buckets_hold_the_extremes_and_the_last_one_what_is_left() {
        let waveform = ramp(600, 100, MOST);
        let expected = [(0, 255), (-255, 0), (256, 511), (-511, -256), (512, 599), (-599, -512)];
        assert_eq!((waveform.bucket, waveform.extremes), (256, expected.to_vec()));
    }

    #[test]
    fn what_is_kept_is_bounded_and_does_not_depend_on_how_the_samples_came() {
        let long = ramp(20_000, 4800, 16);
        assert_eq!(long, ramp(20_000, 37, 16));
        assert!(long.extremes.len() <= 16 && long.bucket == 4096, "{long:?}");
        let mut coarse = ramp(20_000, 4800, MOST);
        while coarse.bucket < long.bucket {
            coarse = coarse.coarser();
        }
        assert_eq!(coarse, long);
    }
}
