//! What an operator can set. `config/video_service.toml` documents every key.

mod shares;
mod webhooks;

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::app::HttpSettings;
use service_kit::database::DatabaseSettings;
use service_kit::logging::LogSettings;
use service_kit::secret_file;
use service_kit::settings::{self, SettingsError};
use video_analysis::{Execution, FeatureCache, Limits};

pub use shares::{Life, ShareSettings};
pub use webhooks::{RetrySchedule, WebhookSettings};

pub use crate::quota::Quota;

/// The documented defaults.
const DEFAULTS: &str = include_str!("../../config/video_service.toml");

/// Everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where everything lives that has no place of its own.
    pub data_dir: PathBuf,
    /// Generated secrets; `secrets` in the data directory where it is not given.
    pub secrets_dir: Option<PathBuf>,
    /// Where to listen.
    pub http: HttpSettings,
    /// What to log.
    pub log: LogSettings,
    /// Where records are kept.
    pub database: DatabaseSettings,
    /// Where bytes are kept.
    pub storage: StorageSettings,
    /// What is accepted.
    pub uploads: UploadSettings,
    /// How much an account may keep.
    #[serde(default)]
    pub quota: Quota,
    /// How records are kept.
    pub library: LibrarySettings,
    /// Who sees a video without an account.
    pub shares: ShareSettings,
    /// Whom to ask about tokens.
    pub user_service: UserServiceSettings,
    /// Who may have accounts' videos deleted.
    pub account_deletion: AccountDeletionSettings,
    /// How progress is told.
    pub events: EventSettings,
    /// Whom else events are told.
    pub webhooks: WebhookSettings,
    /// How analyses are run.
    pub analysis: AnalysisSettings,
}

/// The `[storage]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// `blobs` in the data directory where it is not given.
    pub directory: Option<PathBuf>,
}

/// The `[uploads]` section.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadSettings {
    /// Largest video, in bytes.
    pub max_bytes: NonZeroU64,
    /// How long an upload can be continued after its last byte.
    pub expiry_hours: NonZeroU32,
    /// Uploads of an account that may be unfinished at a time.
    pub max_unfinished_per_account: NonZeroU64,
    /// How long an upload ticket may count.
    pub ticket_max_hours: NonZeroU32,
    /// Requests of an account that may bring bytes at a time, to one process.
    pub max_concurrent_per_account: NonZeroUsize,
    /// Slower clients are taken for dead.
    pub min_bytes_per_second: u64,
}

impl UploadSettings {
    /// How long an upload can be continued after its last byte.
    #[must_use]
    pub fn lifetime(&self) -> TimeDelta {
        TimeDelta::hours(self.expiry_hours.get().into())
    }
}

/// The `[library]` section.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySettings {
    /// How long deleted videos can be restored; 0 is not at all.
    pub trash_days: u32,
    /// How often it is looked for what has been in the trash for so long.
    pub purge_interval_seconds: NonZeroU64,
}

impl LibrarySettings {
    /// How long deleted videos can be restored.
    #[must_use]
    pub fn trash_window(&self) -> TimeDelta {
        TimeDelta::days(self.trash_days.into())
    }
}

/// The `[user_service]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserServiceSettings {
    /// Its base address, without a slash at the end.
    pub url: String,
    /// Who asks.
    pub client_id: String,
    /// How the asker proves it; generated where it is not given.
    pub client_secret: Option<SecretString>,
    /// How long an answer may take.
    pub timeout_seconds: NonZeroU64,
    /// How long an answer is believed.
    pub cache_seconds: u64,
    /// Most tokens remembered at a time.
    pub cache_entries: NonZeroU64,
    /// How long the published keys are believed.
    pub jwks_max_age_seconds: NonZeroU64,
    /// Shortest time between two fetches of the keys.
    pub jwks_min_interval_seconds: NonZeroU64,
}

/// The `[account_deletion]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountDeletionSettings {
    /// The name of the service that tells of deleted accounts.
    pub client_id: String,
    /// How it proves itself; generated where it is not given.
    pub client_secret: Option<SecretString>,
}

/// The `[events]` section.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// Most streams of events at a time.
    pub max_listeners: NonZeroUsize,
    /// Of one account.
    pub max_listeners_per_account: NonZeroUsize,
    /// Longest silence of a stream.
    pub heartbeat_seconds: NonZeroU64,
}

/// The `[analysis]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisSettings {
    /// Analyses at a time in this process.
    pub slots: NonZeroUsize,
    /// Pieces of one analysis; 0 is one for each core.
    pub segments: usize,
    /// Attempts before a retryable failure is final.
    pub max_attempts: NonZeroU32,
    /// Before the second attempt.
    pub retry_backoff_seconds: u64,
    /// How often an idle worker looks for work.
    pub poll_seconds: NonZeroU64,
    /// How long a silent worker keeps its job.
    pub lease_seconds: NonZeroU64,
    /// How long an analysis may get no further.
    pub stall_seconds: NonZeroU64,
    /// Of one decoder process.
    pub cpu_seconds: NonZeroU64,
    /// Address space of one decoder process.
    pub memory_bytes: NonZeroU64,
    /// Of each decoder process.
    pub niceness: u8,
    /// Of one analysis.
    pub wall_seconds: NonZeroU64,
    /// Width times height.
    pub max_pixels: NonZeroU64,
    /// Longest video.
    pub max_duration_seconds: NonZeroU64,
    /// Smallest content that is looked at before it is analysed.
    pub preview_min_bytes: u64,
    /// Most bytes of kept features; 0 keeps none.
    pub feature_cache_bytes: u64,
    /// `features` in the data directory where it is not given.
    pub feature_cache_dir: Option<PathBuf>,
    /// The program.
    pub ffmpeg: PathBuf,
    /// The program.
    pub ffprobe: PathBuf,
}

