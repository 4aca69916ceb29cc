//! What an operator may set. `config/user_service.toml` documents every key and holds every default.

mod registration;
mod smtp;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::app::HttpSettings;
use service_kit::client_address::TrustedProxies;
use service_kit::database::DatabaseSettings;
use service_kit::logging::LogSettings;
use service_kit::settings::SettingsError;

pub use self::registration::{Domains, RegistrationMode, RegistrationSettings};
pub use self::smtp::{LinkTemplate, SmtpSettings, SmtpTls};

/// The documented defaults, as text: the lowest layer of every configuration.
pub const DEFAULTS: &str = include_str!("../../config/user_service.toml");

/// The beginning of the variables that set keys, as in `USER_SERVICE__HTTP__PORT`.
const PREFIX: &str = "USER_SERVICE";

/// What bcrypt can do.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// A secret shorter than this could be guessed offline.
const MIN_SECRET_LENGTH: usize = 32;

/// A longer name is not shown by apps.
const MAX_ISSUER_LENGTH: usize = 64;

/// A hundred years: longer lives are mistakes, and times beyond could not be written down.
const MAX_SECONDS: i64 = 100 * 365 * 24 * 3600;
const MAX_DAYS: u32 = 100 * 365;

/// All of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of everything kept on disk.
    pub data_dir: PathBuf,
    /// Folder of the secrets; see [`Settings::secrets_dir`].
    secrets_dir: Option<PathBuf>,
    /// `[http]`
    pub http: HttpSettings,
    /// `[client_address]`
    pub client_address: ClientAddressSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[database]`
    pub database: DatabaseSettings,
    /// `[registration]`
    pub registration: RegistrationSettings,
    /// `[smtp]`
    pub smtp: SmtpSettings,
    /// `[throttle]`
    pub throttle: ThrottleSettings,
    /// `[rate_limits]`
    pub rate_limits: RateLimitSettings,
    /// `[passwords]`
    pub passwords: PasswordSettings,
    /// `[tokens]`
    pub tokens: TokenSettings,
    /// `[second_factor]`
    pub second_factor: SecondFactorSettings,
    /// `[introspection]`
    pub introspection: IntrospectionSettings,
    /// `[video_service]`
    pub video_service: VideoServiceSettings,
}

/// The `[client_address]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientAddressSettings {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
}

/// The `[throttle]` section.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrottleSettings {
    /// Failed logins with one name that cost nothing.
    pub name_free_failures: u32,
    /// The longest that a name has to wait.
    pub name_longest_delay_seconds: i64,
    /// The longest that codes of a second factor have to wait.
    pub code_longest_delay_seconds: i64,
    /// Failed logins from one network that cost nothing.
    pub network_free_failures: u32,
    /// The longest that a network has to wait.
    pub network_longest_delay_seconds: i64,
    /// After so long without a failure the earlier ones do not count.
    pub forget_after_seconds: i64,
}

/// The `[rate_limits]` section: requests a minute from one network, 0 for any number.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSettings {
    /// `POST /users/register`
    pub register: u32,
    /// `POST /users/login`
    pub login: u32,
    /// What anybody may do with a mailed token, and asking for one.
    pub reset: u32,
    /// `POST /oauth/introspect`
    pub introspect: u32,
}

/// The `[passwords]` section.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordSettings {
    /// bcrypt's work factor.
    pub bcrypt_cost: u32,
    concurrency: usize,
    /// How many passwords may wait for their turn to be hashed.
    pub queue_limit: usize,
}

/// The `[tokens]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The `iss` of access tokens, and the base of the addresses in the server's metadata.
    pub issuer: String,
    /// The `aud` of access tokens.
    pub audience: String,
    access_token_seconds: i64,
    session_idle_seconds: i64,
    session_absolute_seconds: i64,
    refresh_grace_seconds: i64,
    signing_key_days: u32,
    /// From what successors of refresh tokens are derived.
    pub refresh_secret: Option<SecretString>,
}

/// The `[second_factor]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorSettings {
    /// What authenticator apps call this service.
    pub issuer: String,
    /// From what the key is made that their secrets are encrypted with.
    pub key: Option<SecretString>,
}

/// The `[introspection]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionSettings {
    /// The name of the one client that may introspect.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<SecretString>,
}

/// The `[video_service]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoServiceSettings {
    /// Its base address, without a slash at the end.
    pub url: String,
    /// The name under which this service calls it.
    pub client_id: String,
    /// The secret to it.
    pub client_secret: Option<SecretString>,
}

impl Settings {
    /// Defaults, then `file`, then `environment`.
    ///
    /// # Errors
    /// [`SettingsError`] names the key that is wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let settings: Self = service_kit::settings::load(PREFIX, DEFAULTS, file, environment)?;
        settings.registration.check(&settings.smtp)?;
        settings.smtp.check()?;
        settings.throttle.check()?;
        settings.passwords.check()?;
        settings.tokens.check()?;
        settings.second_factor.check()?;
        settings.introspection.check()?;
        settings.video_service.check()?;
        Ok(settings)
    }

    /// Folder of the secrets that the service makes for itself.
    #[must_use]
    pub fn secrets_dir(&self) -> PathBuf {
        self.secrets_dir.clone().unwrap_or_else(|| self.data_dir.join("secrets"))
    }

    /// The database where no URL is given.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("user_service.db")
    }
}

