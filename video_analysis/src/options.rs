//! What an analysis looks for. Everything here changes the report.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::choice::DetectorChoice;
#[cfg(feature = "utoipa")]
use crate::choice::DetectorName;
use crate::numeric::whole_number;

/// Parameters of the detectors, all optional in JSON; unknown members are refused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Options {
    /// The detectors that are asked for; those whose findings they work from run as well. What nobody asks for is not decoded.
    #[cfg_attr(feature = "utoipa", schema(value_type = Vec<DetectorName>, inline, min_items = 1))]
    pub detectors: DetectorChoice,
    /// Shot boundaries.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub shots: ShotOptions,
    /// Black ranges.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub black: BlackOptions,
    /// Ranges of one colour.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub plain: PlainOptions,
    /// Ranges in which the picture stands still.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub freeze: FreezeOptions,
    /// Bars around the picture.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub letterbox: LetterboxOptions,
    /// Silent ranges.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub silence: SilenceOptions,
    /// Clipped sound.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub clipping: ClippingOptions,
    /// Dead, inverted and duplicated channels.
    #[cfg_attr(feature = "utoipa", schema(inline))]
    pub channels: ChannelOptions,
}

/// When a change is a cut. See `docs/shot-detection.md` for the measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ShotOptions {
    /// Smallest change between the pictures before and after a cut, in grey levels (0 to 255).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 255))]
    pub min_change: f64,
    /// How many times larger than the change around it a cut must be (0 to 1000).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 1000))]
    pub min_contrast: f64,
    /// Shortest fade, in frames (2 to 1000).
    #[cfg_attr(feature = "utoipa", schema(minimum = 2, maximum = 1000))]
    #[serde(deserialize_with = "whole")]
    pub min_fade_frames: u32,
    /// Fewest frames of a dissolve or wipe in which both shots are seen (3 to 120); a short wipe may be told one frame shorter.
    #[cfg_attr(feature = "utoipa", schema(minimum = 3, maximum = 120))]
    #[serde(deserialize_with = "whole")]
    pub min_dissolve_frames: u32,
    /// Most frames of a dissolve or wipe in which both shots are seen (3 to 120); of a wipe no more than 72, and
    /// of a shot that pushes the other out no more than 48, in any case.
    #[cfg_attr(feature = "utoipa", schema(minimum = 3, maximum = 120))]
    #[serde(deserialize_with = "whole")]
    pub max_dissolve_frames: u32,
    /// How far the frames of a dissolve may be from mixtures of its two ends, as a share of the ends' difference (0 to 1).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 1))]
    pub max_dissolve_misfit: f64,
}

impl Default for ShotOptions {
    fn default() -> Self {
        Self {
            min_change: 4.0,
            min_contrast: 1.5,
            min_fade_frames: 4,
            min_dissolve_frames: 4,
            max_dissolve_frames: 120,
            max_dissolve_misfit: 0.3,
        }
    }
}

/// When a range is black; the parameters are named like those of Amazon Rekognition's segment detection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct BlackOptions {
    /// A pixel is black when its luma is below this share of full range (0 to 1).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 1))]
    pub pixel_threshold: f64,
    /// A picture is black when at least this share of its pixels is (0 to 1).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 1))]
    pub min_coverage: f64,
    /// Shortest range that is reported, in seconds (0 to 86400).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 86400))]
    pub min_seconds: f64,
}

impl Default for BlackOptions {
    fn default() -> Self {
        Self { pixel_threshold: 0.1, min_coverage: 0.98, min_seconds: 0.25 }
    }
}

/// When a range is of one colour; the parameters are named like those of [`BlackOptions`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct PlainOptions {
    /// A pixel has a picture's colour when it differs from it by no more than this share of full range (0 to 1).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 1))]
    pub pixel_threshold: f64,
    /// A picture is of one colour when at least this share of its pixels has it (0 to 1).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 1))]
    pub min_coverage: f64,
    /// Shortest range that is reported, in seconds (0 to 86400).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 86400))]
    pub min_seconds: f64,
}

impl Default for PlainOptions {
    /// Seven grey levels either way: more than compression does to a plain picture, less than an empty sky spans.
    fn default() -> Self {
        Self { pixel_threshold: 0.03, min_coverage: 0.98, min_seconds: 0.25 }
    }
}

/// When a picture stands still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct FreezeOptions {
    /// Largest change of any place of the picture (of 48 × 27) that is noise and no motion, in grey levels (0 to 255).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 255))]
    pub noise_tolerance: f64,
    /// Shortest range that is reported, in seconds (0 to 86400).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 86400))]
    pub min_seconds: f64,
}