impl Settings {
    /// Reads the defaults, then `file`, then the environment.
    ///
    /// # Errors
    /// [`SettingsError`], whose text names the key.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let settings: Self = settings::load("VIDEO_SERVICE", DEFAULTS, file, environment)?;
        settings.validate()?;
        Ok(settings)
    }

    fn validate(&self) -> Result<(), SettingsError> {
        let url = &self.user_service.url;
        if !url.starts_with("http://") || url.ends_with('/') {
            return Err(SettingsError::key(
                "user_service.url",
                "must begin with http:// and have no slash at its end",
            ));
        }
        let shortest_lease = 3 * crate::worker::HEARTBEAT.as_secs().max(1);
        if self.analysis.lease_seconds.get() < shortest_lease {
            return Err(SettingsError::key(
                "analysis.lease_seconds",
                format!("must be at least {shortest_lease}, or a busy machine loses its jobs"),
            ));
        }
        if self.analysis.niceness > 19 {
            return Err(SettingsError::key("analysis.niceness", "must be 0 to 19"));
        }
        self.shares.validate()
    }

    /// Where uploaded bytes are.
    #[must_use]
    pub fn blob_dir(&self) -> PathBuf {
        self.storage.directory.clone().unwrap_or_else(|| self.data_dir.join("blobs"))
    }

    /// Where features are kept for the next analysis of the same content.
    #[must_use]
    pub fn feature_cache(&self) -> FeatureCache {
        let given = self.analysis.feature_cache_dir.clone();
        let directory = given.unwrap_or_else(|| self.data_dir.join("features"));
        FeatureCache::new(directory, self.analysis.feature_cache_bytes)
    }

    /// The SQLite file that is used where no database is given.
    #[must_use]
    pub fn default_database(&self) -> PathBuf {
        self.data_dir.join("video_service.db")
    }

    /// What this service proves itself with when it asks about tokens.
    ///
    /// # Errors
    /// When the secret is not given and its file can be neither read nor made.
    pub fn client_secret(&self) -> Result<SecretString, SettingsError> {
        self.secret(self.user_service.client_secret.as_ref(), "introspection_client_secret")
    }

    /// What User Service proves itself with when it tells of deleted accounts.
    ///
    /// # Errors
    /// As [`Self::client_secret`].
    pub fn account_deletion_secret(&self) -> Result<SecretString, SettingsError> {
        self.secret(self.account_deletion.client_secret.as_ref(), "account_deletion_client_secret")
    }

    /// What the secrets of webhooks are encrypted with in the database.
    ///
    /// # Errors
    /// As [`Self::client_secret`].
    pub fn webhook_key(&self) -> Result<SecretString, SettingsError> {
        self.secret(self.webhooks.secret_key.as_ref(), "webhook_key")
    }

    /// What addresses of content and grants of share links are signed with.
    ///
    /// # Errors
    /// As [`Self::client_secret`].
    pub fn url_signing_key(&self) -> Result<SecretString, SettingsError> {
        self.secret(self.shares.signing_key.as_ref(), "url_signing_key")
    }

    /// The secret that was given, else the one in the file `name`, which is made at first start.
    fn secret(&self, given: Option<&SecretString>, name: &str) -> Result<SecretString, SettingsError> {
        if let Some(secret) = given {
            return Ok(secret.clone());
        }
        let folder = self.secrets_dir.clone().unwrap_or_else(|| self.data_dir.join("secrets"));
        let path = folder.join(name);
        secret_file::load_or_create(&path)
            .map_err(|error| SettingsError::key("secrets_dir", format!("{}: {error}", path.display())))
    }
}

impl AnalysisSettings {
    /// What the engine may use.
    #[must_use]
    pub fn execution(&self) -> Execution {
        let defaults = Execution::default();
        let segments = NonZeroUsize::new(self.segments);
        Execution {
            segments: segments.unwrap_or(defaults.segments),
            workers: segments.unwrap_or(defaults.workers),
            limits: Limits {
                cpu: Duration::from_secs(self.cpu_seconds.get()),
                memory: self.memory_bytes.get(),
                niceness: self.niceness,
                wall: Duration::from_secs(self.wall_seconds.get()),
                ..defaults.limits
            },
            max_pixels: self.max_pixels.get(),
            max_duration: Duration::from_secs(self.max_duration_seconds.get()),
            ffmpeg: self.ffmpeg.clone(),
            ffprobe: self.ffprobe.clone(),
            ..defaults
        }
    }
}
