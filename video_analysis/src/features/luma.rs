//! How many pixels of a picture have each luma value: what is dark can be asked later, with any limit.

use serde::{Deserialize, Serialize};

use super::PIXELS;

/// Counts of the values from 0 to the largest there is, as LEB128 numbers: most of so few pixels take one byte a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LumaCounts(Box<[u8]>);

impl LumaCounts {
    #[inline(never)]
    pub(super) fn of(luma: &[u8; PIXELS]) -> Self {
        let mut counts = [0u16; 256];
        for value in luma {
            if let Some(count) = counts.get_mut(usize::from(*value)) {
                *count += 1;
            }
        }
        let used = counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let mut bytes = Vec::with_capacity(used + used / 8);
        for count in counts.into_iter().take(used) {
            // At most `PIXELS`, which is less than 2^14: two bytes at the most.
            let [low, high] = [count & 0x7f, count >> 7].map(|part| u8::try_from(part).unwrap_or(u8::MAX));
            if high == 0 {
                bytes.push(low);
            } else {
                bytes.extend([low | 0x80, high]);
            }
        }
        Self(bytes.into())
    }

    /// As they are kept.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From [`Self::as_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// How many pixels have a luma below `limit`.
    pub(super) fn below(&self, limit: u8) -> u32 {
        self.first(limit.into())
    }

    /// How many pixels have a luma of `limit` or below.
    pub(super) fn up_to(&self, limit: u8) -> u32 {
        self.first(usize::from(limit) + 1)
    }

    /// The sum of the first `values` counts.
    fn first(&self, values: usize) -> u32 {
        let mut bytes = self.0.iter().copied().map(u32::from);
        let counts = std::iter::from_fn(|| match bytes.next()? {
            low if low < 0x80 => Some(low),
            low => Some((low & 0x7f) | (bytes.next()? << 7)),
        });
        counts.take(values).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_counts_the_pixels_below_it() {
        let busy: [u8; PIXELS] = std::array::from_fn(|at| u8::try_from(at * at % 256).unwrap());
        for luma in [[0; PIXELS], [255; PIXELS], busy] {
            let counts = LumaCounts::of(&luma);
            for limit in 0..=u8::MAX {
                let below = luma.iter().filter(|value| **value < limit).count();
                let up_to = luma.iter().filter(|value| **value <= limit).count();
                assert_eq!(counts.below(limit), u32::try_from(below).unwrap(), "below {limit}");
                assert_eq!(counts.up_to(limit), u32::try_from(up_to).unwrap(), "up to {limit}");
            }
        }
    }
}
