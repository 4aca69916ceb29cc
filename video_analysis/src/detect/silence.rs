//! Silent ranges.

use serde_json::{Value, json};

use super::film::evidence;
use super::{AudioDetector, Detector, Findings, confidence};
use crate::error::Error;
use crate::numeric::round;
use crate::options::SilenceOptions;
use crate::probe::AudioTrack;
use crate::rational::Rational;
use crate::report::{Segment, SegmentKind};

/// Runs of samples that stay below a level on all channels, to the sample.
pub(super) struct Silence {
    options: SilenceOptions,
    /// The level as an amplitude, 1 being full scale.
    threshold: f64,
    channels: usize,
    sample: Rational,
    start_sample: i64,
    /// Samples per channel so far.
    at: i64,
    /// Start of the run that is silent so far, and its largest amplitude.
    run: Option<(i64, f32)>,
    ranges: Vec<(i64, i64, f32)>,
}

impl Silence {
    pub(super) fn new(options: &SilenceOptions, track: &AudioTrack) -> Self {
        Self {
            options: options.clone(),
            threshold: 10f64.powf(options.threshold_dbfs / 20.0),
            channels: usize::try_from(track.channels).unwrap_or(1).max(1),
            sample: Rational { num: 1, den: i64::from(track.sample_rate.max(1)) },
            start_sample: track.start_sample,
            at: 0,
            run: None,
            ranges: Vec::new(),
        }
    }

    fn end_run(&mut self) {
        if let Some((start, peak)) = self.run.take()
            && self.sample.seconds(self.at - start) >= self.options.min_seconds
        {
            self.ranges.push((start, self.at, peak));
        }
    }

    fn segment(&self, start: i64, end: i64, peak: f32) -> Segment {
        let (start, end) = (start + self.start_sample, end + self.start_sample);
        let peak = f64::from(peak);
        Segment {
            kind: SegmentKind::Silence,
            start_frame: None,
            end_frame: None,
            start_pts: start,
            end_pts: end,
            time_base: self.sample,
            start_seconds: round(self.sample.seconds(start), 6),
            end_seconds: round(self.sample.seconds(end), 6),
            confidence: round(confidence(self.threshold, peak), 3),
            // An amplitude and not a level: digital silence has none in decibels.
            evidence: Some(evidence("peak_amplitude", peak, self.threshold)),
        }
    }
}

impl Detector for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl AudioDetector for Silence {
    fn feed(&mut self, samples: &[f32]) -> Result<(), Error> {
        for channels in samples.chunks_exact(self.channels) {
            let peak = channels.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
            if f64::from(peak) < self.threshold {
                let (start, so_far) = self.run.unwrap_or((self.at, 0.0));
                self.run = Some((start, so_far.max(peak)));
            } else {
                self.end_run();
            }
            self.at += 1;
        }
        Ok(())
    }

    fn finish(&mut self, found: &mut Findings) -> Result<(), Error> {
        self.end_run();
        found.silence =
            self.ranges.iter().map(|&(start, end, peak)| self.segment(start, end, peak)).collect();
        Ok(())
    }
}
