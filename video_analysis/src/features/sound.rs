//! What is kept of sound: its loudness, where it is quiet, what its channels do, and its outline.

use serde::{Deserialize, Serialize};

use super::channels::{ChannelExtractor, Channels, MOST_CHANNELS};
use super::loudness::{LoudnessCurve, LoudnessMeter};
use super::quiet::{Levels, QuietExtractor, QuietRuns, amplitude};
use super::times::SoundTimes;
use super::waveform::{Waveform, WaveformExtractor};
use crate::damage::Damage;
use crate::error::Error;
use crate::numeric::{len, to_f32};
use crate::options::{ClippingOptions, Options};
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
    pub(crate) channels: Channels,
    pub(crate) curve: LoudnessCurve,
    pub(crate) waveform: Waveform,
    /// `None` without a sample.
    pub(crate) times: Option<SoundTimes>,
    pub(crate) damage: Damage,
}

impl Sound {
    /// Whether all is there that detectors with these options need.
    pub(crate) fn serves(&self, options: &Options) -> bool {
        let same = self.channels.clipped.level.total_cmp(&clip_level(&options.clipping)).is_eq();
        same && self.quiet.below(&options.silence).is_some()
    }
}

/// The amplitude from which on a sample is at full scale.
fn clip_level(options: &ClippingOptions) -> f32 {
    to_f32(amplitude(options.level_dbfs))
}

/// Turns samples into features, block by block.
pub(crate) struct SoundExtractor {
    meter: LoudnessMeter,
    quiet: QuietExtractor,
    each: ChannelExtractor,
    waveform: WaveformExtractor,
    channels: usize,
    samples: u64,
}

impl SoundExtractor {
    pub(crate) fn new(track: &AudioTrack, levels: Levels, clipping: &ClippingOptions) -> Result<Self, Error> {
        let channels = usize::try_from(track.channels).unwrap_or(1).max(1);
        Ok(Self {
            meter: LoudnessMeter::new(track)?,
            quiet: QuietExtractor::new(levels, track.sample()),
            each: ChannelExtractor::new(channels, clip_level(clipping)),
            waveform: WaveformExtractor::new(channels.min(MOST_CHANNELS)),
            channels,
            samples: 0,
        })
    }

    /// Adds the next block of interleaved samples: 100 ms, the last one shorter.
    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.meter.push(samples)?;
        for channels in samples.chunks_exact(self.channels) {
            self.quiet.push(channels.iter().fold(0f32, |peak, sample| peak.max(sample.abs())));
        }
        self.waveform.push(self.each.push(samples));
        self.samples += len(samples.len() / self.channels);
        Ok(())
    }

    pub(crate) fn finish(
        self,
        times: Option<SoundTimes>,
        damage: Damage,
        damaged: bool,
    ) -> Result<Sound, Error> {
        let measured = (self.samples > 0).then(|| self.meter.finish()).transpose()?;
        let (loudness, curve) = measured.unzip();
        Ok(Sound {
            samples: self.samples,
            damaged,
            loudness,
            quiet: self.quiet.finish()?,
            channels: self.each.finish(),
            curve: curve.unwrap_or_default(),
            waveform: self.waveform.finish(),
            times,
            damage,
        })
    }
}
