//! What is kept of sound: its loudness, and where it is quiet.

use serde::{Deserialize, Serialize};

use super::loudness::LoudnessMeter;
use super::quiet::{Levels, QuietExtractor, QuietRuns};
use crate::error::Error;
use crate::numeric::len;
use crate::probe::AudioTrack;
use crate::report::Loudness;

/// All of an audio stream that detectors work from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sound {
    /// Samples per channel.
    pub(crate) samples: u64,
    /// Whether the decoder complained or ended unsuccessfully.
    pub(crate) damaged: bool,
    /// `None` without a sample.
    pub(crate) loudness: Option<Loudness>,
    pub(crate) quiet: QuietRuns,
}

/// Turns samples into features, block by block.
pub(crate) struct SoundExtractor {
    meter: LoudnessMeter,
    quiet: QuietExtractor,
    channels: usize,
    samples: u64,
}

impl SoundExtractor {
    pub(crate) fn new(track: &AudioTrack, levels: Levels) -> Result<Self, Error> {
        Ok(Self {
            meter: LoudnessMeter::new(track)?,
            quiet: QuietExtractor::new(levels, track.sample()),
            channels: usize::try_from(track.channels).unwrap_or(1).max(1),
            samples: 0,
        })
    }

    /// Adds the next block of interleaved samples: 100 ms, the last one shorter.
    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.meter.push(samples)?;
        for channels in samples.chunks_exact(self.channels) {
            self.quiet.push(channels.iter().fold(0f32, |peak, sample| peak.max(sample.abs())));
        }
        self.samples += len(samples.len() / self.channels);
        Ok(())
    }

    pub(crate) fn finish(self, damaged: bool) -> Result<Sound, Error> {
        Ok(Sound {
            samples: self.samples,
            damaged,
            loudness: if self.samples > 0 { Some(self.meter.finish()?) } else { None },
            quiet: self.quiet.finish(),
        })
    }
}
