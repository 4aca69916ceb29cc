//! What detectors had before them, and so what is said of each.

use crate::detect::{Detector, Film};
use crate::error::Error;
use crate::features::Sound;
use crate::numeric::{count_to_f64, len, round};
use crate::probe::{AudioTrack, VideoTrack};
use crate::report::{Coverage, DetectorRun, DetectorStatus, NOT_ASKED_FOR, canonical_value};

/// The examined part of a stream.
pub(crate) struct Examined {
    pub(crate) coverage: Coverage,
    /// Whether there was anything.
    empty: bool,
}

pub(crate) fn examined_pictures(track: &VideoTrack, film: &Film, damaged: bool) -> Examined {
    Examined {
        empty: film.frames.is_empty(),
        coverage: Coverage {
            stream: track.index,
            frames: Some(len(film.frames.len())),
            samples: None,
            seconds: round(film.duration_seconds(), 6),
            expected_seconds: track.duration_seconds,
            damaged,
        },
    }
}

pub(crate) fn examined_sound(track: &AudioTrack, sound: &Sound, damaged: bool) -> Examined {
    Examined {
        empty: sound.samples == 0,
        coverage: Coverage {
            stream: track.index,
            frames: None,
            samples: Some(sound.samples),
            seconds: round(count_to_f64(sound.samples) / f64::from(track.sample_rate), 6),
            expected_seconds: track.duration_seconds,
            damaged: damaged || sound.damaged,
        },
    }
}

pub(crate) fn run_of<D: Detector + ?Sized>(
    detector: &D,
    asked: bool,
    examined: Option<&Examined>,
    what: &str,
) -> Result<DetectorRun, Error> {
    let (status, skipped_reason, coverage) = match examined {
        _ if !asked => (DetectorStatus::Skipped, Some(NOT_ASKED_FOR.to_owned()), None),
        None => (DetectorStatus::Skipped, Some(format!("the file has no {what} stream")), None),
        Some(Examined { empty: true, .. }) => {
            (DetectorStatus::Skipped, Some(format!("nothing of the {what} stream could be decoded")), None)
        }
        Some(Examined { coverage, .. }) if coverage.damaged => {
            (DetectorStatus::Damaged, None, Some(coverage.clone()))
        }
        Some(Examined { coverage, .. }) => (DetectorStatus::Completed, None, Some(coverage.clone())),
    };
    Ok(DetectorRun {
        name: detector.name().to_string(),
        version: detector.version().to_owned(),
        params: canonical_value(&detector.params())?,
        asked,
        status,
        skipped_reason,
        coverage,
    })
}
