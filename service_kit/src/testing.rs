//! Throw-away databases for tests: an SQLite file, or a database of its own on a real PostgreSQL server; and cables to cut.

mod cable;

use sea_orm::{ConnectionTrait, Database, DbErr};
use tempfile::TempDir;
use uuid::Uuid;

pub use self::cable::Cable;

/// The variable that holds the URL of a PostgreSQL server on which tests may create databases, as
/// `postgres://user@127.0.0.1:5432/postgres`; `make test` starts one and sets it.
pub const POSTGRES_VARIABLE: &str = "KADR_TEST_POSTGRES";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on the server that [`POSTGRES_VARIABLE`] names.
    Postgres,
}

/// An empty database, for one test.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    /// Removed with its SQLite file when the test ends; the PostgreSQL cluster goes as a whole.
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Errors
    /// When the server is not named, cannot be reached or refuses, or there is no temporary folder.
    pub async fn create(backend: Backend) -> Result<Self, DbErr> {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().map_err(|error| DbErr::Custom(error.to_string()))?;
                let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
                Ok(Self { url, _folder: Some(folder) })
            }
            Backend::Postgres => {
                let server = std::env::var(POSTGRES_VARIABLE)
                    .map_err(|_| DbErr::Custom(format!("{POSTGRES_VARIABLE} is not set: run `make test`")))?;
                let name = format!("test_{}", Uuid::new_v4().simple());
                let admin = Database::connect(&server).await?;
                admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
                admin.close().await?;
                let (base, _) = server.rsplit_once('/').unwrap_or((&server, ""));
                Ok(Self { url: format!("{base}/{name}"), _folder: None })
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
