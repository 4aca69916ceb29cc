//! What an operator may set. `config/user_service.toml` documents every key and holds every default.

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

/// The documented defaults, as text: the lowest layer of every configuration.
pub const DEFAULTS: &str = include_str!("../../config/user_service.toml");

/// The beginning of the variables that set keys, as in `USER_SERVICE__HTTP__PORT`.
const PREFIX: &str = "USER_SERVICE";

/// What bcrypt can do.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// A secret shorter than this could be guessed offline.
const MIN_SECRET_LENGTH: usize = 32;

/// A hundred years: longer lives are mistakes, and times beyond could not be written down.
const MAX_SECONDS: i64 = 100 * 365 * 24 * 3600;

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
    /// `[throttle]`
    pub throttle: ThrottleSettings,
    /// `[rate_limits]`
    pub rate_limits: RateLimitSettings,
    /// `[passwords]`
    pub passwords: PasswordSettings,
    /// `[tokens]`
    pub tokens: TokenSettings,
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
    /// From what successors of refresh tokens are derived.
    pub refresh_secret: Option<SecretString>,
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
        settings.throttle.check()?;
        settings.passwords.check()?;
        settings.tokens.check()?;
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
            ("throttle.network_longest_delay_seconds", self.network_longest_delay_seconds),
            ("throttle.forget_after_seconds", self.forget_after_seconds),
        ] {
            require((1..=MAX_SECONDS).contains(&seconds), key, "must be 1 second to 100 years")?;
        }
        let longest = self.name_longest_delay_seconds.max(self.network_longest_delay_seconds);
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
        require(
            self.refresh_secret.as_ref().is_none_or(is_long),
            "tokens.refresh_secret",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn load_with(name: &str, value: &str) -> Result<Settings, String> {
        let variable = (format!("USER_SERVICE__{name}"), value.to_owned());
        Settings::load(None, std::iter::once(variable)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_file_is_a_whole_configuration() {
        let settings = Settings::load(None, std::iter::empty()).unwrap();
        assert_eq!(settings.http.port, 8000);
        assert_eq!(settings.secrets_dir(), Path::new("data/secrets"));
        assert_eq!(settings.tokens.access_token(), TimeDelta::minutes(15));
    }

    #[test]
    fn values_that_cannot_be_are_refused_with_their_key() {
        for (name, value, key) in [
            ("PASSWORDS__BCRYPT_COST", "3", "passwords.bcrypt_cost"),
            ("PASSWORDS__BCRYPT_COST", "40", "passwords.bcrypt_cost"),
            ("PASSWORDS__QUEUE_LIMIT", "99999999", "passwords.queue_limit"),
            ("CLIENT_ADDRESS__TRUSTED_PROXIES", "10.0.0.0/8,nginx", "client_address.trusted_proxies"),
            ("THROTTLE__NAME_LONGEST_DELAY_SECONDS", "0", "throttle.name_longest_delay_seconds"),
            ("THROTTLE__FORGET_AFTER_SECONDS", "60", "throttle.forget_after_seconds"),
            ("RATE_LIMITS__LOGIN", "-1", "rate_limits.login"),
            ("TOKENS__ISSUER", "localhost", "tokens.issuer"),
            ("TOKENS__ISSUER", "http://localhost/", "tokens.issuer"),
            ("TOKENS__ACCESS_TOKEN_SECONDS", "0", "tokens.access_token_seconds"),
            ("TOKENS__SESSION_IDLE_SECONDS", "60", "tokens.session_idle_seconds"),
            ("TOKENS__REFRESH_GRACE_SECONDS", "-1", "tokens.refresh_grace_seconds"),
            ("TOKENS__SESSION_ABSOLUTE_SECONDS", "9223372036854775807", "tokens.session_absolute_seconds"),
            ("TOKENS__REFRESH_SECRET", "short", "tokens.refresh_secret"),
            ("INTROSPECTION__CLIENT_ID", "a:b", "introspection.client_id"),
            ("VIDEO_SERVICE__URL", "https://localhost:9000", "video_service.url"),
            ("VIDEO_SERVICE__URL", "http://localhost:9000/", "video_service.url"),
            ("VIDEO_SERVICE__CLIENT_SECRET", "short", "video_service.client_secret"),
            ("INTROSPECTION__CLIENT_SECRET", "short", "introspection.client_secret"),
        ] {
            let message = load_with(name, value).unwrap_err();
            assert!(message.contains(key), "{name}={value}: {message}");
        }
    }

    #[test]
    fn a_secret_never_shows_in_its_refusal_or_when_debugged() {
        let message = load_with("INTROSPECTION__CLIENT_SECRET", "hunter2").unwrap_err();
        assert!(!message.contains("hunter2"));
        let settings = load_with("INTROSPECTION__CLIENT_SECRET", &"hunter2-".repeat(4)).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn no_concurrency_means_one_for_each_core() {
        let settings = load_with("PASSWORDS__CONCURRENCY", "0").unwrap();
        assert_eq!(Some(settings.passwords.concurrency()), std::thread::available_parallelism().ok());
        assert_eq!(load_with("PASSWORDS__CONCURRENCY", "3").unwrap().passwords.concurrency().get(), 3);
    }
}
