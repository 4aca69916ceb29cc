//! Blobs that no record names: written down before there are such bytes, and in the transaction that takes the last name away;
//! struck out in the transaction that names them.
//!
//! So whoever dies on the way leaves a row, and the service removes by these rows what it finds. What has no row is never
//! removed unasked: beside another database than theirs, as an older one from a backup, films have neither row nor name.
//! Keys are given once, so that what is unnamed for long stays so.

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::unnamed_blob;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::blobs::BlobStore;

/// What is unnamed for so long waits for nobody: from a blob's row to its name are a rename and a transaction.
pub(crate) const AFTER: TimeDelta = TimeDelta::hours(1);
/// Rows that are looked at a time.
const BATCH: u64 = 500;

/// Writes down that nobody names `keys`: not yet, or not any more.
///
/// # Errors
/// When the database fails.
pub(crate) async fn write_down(
    db: &impl ConnectionTrait,
    keys: impl IntoIterator<Item = &String>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let rows = keys.into_iter().map(|key| unnamed_blob::Model { blob_key: key.clone(), since: now });
    let rows: Vec<_> = rows.map(IntoActiveModel::into_active_model).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let known = OnConflict::column(unnamed_blob::Column::BlobKey).do_nothing().to_owned();
    unnamed_blob::Entity::insert_many(rows).on_conflict(known).exec_without_returning(db).await.map(|_| ())
}

/// Strikes out what has got a name, in the transaction that gives it; also what is gone.
///
/// # Errors
/// When the database fails.
pub(crate) async fn strike_out<'k>(
    db: &impl ConnectionTrait,
    keys: impl IntoIterator<Item = &'k String>,
) -> Result<(), DbErr> {
    let keys = keys.into_iter().map(String::as_str);
    let these = unnamed_blob::Entity::delete_many().filter(unnamed_blob::Column::BlobKey.is_in(keys));
    these.exec(db).await.map(|_| ())
}

/// Removes blobs that have been written down and will get no name. A failure is the operator's to know, not the client's, whose
/// request is done; what is left is removed later.
pub(crate) async fn remove(db: &impl ConnectionTrait, blobs: &BlobStore, keys: &[String]) {
    let mut gone = Vec::new();
    for key in keys {
        match blobs.delete(key).await {
            Ok(()) => gone.push(key),
            Err(error) => log::error!("blob left behind key={key} cause=\"{error}\""),
        }
    }
    if gone.is_empty() {
        return;
    }
    if let Err(error) = strike_out(db, gone).await {
        log::warn!("removed blobs are still written down cause=\"{error}\"");
    }
}

/// Removes what has been unnamed since `moment` or longer: its process has died. Returns how many were written down.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(
    db: &impl ConnectionTrait,
    blobs: &BlobStore,
    moment: DateTime<Utc>,
) -> Result<usize, DbErr> {
    let (mut count, mut after) = (0, String::new());
    loop {
        // By keys, so that what cannot be removed holds nothing else up.
        let rows = unnamed_blob::Entity::find()
            .filter(unnamed_blob::Column::Since.lte(moment))
            .filter(unnamed_blob::Column::BlobKey.gt(after.as_str()))
            .order_by_asc(unnamed_blob::Column::BlobKey)
            .limit(BATCH)
            .all(db)
            .await?;
        let keys: Vec<_> = rows.into_iter().map(|row| row.blob_key).collect();
        let Some(last) = keys.last() else { return Ok(count) };
        after.clone_from(last);
        remove(db, blobs, &keys).await;
        count += keys.len();
    }
}

#[cfg(test)]
mod tests {
    use migration::video_db::Migrator;
    use rstest::rstest;
    use sea_orm::{Database, PaginatorTrait, TransactionTrait};
    use sea_orm_migration::MigratorTrait;
    use service_kit::testing::{Backend, TestDatabase};

    use super::*;

    #[rstest]
    #[actix_web::test]
    async fn only_what_has_been_written_down_for_long_and_got_no_name_is_swept(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = Database::connect(database.url()).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path()).unwrap();
        let old = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let [left, named, refused, young, unknown] =
            ["left", "named", "refused", "young", "unknown"].map(str::to_owned);
        for key in [&left, &named, &refused, &young, &unknown] {
            blobs.put(key, vec![1]).await.unwrap();
        }
        write_down(&db, [&left, &named, &refused], old).await.unwrap();
        write_down(&db, [&young], old + AFTER).await.unwrap();
        for (key, commits) in [(&named, true), (&refused, false)] {
            let transaction = db.begin().await.unwrap();
            strike_out(&transaction, [key]).await.unwrap();
            if commits {
                transaction.commit().await.unwrap();
            } else {
                transaction.rollback().await.unwrap();
            }
        }
        assert_eq!(sweep(&db, &blobs, old).await.unwrap(), 2);
        for (key, there) in [(left, false), (named, true), (refused, false), (young, true), (unknown, true)] {
            assert_eq!(blobs.has(&key).await, there, "{key}");
        }
        assert_eq!(unnamed_blob::Entity::find().count(&db).await.unwrap(), 1);
    }
}
