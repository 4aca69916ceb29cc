//! Colour histograms.

use serde::{Deserialize, Serialize};

use super::PIXELS;
use crate::numeric::{count_to_f64, len, to_f32};

/// Eight levels of each of red, green and blue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u16>", try_from = "Vec<u16>")]
pub(super) struct Histogram(Box<[u16; 512]>);

impl From<Histogram> for Vec<u16> {
    fn from(histogram: Histogram) -> Self {
        histogram.0.to_vec()
    }
}

impl TryFrom<Vec<u16>> for Histogram {
    type Error = &'static str;

    fn try_from(bins: Vec<u16>) -> Result<Self, Self::Error> {
        bins.try_into().map(Self).map_err(|_| "a histogram has 512 bins")
    }
}

impl Histogram {
    #[inline(never)]
    pub(super) fn of(pixels: &[[u8; 3]]) -> Self {
        let mut bins = Box::new([0u16; 512]);
        for [red, green, blue] in pixels {
            let bin = (usize::from(red >> 5) << 6) | (usize::from(green >> 5) << 3) | usize::from(blue >> 5);
            if let Some(count) = bins.get_mut(bin) {
                *count += 1;
            }
        }
        Self(bins)
    }

    /// Half the L1 distance as a share of the pixels: 0 for the same colours, 1 for none in common.
    #[inline(never)]
    pub(super) fn distance(&self, other: &Self) -> f32 {
        let sum: u64 =
            self.0.iter().zip(other.0.iter()).map(|(one, two)| u64::from(one.abs_diff(*two))).sum();
        to_f32(count_to_f64(sum) / count_to_f64(2 * len(PIXELS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_goes_from_none_to_all() {
        let black = Histogram::of(&[[0; 3]; PIXELS]);
        let white = Histogram::of(&[[255; 3]; PIXELS]);
        assert_eq!((black.distance(&black), black.distance(&white)), (0.0, 1.0));
    }
}