impl ThrottleSettings {
    fn check(&self) -> Result<(), SettingsError> {
        for (key, seconds) in [
            ("throttle.name_longest_delay_seconds", self.name_longest_delay_seconds),
            ("throttle.code_longest_delay_seconds", self.code_longest_delay_seconds),
            ("throttle.network_longest_delay_seconds", self.network_longest_delay_seconds),
            ("throttle.forget_after_seconds", self.forget_after_seconds),
        ] {
            require((1..=MAX_SECONDS).contains(&seconds), key, "must be 1 second to 100 years")?;
        }
        let longest = self
            .name_longest_delay_seconds
            .max(self.code_longest_delay_seconds)
            .max(self.network_longest_delay_seconds);
        require(
            self.forget_after_seconds >= longest,
            "throttle.forget_after_seconds",
            "must not be less than the longest delay",
        )
    }
}

impl PasswordSettings {
    /// How many passwords are hashed at a time.
    #[must_use]
    pub fn concurrency(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.concurrency)
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }

    fn check(&self) -> Result<(), SettingsError> {
        require(
            BCRYPT_COSTS.contains(&self.bcrypt_cost),
            "passwords.bcrypt_cost",
            "must be 4 to 31: bcrypt knows no other",
        )?;
        let small = |number: usize| u16::try_from(number).is_ok();
        require(small(self.concurrency), "passwords.concurrency", "must be at most 65535")?;
        require(small(self.queue_limit), "passwords.queue_limit", "must be at most 65535")
    }
}

impl TokenSettings {
    /// Life of an access token.
    #[must_use]
    pub fn access_token(&self) -> TimeDelta {
        TimeDelta::seconds(self.access_token_seconds)
    }

    /// Life of a session that nobody refreshes.
    #[must_use]
    pub fn session_idle(&self) -> TimeDelta {
        TimeDelta::seconds(self.session_idle_seconds)
    }

    /// Life of a session, however often it is refreshed.
    #[must_use]
    pub fn session_absolute(&self) -> TimeDelta {
        TimeDelta::seconds(self.session_absolute_seconds)
    }

    /// How long a used refresh token still answers with its successor.
    #[must_use]
    pub fn refresh_grace(&self) -> TimeDelta {
        TimeDelta::seconds(self.refresh_grace_seconds)
    }

    /// How long a key signs; none where it does for ever.
    #[must_use]
    pub fn signing_key_age(&self) -> Option<TimeDelta> {
        (self.signing_key_days > 0).then(|| TimeDelta::days(self.signing_key_days.into()))
    }

    fn check(&self) -> Result<(), SettingsError> {
        let authority = ["http://", "https://"].iter().find_map(|scheme| self.issuer.strip_prefix(scheme));
        require(
            authority.is_some_and(|rest| !rest.is_empty() && !rest.contains(['?', '#', ' ']))
                && !self.issuer.ends_with('/'),
            "tokens.issuer",
            "must be an http or https address without query, fragment and slash at its end",
        )?;
        require(!self.audience.is_empty(), "tokens.audience", "must not be empty")?;
        for (key, seconds) in [
            ("tokens.access_token_seconds", self.access_token_seconds),
            ("tokens.session_idle_seconds", self.session_idle_seconds),
            ("tokens.session_absolute_seconds", self.session_absolute_seconds),
        ] {
            require((1..=MAX_SECONDS).contains(&seconds), key, "must be 1 second to 100 years")?;
        }
        require(
            (0..=MAX_SECONDS).contains(&self.refresh_grace_seconds),
            "tokens.refresh_grace_seconds",
            "must be 0 seconds to 100 years",
        )?;
        require(
            self.session_idle_seconds >= self.access_token_seconds,
            "tokens.session_idle_seconds",
            "must not be less than tokens.access_token_seconds",
        )?;
        require(self.signing_key_days <= MAX_DAYS, "tokens.signing_key_days", "must be 0 days to 100 years")?;
        require(
            self.refresh_secret.as_ref().is_none_or(is_long),
            "tokens.refresh_secret",
            "must have at least 32 characters",
        )
    }
}

impl SecondFactorSettings {
    fn check(&self) -> Result<(), SettingsError> {
        require(
            (1..=MAX_ISSUER_LENGTH).contains(&self.issuer.chars().count())
                && !self.issuer.contains(|character: char| character == ':' || character.is_control()),
            "second_factor.issuer",
            "must have 1 to 64 characters, no colon among them",
        )?;
        require(
            self.key.as_ref().is_none_or(is_long),
            "second_factor.key",
            "must have at least 32 characters",
        )
    }
}

impl IntrospectionSettings {
    fn check(&self) -> Result<(), SettingsError> {
        require(
            !self.client_id.is_empty() && is_unreserved(&self.client_id),
            "introspection.client_id",
            "must be letters, digits and - . _ ~",
        )?;
        require(
            self.client_secret
                .as_ref()
                .is_none_or(|secret| is_long(secret) && is_unreserved(secret.expose_secret())),
            "introspection.client_secret",
            "must have at least 32 characters, all of them letters, digits and - . _ ~",
        )
    }
}

impl VideoServiceSettings {
    fn check(&self) -> Result<(), SettingsError> {
        require(
            self.url.strip_prefix("http://").is_some_and(|rest| !rest.is_empty()) && !self.url.ends_with('/'),
            "video_service.url",
            "must begin with http:// and have no slash at its end",
        )?;
        require(
            !self.client_id.is_empty() && is_unreserved(&self.client_id),
            "video_service.client_id",
            "must be letters, digits and - . _ ~",
        )?;
        require(
            self.client_secret.as_ref().is_none_or(is_long),
            "video_service.client_secret",
            "must have at least 32 characters",
        )
    }
}

fn require(holds: bool, key: &str, otherwise: &str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::key(key, otherwise)) }
}

fn is_long(secret: &SecretString) -> bool {
    secret.expose_secret().chars().count() >= MIN_SECRET_LENGTH
}

/// Whether form-encoding (RFC 6749 appendix B) leaves `text` as it is.
fn is_unreserved(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
