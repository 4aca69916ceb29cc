//! What an analysis looks for. Everything here changes the report.

use serde::{Deserialize, Serialize};

/// Parameters of the detectors, all optional in JSON; unknown members are refused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Options {
    /// Shot boundaries.
    pub shots: ShotOptions,
    /// Black ranges.
    pub black: BlackOptions,
    /// Silent ranges.
    pub silence: SilenceOptions,
}

/// When a change is a cut. See `docs/shot-detection.md` for the measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct ShotOptions {
    /// Smallest change between the pictures before and after a cut, in grey levels (0 to 255).
    pub min_change: f64,
    /// How many times larger than the change around it a cut must be.
    pub min_contrast: f64,
    /// Shortest fade, in frames.
    pub min_fade_frames: u32,
}

impl Default for ShotOptions {
    fn default() -> Self {
        Self { min_change: 4.0, min_contrast: 1.5, min_fade_frames: 4 }
    }
}

/// When a range is black; the parameters are named like those of Amazon Rekognition's segment detection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct BlackOptions {
    /// A pixel is black when its luma is below this share of full range (0 to 1).
    pub pixel_threshold: f64,
    /// A picture is black when at least this share of its pixels is (0 to 1).
    pub min_coverage: f64,
    /// Shortest range that is reported, in seconds.
    pub min_seconds: f64,
}

impl Default for BlackOptions {
    fn default() -> Self {
        Self { pixel_threshold: 0.1, min_coverage: 0.98, min_seconds: 0.25 }
    }
}

/// When a range is silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct SilenceOptions {
    /// A sample is silent when all channels are below this level, in dB below full scale (below 0).
    pub threshold_dbfs: f64,
    /// Shortest range that is reported, in seconds.
    pub min_seconds: f64,
}

impl Default for SilenceOptions {
    fn default() -> Self {
        Self { threshold_dbfs: -60.0, min_seconds: 0.5 }
    }
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

impl Options {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first member that is out of its range.
    pub fn validate(&self) -> Result<(), InvalidOption> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let positive = |value: f64| value.is_finite() && value >= 0.0;
        let day = |value: f64| (0.0..=86_400.0).contains(&value);
        let rules = [
            (
                (0.0..=255.0).contains(&self.shots.min_change),
                "/shots/min_change",
                "must be between 0 and 255 grey levels",
            ),
            (positive(self.shots.min_contrast), "/shots/min_contrast", "must be zero or more"),
            (
                (2..=1000).contains(&self.shots.min_fade_frames),
                "/shots/min_fade_frames",
                "must be between 2 and 1000 frames",
            ),
            (share(self.black.pixel_threshold), "/black/pixel_threshold", "must be between 0 and 1"),
            (share(self.black.min_coverage), "/black/min_coverage", "must be between 0 and 1"),
            (day(self.black.min_seconds), "/black/min_seconds", "must be between 0 and 86400 seconds"),
            (
                (-200.0..0.0).contains(&self.silence.threshold_dbfs),
                "/silence/threshold_dbfs",
                "must be between -200 and 0 dB, 0 excluded",
            ),
            (day(self.silence.min_seconds), "/silence/min_seconds", "must be between 0 and 86400 seconds"),
        ];
        match rules.into_iter().find(|(right, ..)| !right) {
            Some((_, pointer, message)) => Err(InvalidOption { pointer, message }),
            None => Ok(()),
        }
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
    fn a_wrong_value_is_named_by_its_pointer() {
        let mut options = Options::default();
        assert_eq!(options.validate(), Ok(()));
        options.silence.threshold_dbfs = 3.0;
        assert_eq!(options.validate().unwrap_err().pointer, "/silence/threshold_dbfs");
        options.black.min_coverage = f64::NAN;
        assert_eq!(options.validate().unwrap_err().pointer, "/black/min_coverage");
    }
}
