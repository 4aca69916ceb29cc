//! Connecting to a database: an SQLite file by default, PostgreSQL where one is given.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::{Connection, SqliteConnection};
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
            options.map_sqlx_sqlite_pool_opts(|pool| {
                pool.after_release(|connection, _| Box::pin(is_out_of_transactions(connection)))
            });
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

/// Whether a connection that comes back may be used again. SQLite ends a transaction by itself where the disk is full or
/// fails; the driver does not notice, and would begin the next one as a savepoint inside it, whose commit writes nothing.
async fn is_out_of_transactions(connection: &mut SqliteConnection) -> Result<bool, SqlxError> {
    if connection.is_in_transaction() {
        // Behind a rollback that is under way.
        connection.ping().await?;
    }
    let is_out = !connection.is_in_transaction();
    if !is_out {
        log::warn!("a connection to the database is given up: its transaction did not end");
    }
    Ok(is_out)
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
    code(error).is_some_and(|code| match code {
        // SQLITE_BUSY and SQLITE_LOCKED, whose extended codes have more bits above.
        Code::Sqlite(number) => matches!(number & 0xff, 5 | 6),
        // Serialization failure, deadlock, lock not to be had.
        Code::Postgres(state) => matches!(&*state, "40001" | "40P01" | "55P03"),
    })
}

/// Whether an operation failed because the disk under the database is full.
#[must_use]
pub fn is_full(error: &DbErr) -> bool {
    code(error).is_some_and(|code| match code {
        // SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: the index of the write-ahead log is a file as well.
        Code::Sqlite(number) => matches!(number, 13 | 4874),
        Code::Postgres(state) => state == "53100",
    })
}

/// Whether an operation failed because the database went away, not because of what was asked.
#[must_use]
pub fn is_disconnect(error: &DbErr) -> bool {
    match (sqlx_error(error), code(error)) {
        // Class 57: shut down by its operator, crashed, or still starting.
        (_, Some(Code::Postgres(state))) => state.starts_with("57P"),
        (Some(error), _) => matches!(
            error,
            SqlxError::Io(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed | SqlxError::WorkerCrashed
        ),
        (None, _) => false,
    }
}

/// How a database names what went wrong.
enum Code {
    /// An extended result code.
    Sqlite(u32),
    /// An SQLSTATE.
    Postgres(String),
}

fn code(error: &DbErr) -> Option<Code> {
    let SqlxError::Database(error) = sqlx_error(error)? else { return None };
    let code = error.code()?;
    match code.parse() {
        Ok(number) if code.len() < SQLSTATE_LENGTH => Some(Code::Sqlite(number)),
        _ => Some(Code::Postgres(code.into_owned())),
    }
}

fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbErr, Statement, TransactionTrait};

    use super::*;

    fn settings() -> DatabaseSettings {
        DatabaseSettings {
            url: None,
            max_connections: 1,
            acquire_timeout_seconds: 5,
            migrate_on_start: false,
        }
    }

    async fn add(db: &DatabaseConnection, bytes: usize) -> Result<(), DbErr> {
        let transaction = db.begin().await?;
        transaction.execute_unprepared(&format!("INSERT INTO film VALUES (zeroblob({bytes}))")).await?;
        transaction.commit().await
    }

    async fn films(db: &DatabaseConnection) -> i64 {
        let count = Statement::from_string(db.get_database_backend(), "SELECT COUNT(*) AS films FROM film");
        db.query_one_raw(count).await.unwrap().unwrap().try_get("", "films").unwrap()
    }

    #[actix_web::test]
    async fn a_full_database_says_so_and_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("films.db");
        let db = settings().connect(&file).await.unwrap();
        db.execute_unprepared("CREATE TABLE film (content BLOB)").await.unwrap();
        // As many pages as there are may be.
        db.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
        for _ in 0..3 {
            let error = add(&db, 1_000_000).await.unwrap_err();
            assert!(is_full(&error), "{error:?}");
            db.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
        }
        db.execute_unprepared("PRAGMA max_page_count = 1000000").await.unwrap();
        add(&db, 1).await.unwrap();
        let other = settings().connect(&file).await.unwrap();
        assert_eq!(films(&other).await, 1);
    }
}
