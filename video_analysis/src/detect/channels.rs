//! Channels that do not carry what they should: dead, of opposite polarity, or a copy of another one.
//!
//! Polarity as a phase meter tells it: the correlation of two channels (IEC 60268-18), here over all blocks of 100 ms in which
//! both sound. Copies by what is left when one is subtracted from the other, because a source that was panned correlates too.

use serde_json::{Value, json};

use super::film::evidence;
use super::{Detector, SoundDetector, confidence};
use crate::choice::DetectorName;
use crate::features::{Channels, Pair, Sound, amplitude};
use crate::numeric::{count_to_f64, round};
use crate::options::ChannelOptions;
use crate::probe::AudioTrack;
use crate::report::{AudioFindings, ChannelFault, ChannelFaultKind, ChannelLevel, Evidence};

/// Blocks of 100 ms in which two channels must sound before they are compared: a second.
const LEAST_BLOCKS: u32 = 10;

/// The levels of channels, and what is wrong with them.
pub(super) struct ChannelCheck {
    options: ChannelOptions,
}

impl ChannelCheck {
    pub(super) fn new(options: &ChannelOptions) -> Self {
        Self { options: options.clone() }
    }

    fn dead(&self, channels: &Channels) -> Vec<ChannelFault> {
        let threshold = amplitude(self.options.dead_dbfs);
        let peaks = channels.each.iter().map(|level| f64::from(level.peak));
        if peaks.clone().all(|peak| peak < threshold) {
            return Vec::new();
        }
        let dead = peaks.enumerate().filter(|(_, peak)| *peak < threshold);
        dead.map(|(channel, peak)| {
            let evidence = evidence("peak_amplitude", peak, threshold);
            fault(ChannelFaultKind::Dead, channel, None, confidence(threshold, peak), evidence)
        })
        .collect()
    }

    fn alike(&self, pair: &Pair) -> Option<ChannelFault> {
        if pair.blocks < LEAST_BLOCKS {
            return None;
        }
        let (difference, correlation) = (pair.difference(), pair.correlation());
        let (most, inverted) = (amplitude(self.options.max_difference_db), self.options.max_correlation);
        let (kind, sure, evidence) = if difference <= most {
            let sure = confidence(most, difference);
            (ChannelFaultKind::Duplicated, sure, evidence("relative_difference", difference, most))
        } else if correlation <= inverted {
            let sure = confidence(1.0 + inverted, 1.0 + correlation);
            (ChannelFaultKind::Inverted, sure, evidence("correlation", correlation, inverted))
        } else {
            return None;
        };
        // The later of two is told as the copy.
        Some(fault(kind, pair.other, Some(pair.one), sure, evidence))
    }
}

fn fault(
    kind: ChannelFaultKind,
    channel: usize,
    other: Option<usize>,
    confidence: f64,
    evidence: Evidence,
) -> ChannelFault {
    let other_channel = other.map(number);
    ChannelFault { kind, channel: number(channel), other_channel, confidence: round(confidence, 3), evidence }
}

fn number(channel: usize) -> u32 {
    u32::try_from(channel).unwrap_or(u32::MAX)
}

/// In dB relative to full scale; digital silence has none.
fn level(amplitude: f64) -> Option<f64> {
    (amplitude > 0.0).then(|| round(20.0 * amplitude.log10(), 2))
}

impl Detector for ChannelCheck {
    fn name(&self) -> DetectorName {
        DetectorName::Channels
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl SoundDetector for ChannelCheck {
    fn detect(&self, _: &AudioTrack, sound: &Sound, found: &mut AudioFindings) {
        let samples = count_to_f64(sound.samples.max(1));
        let levels = sound.channels.each.iter().enumerate().map(|(channel, of)| ChannelLevel {
            channel: number(channel),
            sample_peak_dbfs: level(of.peak.into()),
            rms_dbfs: level((of.squares / samples).sqrt()),
        });
        found.channels = levels.collect();
        found.channel_faults = self.dead(&sound.channels);
        found.channel_faults.extend(sound.channels.pairs.iter().filter_map(|pair| self.alike(pair)));
    }
}
