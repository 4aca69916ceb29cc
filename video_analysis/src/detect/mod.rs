//! The detectors, one file each. A new one implements [`VideoDetector`] or [`AudioDetector`] and is named in
//! [`video_detectors`] or [`audio_detectors`].

mod black;
mod cuts;
mod fades;
mod film;
mod loudness;
mod poster;
mod shots;
mod silence;

pub(crate) use film::Film;

use serde_json::Value;

use crate::error::Error;
use crate::options::Options;
use crate::probe::AudioTrack;
use crate::report::{Loudness, Poster, Segment, Shot};

/// What all detectors found.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) shots: Vec<Shot>,
    pub(crate) transitions: Vec<Segment>,
    pub(crate) black: Vec<Segment>,
    pub(crate) silence: Vec<Segment>,
    pub(crate) loudness: Option<Loudness>,
    pub(crate) poster: Option<Poster>,
}

/// What every detector says of itself.
pub(crate) trait Detector {
    /// Its name in the report.
    fn name(&self) -> &'static str;
    /// Changed with everything that may change what it finds.
    fn version(&self) -> &'static str;
    /// What it runs with.
    fn params(&self) -> Value;
}

/// Works on the features of all pictures, joined; sees what the detectors before it found.
pub(crate) trait VideoDetector: Detector {
    /// Adds what it finds.
    fn detect(&self, film: &Film, found: &mut Findings);
}

/// Works on sound as it is decoded.
pub(crate) trait AudioDetector: Detector + Send {
    /// Takes the next block of interleaved samples.
    fn feed(&mut self, samples: &[f32]) -> Result<(), Error>;
    /// Adds what it found in all of them.
    fn finish(&mut self, found: &mut Findings) -> Result<(), Error>;
}

/// In the order they run: the poster is not to be taken from a transition.
pub(crate) fn video_detectors(options: &Options) -> Vec<Box<dyn VideoDetector>> {
    vec![
        Box::new(shots::Shots::new(&options.shots)),
        Box::new(black::Black::new(&options.black)),
        Box::new(poster::PosterChoice::new(&options.black)),
    ]
}

/// Those that listen to the given stream; without one they only tell their names.
pub(crate) fn audio_detectors(
    options: &Options,
    track: &AudioTrack,
) -> Result<Vec<Box<dyn AudioDetector>>, Error> {
    Ok(vec![
        Box::new(silence::Silence::new(&options.silence, track)),
        Box::new(loudness::LoudnessMeter::new(track)?),
    ])
}

/// Confidence from a measurement and its threshold: 0.5 at the threshold, towards 1 far above it.
pub(crate) fn confidence(value: f64, threshold: f64) -> f64 {
    if value + threshold > 0.0 { value / (value + threshold) } else { 0.5 }
}
