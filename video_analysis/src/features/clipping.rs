//! Runs of samples at full scale, by blocks: what is cut off is flat, and a peak that just touches is not.

use serde::{Deserialize, Serialize};

/// Most blocks kept. With more, two become one: sound that clips without end is told in coarser steps and not in more memory.
const MOST_KEPT: usize = 200_000;

/// The blocks in which any channel clips, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clipped {
    /// Amplitude from which on a sample counts, 1 being full scale.
    pub(crate) level: f32,
    /// A block is this many times 100 ms.
    pub(crate) length: u32,
    pub(crate) blocks: Vec<ClippedBlock>,
}

/// What clips of one channel in one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClippedBlock {
    /// Number of the block.
    pub(crate) block: u32,
    pub(crate) channel: u32,
    /// Samples of the longest run; one that began before the block counts from its beginning.
    pub(crate) longest: u32,
    /// Samples at the level or above.
    pub(crate) samples: u32,
}

pub(super) struct ClippingExtractor {
    clipped: Clipped,
    /// Length of the run that has not ended, per channel.
    open: Vec<u32>,
    block: u32,
    most: usize,
}

impl ClippingExtractor {
    pub(super) fn new(channels: usize, level: f32) -> Self {
        let clipped = Clipped { level, length: 1, blocks: Vec::new() };
        Self { clipped, open: vec![0; channels], block: 0, most: MOST_KEPT }
    }

    /// Adds the samples of one channel in the block; `peak` is the largest amplitude of them.
    pub(super) fn push(&mut self, channel: usize, samples: &[f32], peak: f32) {
        let Some(open) = self.open.get_mut(channel) else { return };
        let level = self.clipped.level;
        if peak < level {
            *open = 0;
            return;
        }
        let (mut longest, mut clipped) = (0, 0);
        for sample in samples {
            let clips = u32::from(sample.abs() >= level);
            *open = (*open + clips) * clips;
            longest = longest.max(*open);
            clipped += clips;
        }
        let block = self.block / self.clipped.length;
        let channel = u32::try_from(channel).unwrap_or(u32::MAX);
        self.clipped.blocks.push(ClippedBlock { block, channel, longest, samples: clipped });
    }

    pub(super) fn end_block(&mut self) {
        self.block += 1;
        if self.clipped.blocks.len() > self.most {
            self.join();
            // Down to half, so that this is seldom.
            while self.clipped.blocks.len() > self.most / 2 {
                self.clipped.length *= 2;
                self.clipped.blocks.iter_mut().for_each(|block| block.block /= 2);
                self.join();
            }
        }
    }

    pub(super) fn finish(mut self) -> Clipped {
        self.join();
        self.clipped
    }

    /// Makes one of what belongs to the same block and channel.
    fn join(&mut self) {
        self.clipped.blocks.sort_unstable_by_key(|block| (block.block, block.channel));
        self.clipped.blocks.dedup_by(|next, kept| {
            let same = (next.block, next.channel) == (kept.block, kept.channel);
            if same {
                kept.longest = kept.longest.max(next.longest);
                kept.samples = kept.samples.saturating_add(next.samples);
            }
            same
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(blocks: &[&[f32]], most: usize) -> Clipped {
        let mut extractor = ClippingExtractor { most, ..ClippingExtractor::new(1, 1.0) };
        for block in blocks {
            extractor.push(0, block, block.iter().fold(0.0, |peak, sample| peak.max(sample.abs())));
            extractor.end_block();
        }
        extractor.finish()
    }

    #[test]
    fn a_run_goes_on_from_block_to_block_and_one_sample_below_the_level_ends_it() {
        let clipped = clip(&[&[0.5, 1.0], &[-1.0, 1.2, 0.9, 1.0], &[0.9, 0.9], &[1.0, 0.0]], 100);
        let told = clipped.blocks.iter().map(|block| (block.block, block.longest, block.samples));
        assert_eq!(told.collect::<Vec<_>>(), [(0, 1, 1), (1, 3, 3), (3, 1, 1)]);
    }

    #[test]
    fn sound_that_clips_without_end_is_told_in_longer_blocks_and_loses_no_sample() {
        let blocks = vec![&[1.0f32, 0.0, 1.0, 1.0][..]; 1000];
        let clipped = clip(&blocks, 100);
        assert!(clipped.blocks.len() <= 100 && clipped.length.is_power_of_two(), "{}", clipped.length);
        assert_eq!(clipped.blocks.iter().map(|block| block.samples).sum::<u32>(), 3000);
        assert!(clipped.blocks.windows(2).all(|pair| pair[0].block + 1 == pair[1].block));
    }
}
