//! Kept features go when the last video with their content has gone.

use std::io;

use entity::video_db::video;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter, QuerySelect};
use video_analysis::FeatureCache;

/// Digests in one question to the database.
const BATCH: usize = 500;

/// Removes the features of content that no record names, in the library or in the trash. Returns of how many contents.
///
/// Every process does so for its own folder: whoever deletes a video may be on another machine.
///
/// # Errors
/// When the database fails, or the folder cannot be read.
pub(crate) async fn forget_orphans(db: &DatabaseConnection, cache: &FeatureCache) -> io::Result<usize> {
    let digests = on_disk(cache, FeatureCache::digests).await?;
    let digests: Vec<String> = digests.into_iter().collect();
    let mut forgotten = 0;
    for batch in digests.chunks(BATCH) {
        let named: Vec<Option<String>> = video::Entity::find()
            .select_only()
            .column(video::Column::Sha256)
            .filter(video::COLUMN.sha256.is_in(batch.iter().cloned()))
            .into_tuple()
            .all(db)
            .await
            .map_err(io::Error::other)?;
        for orphan in batch.iter().filter(|digest| !named.iter().flatten().any(|name| name == *digest)) {
            let orphan = orphan.clone();
            on_disk(cache, move |cache| cache.forget(&orphan)).await?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// Runs `work` where it may wait for the disk.
async fn on_disk<T: Send + 'static>(
    cache: &FeatureCache,
    work: impl FnOnce(&FeatureCache) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let cache = cache.clone();
    tokio::task::spawn_blocking(move || work(&cache)).await?
}
