//! Silent ranges.

use serde_json::{Value, json};

use super::film::evidence;
use super::{Detector, SoundDetector, confidence};
use crate::choice::DetectorName;
use crate::features::{Run, Sound, amplitude};
use crate::numeric::round;
use crate::options::SilenceOptions;
use crate::probe::AudioTrack;
use crate::report::{AudioFindings, Segment, SegmentKind};

/// Runs of samples that stay below a level on all channels, to the sample.
pub(super) struct Silence {
    options: SilenceOptions,
}

impl Silence {
    pub(super) fn new(options: &SilenceOptions) -> Self {
        Self { options: options.clone() }
    }

    fn segment(&self, track: &AudioTrack, run: &Run) -> Segment {
        let (start, end) = (run.start + track.start_sample, run.end + track.start_sample);
        let (peak, threshold) = (f64::from(run.peak), amplitude(self.options.threshold_dbfs));
        let sample = track.sample();
        Segment {
            kind: SegmentKind::Silence,
            start_frame: None,
            end_frame: None,
            start_pts: start,
            end_pts: end,
            time_base: sample,
            start_seconds: round(sample.seconds(start), 6),
            end_seconds: round(sample.seconds(end), 6),
            confidence: round(confidence(threshold, peak), 3),
            // An amplitude and not a level: digital silence has none in decibels.
            evidence: Some(evidence("peak_amplitude", peak, threshold)),
        }
    }
}

impl Detector for Silence {
    fn name(&self) -> DetectorName {
        DetectorName::Silence
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl SoundDetector for Silence {
    fn detect(&self, track: &AudioTrack, sound: &Sound, found: &mut AudioFindings) {
        let lasts = |run: &&Run| track.sample().seconds(run.end - run.start) >= self.options.min_seconds;
        let runs = sound.quiet.below(&self.options).unwrap_or_default();
        let threshold = amplitude(self.options.threshold_dbfs);
        found.silent = sound.channels.each.iter().all(|level| f64::from(level.peak) < threshold);
        found.silence = runs.iter().filter(lasts).map(|run| self.segment(track, run)).collect();
    }
}
