//! The `[shares]` section.

use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;

use chrono::TimeDelta;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::settings::SettingsError;

/// Those that bcrypt knows.
const BCRYPT_COSTS: RangeInclusive<u32> = 4..=31;

/// A century: dates beyond it are nobody's intention, and those far beyond cannot be written down.
const MAX_DAYS: NonZeroU32 = NonZeroU32::new(36_525).unwrap();

/// Who sees a video without an account, and for how long.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareSettings {
    /// Links of one video.
    pub max_per_video: NonZeroU64,
    /// How long a link lasts where its maker does not say.
    pub default_days: NonZeroU32,
    /// How long a link may last.
    pub max_days: NonZeroU32,
    /// How long the right password opens a link.
    pub grant_seconds: NonZeroU32,
    /// Of the passwords of links.
    pub bcrypt_cost: u32,
    /// How long an address of content lasts where its maker does not say.
    pub content_url_default_seconds: NonZeroU32,
    /// How long an address of content may last.
    pub content_url_max_seconds: NonZeroU32,
    /// What such addresses are signed with; generated where it is not given.
    pub signing_key: Option<SecretString>,
}

impl ShareSettings {
    /// How long a link lasts: where its maker does not say, and at most.
    #[must_use]
    pub fn life(&self) -> Life {
        let days = |days: NonZeroU32| TimeDelta::days(days.get().into());
        Life { default: days(self.default_days), longest: days(self.max_days) }
    }

    /// How long an address of content lasts.
    #[must_use]
    pub fn content_url_life(&self) -> Life {
        let seconds = |seconds: NonZeroU32| TimeDelta::seconds(seconds.get().into());
        Life {
            default: seconds(self.content_url_default_seconds),
            longest: seconds(self.content_url_max_seconds),
        }
    }

    /// How long the right password opens a link.
    #[must_use]
    pub fn grant_life(&self) -> TimeDelta {
        TimeDelta::seconds(self.grant_seconds.get().into())
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        for (key, life) in [
            ("shares.default_days", self.life()),
            ("shares.content_url_default_seconds", self.content_url_life()),
        ] {
            if life.default > life.longest {
                return Err(SettingsError::key(key, "must not be more than the longest one"));
            }
        }
        if self.max_days > MAX_DAYS {
            return Err(SettingsError::key("shares.max_days", format!("must be at most {MAX_DAYS}")));
        }
        if !BCRYPT_COSTS.contains(&self.bcrypt_cost) {
            return Err(SettingsError::key("shares.bcrypt_cost", "must be 4 to 31: bcrypt knows no other"));
        }
        Ok(())
    }
}

/// How long something lasts.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// Where its maker does not say.
    pub default: TimeDelta,
    /// At most.
    pub longest: TimeDelta,
}
