//! Loudness by EBU R 128, which was measured while the sound was decoded: `features::loudness`.

use serde_json::{Value, json};

use super::{Detector, SoundDetector};
use crate::choice::DetectorName;
use crate::features::Sound;
use crate::probe::AudioTrack;
use crate::report::AudioFindings;

/// Reports what was measured.
pub(super) struct Loudness;

impl Detector for Loudness {
    fn name(&self) -> DetectorName {
        DetectorName::Loudness
    }

    fn version(&self) -> &'static str {
        "2"
    }

    fn params(&self) -> Value {
        json!({ "standard": "EBU R 128 (ITU-R BS.1770-4)" })
    }
}

impl SoundDetector for Loudness {
    fn detect(&self, _: &AudioTrack, sound: &Sound, found: &mut AudioFindings) {
        found.loudness.clone_from(&sound.loudness);
    }
}
