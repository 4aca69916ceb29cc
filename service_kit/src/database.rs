//! Connecting to a database: an SQLite file by default, PostgreSQL where one is given.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr, SqlxError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::settings::SettingsError;

/// How long a writer waits for another process's write to an SQLite file before it gives up.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// PostgreSQL's codes have so many characters; SQLite's are shorter numbers.
const SQLSTATE_LENGTH: usize = 5;

/// A connection that was used this recently is used again without asking whether it still lives: to ask takes as long as to
/// read a record, and a database takes longer to go away and come back.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// The `[database]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `postgres://…` or `sqlite://…`; without one, an SQLite file in the data directory.
    pub url: Option<SecretString>,
    /// Most connections at a time. Of those to an SQLite file, one writes: it has one writer anyhow.
    pub max_connections: u32,
    /// How long a request waits for a connection, in seconds.
    pub acquire_timeout_seconds: u64,
    /// Whether the service brings the schema up to date when it starts.
    pub migrate_on_start: bool,
}

impl DatabaseSettings {
    /// Opens the database; `default_file` is the SQLite file used where no URL is given.
    ///
    /// # Errors
    /// When the URL is no database's ([`SettingsError`] names the key), or the database cannot be reached.
    pub async fn connect(&self, default_file: &Path) -> Result<DatabaseConnection, SettingsError> {
        open(self.options(default_file, self.max_connections)?).await
    }

    /// Opens the database for a service that answers requests on `threads`: connections that all share, and for each thread
    /// some of its own, to read from. They are opened when they are first used, by the thread itself, which then waits for
    /// their sockets without waking another; and of an SQLite file they read beside the writer.
    ///
    /// # Errors
    /// As [`DatabaseSettings::connect`].
    pub async fn connect_with_readers(
        &self,
        default_file: &Path,
        threads: NonZeroUsize,
    ) -> Result<(DatabaseConnection, Vec<DatabaseConnection>), SettingsError> {
        let of_thread = (self.max_connections / 2 / u32::try_from(threads.get()).unwrap_or(u32::MAX)).max(1);
        let of_all =
            u32::try_from(threads.get()).map_or(u32::MAX, |threads| threads.saturating_mul(of_thread));
        let shared = self.max_connections.saturating_sub(of_all).max(1);
        let shared = open(self.options(default_file, shared)?).await?;
        let mut readers = Vec::new();
        for _ in 0..threads.get() {
            let mut options = self.options(default_file, of_thread)?;
            // Several to an SQLite file too: each has a thread of its own, which is woken less often where there are more.
            options.max_connections(of_thread).connect_lazy(true).map_sqlx_sqlite_opts(|sqlite| {
                sqlite.create_if_missing(false).read_only(true).busy_timeout(SQLITE_BUSY_TIMEOUT)
            });
            readers.push(open(options).await?);
        }
        Ok((shared, readers))
    }

    fn options(&self, default_file: &Path, connections: u32) -> Result<ConnectOptions, SettingsError> {
        let url = match &self.url {
            Some(url) => url.expose_secret().to_owned(),
            None => format!("sqlite://{}?mode=rwc", default_file.display()),
        };
        let mut options = ConnectOptions::new(url.clone());
        options
            .acquire_timeout(Duration::from_secs(self.acquire_timeout_seconds))
            .connect_timeout(Duration::from_secs(self.acquire_timeout_seconds))
            .test_before_acquire_if_idle_for(TRUSTED_FOR)
            .sqlx_logging(false);
        if url.starts_with("sqlite:") {
            options.max_connections(1).map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .busy_timeout(SQLITE_BUSY_TIMEOUT)
                    // Readers do not wait for the writer, and what was answered for is on the disk.
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
            });
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            options.max_connections(connections);
        } else {
            return Err(SettingsError::key("database.url", "must begin with postgres:// or sqlite://"));
        }
        Ok(options)
    }
}

async fn open(options: ConnectOptions) -> Result<DatabaseConnection, SettingsError> {
    let opened = Database::connect(options).await;
    opened.map_err(|error| SettingsError::key("database.url", connect_error(&error)))
}

/// The driver's words, without the URL, which may hold a password.
fn connect_error(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) => format!("cannot connect: {error}"),
        other => format!("cannot connect: {other}"),
    }
}

/// Whether an operation failed because others wrote at the same time, and may succeed when it is tried again: an SQLite
/// file that another process holds locked, or a transaction that PostgreSQL gave up for another one.
#[must_use]
pub fn is_contention(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let SqlxError::Database(error) = &**error else { return false };
    error.code().is_some_and(|code| match code.parse::<u32>() {
        // SQLITE_BUSY and SQLITE_LOCKED, whose extended codes have more bits above.
        Ok(number) if code.len() < SQLSTATE_LENGTH => matches!(number & 0xff, 5 | 6),
        // Serialization failure, deadlock, lock not to be had.
        _ => matches!(&*code, "40001" | "40P01" | "55P03"),
    })
}

/// Whether an operation failed because the database went away, not because of what was asked.
#[must_use]
pub fn is_disconnect(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    match &**error {
        SqlxError::Io(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed | SqlxError::WorkerCrashed => true,
        // PostgreSQL class 57: shut down by its operator, crashed, or still starting.
        SqlxError::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}
