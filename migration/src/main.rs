//! `DATABASE_URL=… sea-orm-cli migrate …` for either database.

use std::process::ExitCode;

use migration::{user_db, video_db};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DbConn};

/// Which migrator runs, where it is not told from the database's name.
const SELECTOR: &str = "MIGRATOR";

#[tokio::main]
async fn main() -> ExitCode {
    let selector = std::env::var(SELECTOR).ok();
    match selector.as_deref().or_else(|| database_url().as_deref().and_then(named_after)) {
        Some("user_db") => cli::run_cli_with_connection(user_db::Migrator, connect).await,
        Some("video_db") => cli::run_cli_with_connection(video_db::Migrator, connect).await,
        Some(other) => {
            eprintln!("migration: {SELECTOR}={other}: must be user_db or video_db");
            return ExitCode::from(2);
        }
        None => {
            eprintln!(
                "migration: which schema? Set {SELECTOR}=user_db or {SELECTOR}=video_db, \
                 or use a database whose name contains `user` or `video`"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// The URL as `sea-orm-cli` hands it on: an argument first, then the environment.
fn database_url() -> Option<String> {
    std::env::args()
        .skip_while(|argument| argument != "-u" && argument != "--database-url")
        .nth(1)
        .or_else(|| std::env::var("DATABASE_URL").ok())
}

/// The migrator that the name of the database at `url` speaks of; folders, hosts and users do not count.
fn named_after(url: &str) -> Option<&'static str> {
    let name = url.split('?').next()?.rsplit(['/', ':']).next()?;
    match (name.contains("user"), name.contains("video")) {
        (true, false) => Some("user_db"),
        (false, true) => Some("video_db"),
        _ => None,
    }
}

/// A SQLite file that does not exist yet is made.
async fn connect(mut options: ConnectOptions) -> Result<DbConn, DbErr> {
    options.map_sqlx_sqlite_opts(|sqlite| sqlite.create_if_missing(true));
    Database::connect(options).await
}

#[cfg(test)]
mod tests {
    use super::named_after;

    #[test]
    fn the_name_of_the_database_tells_its_migrator() {
        assert_eq!(named_after("sqlite://data/user_service.db?mode=rwc"), Some("user_db"));
        assert_eq!(named_after("sqlite:video.db"), Some("video_db"));
        assert_eq!(named_after("postgres://user:secret@host/video_service"), Some("video_db"));
    }

    #[test]
    fn a_name_that_fits_neither_or_both_tells_nothing() {
        assert_eq!(named_after("postgres://user_service:secret@host/kadr"), None);
        assert_eq!(named_after("sqlite:///tmp/video/x.db"), None);
        assert_eq!(named_after("sqlite://user_video.db"), None);
    }
}