impl Default for FreezeOptions {
    /// More than heavy grain does to places that average hundreds of pixels; as long as FFmpeg's `freezedetect`.
    fn default() -> Self {
        Self { noise_tolerance: 6.0, min_seconds: 2.0 }
    }
}

/// When bars around the picture are told. How they are measured is in `docs/picture-detectors.md`; it has no parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct LetterboxOptions {
    /// Shortest range that is reported, in seconds (0 to 86400).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 86400))]
    pub min_seconds: f64,
}

impl Default for LetterboxOptions {
    fn default() -> Self {
        Self { min_seconds: 1.0 }
    }
}

/// When a range is silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct SilenceOptions {
    /// A sample is silent when all channels are below this level, in dB relative to full scale (from -200 to below 0).
    #[cfg_attr(feature = "utoipa", schema(minimum = -200, exclusive_maximum = 0))]
    pub threshold_dbfs: f64,
    /// Shortest range that is reported, in seconds (0 to 86400).
    #[cfg_attr(feature = "utoipa", schema(minimum = 0, maximum = 86400))]
    pub min_seconds: f64,
}

impl Default for SilenceOptions {
    fn default() -> Self {
        Self { threshold_dbfs: -60.0, min_seconds: 0.5 }
    }
}

/// When sound is clipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ClippingOptions {
    /// A sample is at full scale from this level on, in dB relative to full scale (-20 to 0).
    #[cfg_attr(feature = "utoipa", schema(minimum = -20, maximum = 0))]
    pub level_dbfs: f64,
    /// Shortest run of such samples of one channel that is clipping (1 to 100000).
    #[cfg_attr(feature = "utoipa", schema(minimum = 1, maximum = 100_000))]
    #[serde(deserialize_with = "whole")]
    pub min_samples: u32,
}

impl Default for ClippingOptions {
    /// The largest positive number of 16 bits is 0.0003 dB below full scale. Two samples at it may be a peak, three are flat.
    fn default() -> Self {
        Self { level_dbfs: -0.01, min_samples: 3 }
    }
}

/// When a channel is dead, inverted or duplicated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ChannelOptions {
    /// A channel is dead when it never reaches this level while another one does, in dB relative to full scale (from -200 to
    /// below 0).
    #[cfg_attr(feature = "utoipa", schema(minimum = -200, exclusive_maximum = 0))]
    pub dead_dbfs: f64,
    /// Two channels are of opposite polarity when their correlation is at most this (-1 to 0).
    #[cfg_attr(feature = "utoipa", schema(minimum = -1, maximum = 0))]
    pub max_correlation: f64,
    /// Two channels are duplicates when their difference is at most this level, in dB relative to the channels (-200 to 0).
    #[cfg_attr(feature = "utoipa", schema(minimum = -200, maximum = 0))]
    pub max_difference_db: f64,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self { dead_dbfs: -70.0, max_correlation: -0.95, max_difference_db: -40.0 }
    }
}

/// A whole number, however it is written: to JSON Schema, `4.0` is an integer as `4` is.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = f64::deserialize(deserializer)?;
    whole_number(value).ok_or_else(|| D::Error::custom("must be a whole number that is not negative"))
}

/// One member of the options has a value that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct InvalidOption {
    /// RFC 6901 pointer to the member.
    pub pointer: &'static str,
    /// What would be right.
    pub message: &'static str,
}

/// Some members of the options have values that make no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOptions(pub Vec<InvalidOption>);

