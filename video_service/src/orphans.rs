//! Bytes in the store that nobody names: what a process left that died between bytes and the record of them.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::upload::{self, UploadStatus};
use entity::video_db::{analysis, content};
use futures_util::StreamExt;
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};

use crate::blobs::BlobStore;
use crate::uploads;

/// Keys that are compared at a time.
const BATCH: usize = 500;
/// What is younger may belong to a request that has not written its record yet.
pub(crate) const YOUNG: TimeDelta = TimeDelta::minutes(10);

/// Why orphans could not be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrphansError {
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// The store failed.
    #[error("storage: {0}")]
    Storage(#[from] object_store::Error),
}

/// Bytes that nobody names.
pub(crate) struct Orphan {
    pub(crate) key: String,
    pub(crate) bytes: u64,
}

/// What nobody names, of that which was last written to before `moment`.
///
/// # Errors
/// When the database or the store fails.
pub(crate) async fn find(
    db: &DatabaseConnection,
    blobs: &BlobStore,
    moment: DateTime<Utc>,
) -> Result<Vec<Orphan>, OrphansError> {
    let mut orphans = Vec::new();
    for folder in ["videos", "posters", uploads::STAGING] {
        let mut listing = blobs.list(folder).chunks(BATCH);
        while let Some(found) = listing.next().await {
            let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
            let old = found.into_iter().filter(|blob| blob.last_modified <= moment);
            let old: Vec<_> =
                old.map(|blob| Orphan { key: blob.location.to_string(), bytes: blob.size }).collect();
            let keys: Vec<&str> = old.iter().map(|blob| blob.key.as_str()).collect();
            let named = named(db, folder, &keys).await?;
            orphans.extend(old.into_iter().filter(|blob| !named.contains(&blob.key)));
        }
    }
    Ok(orphans)
}

/// Whether `key`, found a while ago, is there and nobody names it now: it may have got its name, or gone its way, meanwhile.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_still(db: &DatabaseConnection, blobs: &BlobStore, key: &str) -> Result<bool, DbErr> {
    let folder = key.split('/').next().unwrap_or_default();
    Ok(named(db, folder, &[key]).await?.is_empty() && blobs.has(key).await)
}

async fn named(db: &DatabaseConnection, folder: &str, keys: &[&str]) -> Result<HashSet<String>, DbErr> {
    match folder {
        "videos" => contents(db, keys).await,
        "posters" => posters(db, keys).await,
        _ => uploads::staged(db, keys.iter().copied()).await,
    }
}

/// Those of `keys` that are content, or are about to be: whoever was at the last step of an upload may have died. In the
/// order in which they come and go: what ends its way between the two questions is content by the second.
async fn contents(db: &DatabaseConnection, keys: &[&str]) -> Result<HashSet<String>, DbErr> {
    let ids = keys.iter().filter_map(|key| uploads::id_in_key(key));
    let on_their_way = upload::Entity::find()
        .filter(upload::Column::Id.is_in(ids))
        .filter(upload::Column::Status.eq(UploadStatus::Verifying));
    let on_their_way = on_their_way.all(db).await?;
    let rows = content::Entity::find().filter(content::Column::BlobKey.is_in(keys.iter().copied()));
    let named = rows.all(db).await?.into_iter().map(|row| row.blob_key);
    Ok(named.chain(on_their_way.iter().map(uploads::content_key)).collect())
}

async fn posters(db: &DatabaseConnection, keys: &[&str]) -> Result<HashSet<String>, DbErr> {
    let rows = analysis::Entity::find().filter(analysis::Column::PosterKey.is_in(keys.iter().copied()));
    Ok(rows.all(db).await?.into_iter().filter_map(|row| row.poster_key).collect())
}
