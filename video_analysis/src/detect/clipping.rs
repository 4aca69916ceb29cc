//! Clipping: several samples in a row at full scale, which a waveform that just reaches it does not have.

use serde_json::{Value, json};

use super::film::evidence;
use super::{Detector, SoundDetector, confidence};
use crate::choice::DetectorName;
use crate::features::{Clipped, Sound};
use crate::numeric::round;
use crate::options::ClippingOptions;
use crate::probe::AudioTrack;
use crate::report::{AudioFindings, ClippedRange, Segment, SegmentKind};

/// Blocks of 100 ms between two ranges that are one to whoever repairs them.
const GAP: i64 = 10;

/// Runs of samples of one channel at full scale.
pub(super) struct Clipping {
    options: ClippingOptions,
}

/// Blocks `[start, end)`, each `length` times 100 ms.
struct Range {
    start: i64,
    end: i64,
    longest: u32,
    samples: u64,
}

impl Clipping {
    pub(super) fn new(options: &ClippingOptions) -> Self {
        Self { options: options.clone() }
    }

    /// The ranges of one channel, in blocks of 100 ms.
    fn ranges(&self, clipped: &Clipped, channel: u32) -> Vec<Range> {
        let length = i64::from(clipped.length);
        let mut ranges: Vec<Range> = Vec::new();
        for block in &clipped.blocks {
            if block.channel != channel || block.longest < self.options.min_samples {
                continue;
            }
            let start = i64::from(block.block) * length;
            match ranges.last_mut().filter(|last| start - last.end < GAP) {
                Some(last) => {
                    last.end = start + length;
                    last.longest = last.longest.max(block.longest);
                    last.samples += u64::from(block.samples);
                }
                None => ranges.push(Range {
                    start,
                    end: start + length,
                    longest: block.longest,
                    samples: block.samples.into(),
                }),
            }
        }
        ranges
    }

    fn found(&self, track: &AudioTrack, samples: i64, channel: u32, range: &Range) -> ClippedRange {
        let block = track.block();
        let start = range.start * block + track.start_sample;
        let end = (range.end * block).min(samples) + track.start_sample;
        let sample = track.sample();
        let (longest, least) = (f64::from(range.longest), f64::from(self.options.min_samples));
        ClippedRange {
            segment: Segment {
                kind: SegmentKind::Clipping,
                start_frame: None,
                end_frame: None,
                start_pts: start,
                end_pts: end,
                time_base: sample,
                start_seconds: round(sample.seconds(start), 6),
                end_seconds: round(sample.seconds(end), 6),
                confidence: round(confidence(longest, least), 3),
                evidence: Some(evidence("longest_run_samples", longest, least)),
            },
            channel,
            samples: range.samples,
        }
    }
}

impl Detector for Clipping {
    fn name(&self) -> DetectorName {
        DetectorName::Clipping
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl SoundDetector for Clipping {
    fn detect(&self, track: &AudioTrack, sound: &Sound, found: &mut AudioFindings) {
        let samples = i64::try_from(sound.samples).unwrap_or(i64::MAX);
        for (channel, _) in (0u32..).zip(&sound.channels.each) {
            let ranges = self.ranges(&sound.channels.clipped, channel);
            found.clipping.extend(ranges.iter().map(|range| self.found(track, samples, channel, range)));
        }
    }
}