impl fmt::Display for InvalidOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, wrong) in self.0.iter().enumerate() {
            write!(f, "{}{wrong}", if number > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidOptions {}

/// Where a member is, what it is, and what it may be.
type Rule = (&'static str, f64, (Bound<f64>, Bound<f64>), &'static str);

impl Options {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// All members that are out of their range.
    pub fn validate(&self) -> Result<(), InvalidOptions> {
        let wrong = |(pointer, value, range, message): Rule| {
            (!range.contains(&value)).then_some(InvalidOption { pointer, message })
        };
        let wrong: Vec<_> = self.rules().into_iter().filter_map(wrong).collect();
        if wrong.is_empty() { Ok(()) } else { Err(InvalidOptions(wrong)) }
    }

    /// The same ranges as in the attributes of the members, which the schema is made from; tests hold them together.
    fn rules(&self) -> [Rule; 22] {
        use Bound::{Excluded, Included};
        let to = |from: f64, to: f64| (Included(from), Included(to));
        let Self { detectors: _, shots, black, plain, freeze, letterbox, silence, clipping, channels } = self;
        let day = to(0.0, 86_400.0);
        [
            ("/shots/min_change", shots.min_change, to(0.0, 255.0), "must be between 0 and 255 grey levels"),
            ("/shots/min_contrast", shots.min_contrast, to(0.0, 1000.0), "must be between 0 and 1000"),
            (
                "/shots/min_fade_frames",
                shots.min_fade_frames.into(),
                to(2.0, 1000.0),
                "must be between 2 and 1000 frames",
            ),
            (
                "/shots/min_dissolve_frames",
                shots.min_dissolve_frames.into(),
                to(3.0, 120.0),
                "must be between 3 and 120 frames",
            ),
            (
                "/shots/max_dissolve_frames",
                shots.max_dissolve_frames.into(),
                to(3.0, 120.0),
                "must be between 3 and 120 frames",
            ),
            (
                "/shots/max_dissolve_misfit",
                shots.max_dissolve_misfit,
                to(0.0, 1.0),
                "must be between 0 and 1",
            ),
            ("/black/pixel_threshold", black.pixel_threshold, to(0.0, 1.0), "must be between 0 and 1"),
            ("/black/min_coverage", black.min_coverage, to(0.0, 1.0), "must be between 0 and 1"),
            ("/black/min_seconds", black.min_seconds, day, "must be between 0 and 86400 seconds"),
            ("/plain/pixel_threshold", plain.pixel_threshold, to(0.0, 1.0), "must be between 0 and 1"),
            ("/plain/min_coverage", plain.min_coverage, to(0.0, 1.0), "must be between 0 and 1"),
            ("/plain/min_seconds", plain.min_seconds, day, "must be between 0 and 86400 seconds"),
            (
                "/freeze/noise_tolerance",
                freeze.noise_tolerance,
                to(0.0, 255.0),
                "must be between 0 and 255 grey levels",
            ),
            ("/freeze/min_seconds", freeze.min_seconds, day, "must be between 0 and 86400 seconds"),
            ("/letterbox/min_seconds", letterbox.min_seconds, day, "must be between 0 and 86400 seconds"),
            (
                "/silence/threshold_dbfs",
                silence.threshold_dbfs,
                (Included(-200.0), Excluded(0.0)),
                "must be between -200 and 0 dB, 0 excluded",
            ),
            ("/silence/min_seconds", silence.min_seconds, day, "must be between 0 and 86400 seconds"),
            ("/clipping/level_dbfs", clipping.level_dbfs, to(-20.0, 0.0), "must be between -20 and 0 dB"),
            (
                "/clipping/min_samples",
                clipping.min_samples.into(),
                to(1.0, 100_000.0),
                "must be between 1 and 100000 samples",
            ),
            (
                "/channels/dead_dbfs",
                channels.dead_dbfs,
                (Included(-200.0), Excluded(0.0)),
                "must be between -200 and 0 dB, 0 excluded",
            ),
            (
                "/channels/max_correlation",
                channels.max_correlation,
                to(-1.0, 0.0),
                "must be between -1 and 0",
            ),
            (
                "/channels/max_difference_db",
                channels.max_difference_db,
                to(-200.0, 0.0),
                "must be between -200 and 0 dB",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_member_is_refused_and_a_missing_one_has_its_default() {
        let options: Options = serde_json::from_str(r#"{"black":{"min_coverage":0.9}}"#).unwrap();
        assert!(
            (options.black.pixel_threshold - BlackOptions::default().pixel_threshold).abs() < f64::EPSILON
        );
        assert!(serde_json::from_str::<Options>(r#"{"blak":{}}"#).is_err());
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let read = |text: &str| serde_json::from_str::<ShotOptions>(text).map(|shots| shots.min_fade_frames);
        assert_eq!(read(r#"{"min_fade_frames":4.0}"#).unwrap(), 4);
        for wrong in ["4.5", "-1", "1e10", "\"4\"", "null"] {
            assert!(read(&format!(r#"{{"min_fade_frames":{wrong}}}"#)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_by_its_pointer() {
        let mut options = Options::default();
        assert_eq!(options.validate(), Ok(()));
        options.silence.threshold_dbfs = 3.0;
        options.black.min_coverage = f64::NAN;
        let wrong = options.validate().unwrap_err();
        let pointers: Vec<_> = wrong.0.into_iter().map(|wrong| wrong.pointer).collect();
        assert_eq!(pointers, ["/black/min_coverage", "/silence/threshold_dbfs"]);
    }
}
