//! The detectors, one file each. A new one implements [`VideoDetector`] or [`SoundDetector`] and is named in
//! [`video_detectors`] or [`sound_detectors`].

mod black;
mod blocks;
mod channels;
mod clipping;
mod confidence;
mod cuts;
mod dissolves;
mod fades;
mod film;
mod freeze;
mod gradual;
mod letterbox;
mod loudness;
mod mixed;
mod oklab;
mod overlaid;
mod palette;
mod plain;
mod poster;
mod pushes;
mod ramp;
mod recolored;
#[cfg(feature = "calibration")]
pub(crate) mod relaxed;
mod representative;
mod shots;
mod silence;
mod still;
mod unchanged;
mod uncovered;
mod windows;
mod wipes;

pub(crate) use film::Film;
pub(crate) use shots::Boundaries;

use std::io;

use serde_json::Value;

use crate::choice::DetectorName;
use crate::explain::Rule;
use crate::features::Sound;
use crate::options::{Options, ShotOptions};
use crate::probe::AudioTrack;
use crate::report::{ActiveArea, AudioFindings, Plain, Poster, Segment, Shot};

/// What all detectors found in the pictures.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) shots: Vec<Shot>,
    pub(crate) transitions: Vec<Segment>,
    pub(crate) black: Vec<Segment>,
    pub(crate) plain: Vec<Plain>,
    pub(crate) freezes: Vec<Segment>,
    pub(crate) active_area: Vec<ActiveArea>,
    pub(crate) poster: Option<Poster>,
}

/// What every detector says of itself.
pub(crate) trait Detector {
    /// Its name in the report.
    fn name(&self) -> DetectorName;
    /// Changed with everything that may change what it finds.
    fn version(&self) -> &'static str;
    /// What it runs with.
    fn params(&self) -> Value;
}

/// Works on the features of all pictures, joined; sees what the detectors before it found.
pub(crate) trait VideoDetector: Detector {
    /// Adds what it finds. Features may have to be read from the disk.
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()>;
}

/// Works on the features of all of one audio stream.
pub(crate) trait SoundDetector: Detector {
    /// Adds what it finds.
    fn detect(&self, track: &AudioTrack, sound: &Sound, found: &mut AudioFindings);
}

/// In the order they run: the poster is not to be taken from a transition, and what is black is no freeze.
pub(crate) fn video_detectors(options: &Options) -> Vec<Box<dyn VideoDetector>> {
    vec![
        Box::new(shots::Shots::new(&options.shots)),
        Box::new(black::Black::new(&options.black)),
        Box::new(plain::PlainRanges::new(&options.plain, &options.black)),
        Box::new(freeze::Freezes::new(&options.freeze)),
        Box::new(letterbox::Letterbox::new(&options.letterbox)),
        Box::new(representative::Representatives::new(&options.black)),
        Box::new(palette::Palettes),
        Box::new(poster::PosterChoice::new(&options.black)),
    ]
}

/// In the order of the report.
pub(crate) fn sound_detectors(options: &Options) -> Vec<Box<dyn SoundDetector>> {
    vec![
        Box::new(silence::Silence::new(&options.silence)),
        Box::new(loudness::Loudness),
        Box::new(clipping::Clipping::new(&options.clipping)),
        Box::new(channels::ChannelCheck::new(&options.channels)),
    ]
}

/// What a cut before a picture needs, and what of it is there.
pub(crate) fn cut_rules(film: &Film, at: usize, options: &ShotOptions) -> io::Result<Vec<Rule>> {
    windows::near(&film.frames, at, windows::CUT_REACH, |frames, at| cuts::rules(frames, at, options))
}

/// The confidence of all that is no shot boundary, from a measurement and its threshold: 0.5 at the threshold, towards 1 far above
/// it. Those of shot boundaries are calibrated.
pub(crate) fn confidence(value: f64, threshold: f64) -> f64 {
    if value + threshold > 0.0 { value / (value + threshold) } else { 0.5 }
}
