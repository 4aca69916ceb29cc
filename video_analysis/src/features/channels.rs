//! What each channel does by itself and beside the others: level, clipping, likeness.
//!
//! Sums run over blocks of 100 ms in eight lanes, which vectorize, and from block to block in double precision: the order of
//! additions is always the same.

use serde::{Deserialize, Serialize};

use super::clipping::{Clipped, ClippingExtractor};
use crate::numeric::len_to_f64;

/// Channels that are examined; those beyond are not. Pairs grow with the square.
pub(crate) const MOST_CHANNELS: usize = 16;
/// Mean square above which a block sounds: -60 dBFS. Below, noise of the encoder would decide what is alike.
const SOUNDING: f64 = 1e-6;
/// Float codecs can carry any number; beyond 80 dB above full scale it is cut off, so that sums stay finite.
const LARGEST: f32 = 1e4;

/// All that is kept of the channels of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Channels {
    pub(crate) each: Vec<Level>,
    /// Every two of them.
    pub(crate) pairs: Vec<Pair>,
    pub(crate) clipped: Clipped,
}

/// One channel, 1 being full scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Level {
    /// Largest amplitude.
    pub(crate) peak: f32,
    /// Sum of squares of all samples.
    pub(crate) squares: f64,
}

/// Two channels over the blocks in which both sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) one: usize,
    pub(crate) other: usize,
    /// How many blocks of 100 ms that are.
    pub(crate) blocks: u32,
    /// Sums over their samples: squares of each, products, squares of differences.
    squares: [f64; 2],
    products: f64,
    differences: f64,
}

impl Pair {
    /// Correlation, from -1 (the same with opposite polarity) to 1.
    pub(crate) fn correlation(&self) -> f64 {
        let [one, other] = self.squares;
        ratio(self.products, (one * other).sqrt()).clamp(-1.0, 1.0)
    }

    /// Amplitude of the difference over that of the channels: 0 where they are identical.
    pub(crate) fn difference(&self) -> f64 {
        let [one, other] = self.squares;
        ratio(self.differences, f64::midpoint(one, other)).sqrt()
    }
}

fn ratio(value: f64, over: f64) -> f64 {
    if over > 0.0 { value / over } else { 0.0 }
}

/// Turns blocks of samples into [`Channels`].
pub(super) struct ChannelExtractor {
    channels: usize,
    /// The samples of a block, channel by channel.
    planes: Vec<Vec<f32>>,
    each: Vec<Level>,
    pairs: Vec<Pair>,
    clipping: ClippingExtractor,
}

impl ChannelExtractor {
    /// Samples at `clip_level` (1 being full scale) or above count as clipped.
    pub(super) fn new(channels: usize, clip_level: f32) -> Self {
        let examined = channels.min(MOST_CHANNELS);
        let pairs = (0..examined).flat_map(|one| (one + 1..examined).map(move |other| (one, other)));
        let pair =
            |(one, other)| Pair { one, other, blocks: 0, squares: [0.0; 2], products: 0.0, differences: 0.0 };
        Self {
            channels,
            planes: vec![Vec::new(); examined],
            each: vec![Level::default(); examined],
            pairs: pairs.map(pair).collect(),
            clipping: ClippingExtractor::new(examined, clip_level),
        }
    }

    /// Adds the next block of interleaved samples; answers with its planes, one per examined channel.
    pub(super) fn push(&mut self, samples: &[f32]) -> &[Vec<f32>] {
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            plane.clear();
            let picked = samples.iter().skip(channel).step_by(self.channels);
            plane.extend(picked.map(|sample| sample.clamp(-LARGEST, LARGEST)));
        }
        let mut squares = [0.0; MOST_CHANNELS];
        for (((channel, plane), level), square) in
            self.planes.iter().enumerate().zip(&mut self.each).zip(&mut squares)
        {
            let peak = plane.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
            *square = sum_of(plane, plane, |one, other| one * other);
            level.peak = level.peak.max(peak);
            level.squares += *square;
            self.clipping.push(channel, plane, peak);
        }
        self.clipping.end_block();
        let sounding = |squares: f64| squares > SOUNDING * len_to_f64(samples.len() / self.channels);
        for pair in &mut self.pairs {
            let of = |channel: usize| {
                Some((self.planes.get(channel)?, squares.get(channel).copied()?)).filter(|of| sounding(of.1))
            };
            if let (Some(one), Some(other)) = (of(pair.one), of(pair.other)) {
                pair.blocks += 1;
                pair.squares = [pair.squares[0] + one.1, pair.squares[1] + other.1];
                pair.products += sum_of(one.0, other.0, |one, other| one * other);
                pair.differences += sum_of(one.0, other.0, |one, other| (one - other) * (one - other));
            }
        }
        &self.planes
    }

    pub(super) fn finish(self) -> Channels {
        Channels { each: self.each, pairs: self.pairs, clipped: self.clipping.finish() }
    }
}

/// Sum over two rows of equal length of what `each` makes of two samples.
fn sum_of(one: &[f32], other: &[f32], each: impl Fn(f32, f32) -> f32) -> f64 {
    const LANES: usize = 8;
    let ((ones, one), (others, other)) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let mut sums = [0f32; LANES];
    for (one, other) in ones.iter().zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += each(*one, *other);
        }
    }
    let rest = one.iter().zip(other).map(|(one, other)| each(*one, *other));
    sums.into_iter().chain(rest).map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise between -0.5 and 0.5.
    fn noise(samples: usize) -> Vec<f32> {
        let mut state = 7u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::from_be_bytes([state.to_be_bytes()[0], state.to_be_bytes()[1]])) / 65_536.0 - 0.5
        };
        std::iter::repeat_with(next).take(samples).collect()
    }

    fn extract(of: impl Fn(f32) -> [f32; 3]) -> Channels {
        let mut extractor = ChannelExtractor::new(3, 1.0);
        for block in noise(48_000).chunks(4800) {
            extractor.push(&block.iter().flat_map(|sample| of(*sample)).collect::<Vec<_>>());
        }
        extractor.finish()
    }

    #[test]
    fn a_copy_differs_by_nothing_and_its_inverse_correlates_by_minus_one() {
        let channels = extract(|sample| [sample, sample, -sample]);
        let [same, inverse, _] = channels.pairs[..] else { panic!("{channels:?}") };
        assert_eq!((same.one, same.other, same.blocks), (0, 1, 10));
        assert!(same.difference() == 0.0 && (same.correlation() - 1.0).abs() < 1e-9, "{same:?}");
        assert!((inverse.difference() - 2.0).abs() < 1e-6 && (inverse.correlation() + 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_channel_that_does_not_sound_is_like_no_other() {
        let channels = extract(|sample| [sample, 0.0, sample * 1e-4]);
        assert!(channels.pairs.iter().all(|pair| pair.blocks == 0));
        assert!(channels.each[1].peak == 0.0 && channels.each[2].peak > 0.0);
    }

    #[test]
    fn numbers_beyond_all_sense_leave_the_sums_finite() {
        let channels = extract(|sample| [sample * 1e38, sample, 0.0]);
        assert!(channels.each.iter().all(|level| level.squares.is_finite() && level.peak <= LARGEST));
    }
}
