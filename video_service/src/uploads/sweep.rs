//! What uploads leave behind: those that expired or whose video is gone, those that died in their last step, and the memory of
//! those that ended.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use entity::video_db::upload::{self, UploadStatus};
use entity::video_db::video;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::finish::{DELETED, abandon, fail, finish};
use super::hold::{Purpose, STAGING, Seized, seize};
use crate::state::State;

/// How many are looked at in one sweep.
const BATCH: u64 = 500;
/// How long it is remembered how an upload ended.
const MEMORY: TimeDelta = TimeDelta::days(7);
/// An upload whose last step has not ended after so long has lost whoever was at it.
const LOST: TimeDelta = TimeDelta::minutes(5);
/// A file that was touched more recently may belong to an upload that begins or ends at this moment.
const IDLE: Duration = Duration::from_mins(10);

/// Cleans up once. Returns how many uploads were touched.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(state: &State) -> Result<u64, DbErr> {
    let now = state.clock.now();
    let mut touched = 0;
    for row in with(state, [UploadStatus::Verifying], upload::Column::UpdatedAt.lt(now - LOST)).await? {
        let id = row.id;
        match seize(state, row, Purpose::Continue).await {
            Ok(Seized::Open(hold)) => match finish(state, hold).await {
                Ok(_) => touched += 1,
                Err(problem) => log::error!("upload cannot be finished upload={id} cause=\"{problem}\""),
            },
            Ok(Seized::Ended(_)) => {}
            Err(problem) => log::warn!("upload cannot be finished upload={id} cause=\"{problem}\""),
        }
    }
    let unfinished = [UploadStatus::Waiting, UploadStatus::Receiving];
    for row in with(state, unfinished, upload::Column::ExpiresAt.lte(now)).await? {
        let id = row.id;
        if let Ok(Seized::Open(hold)) = seize(state, row, Purpose::Remove).await {
            match abandon(state, hold, Some(UploadStatus::Expired)).await {
                Ok(()) => touched += 1,
                Err(problem) => log::error!("upload cannot be removed upload={id} cause=\"{problem}\""),
            }
        }
    }
    // Somebody may have taken them from whoever deleted the video.
    let videos = Query::select().column(video::Column::Id).from(video::Entity).take();
    for row in with(state, unfinished, upload::Column::VideoId.not_in_subquery(videos)).await? {
        let id = row.id;
        if let Ok(Seized::Open(hold)) = seize(state, row, Purpose::Remove).await {
            match fail(state, hold, DELETED.to_owned()).await {
                Ok(_) => touched += 1,
                Err(problem) => {
                    log::error!("upload to a deleted video not ended upload={id} cause=\"{problem}\"");
                }
            }
        }
    }
    let ended = [UploadStatus::Ready, UploadStatus::Failed, UploadStatus::Expired];
    let forgotten = upload::Entity::delete_many()
        .filter(upload::COLUMN.status.is_in(ended))
        .filter(upload::COLUMN.updated_at.lt(now - MEMORY))
        .exec(&state.db)
        .await?;
    Ok(touched + forgotten.rows_affected + remove_orphans(state).await?)
}

/// Removes files of uploads that are not known any more: what a process left that died between a row and its file.
async fn remove_orphans(state: &State) -> Result<u64, DbErr> {
    let folder = state.blobs.local_path(STAGING);
    let files = match tokio::task::spawn_blocking(move || idle_files(&folder)).await {
        Ok(Ok(files)) => files,
        Ok(Err(error)) => {
            log::warn!("staged uploads cannot be listed cause=\"{error}\"");
            return Ok(0);
        }
        Err(error) => {
            log::error!("staged uploads cannot be listed cause=\"{error}\"");
            return Ok(0);
        }
    };
    let mut removed = 0;
    for name in files {
        let key = format!("{STAGING}/{name}");
        if staged(&state.db, [key.as_str()].into_iter()).await?.is_empty() {
            state.blobs.discard([key]).await;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Those of `keys` that belong to uploads which bytes still may come to.
///
/// # Errors
/// When the database fails.
pub(crate) async fn staged<'k>(
    db: &impl ConnectionTrait,
    keys: impl Iterator<Item = &'k str>,
) -> Result<HashSet<String>, DbErr> {
    let keys: Vec<_> = keys.filter_map(|key| Some((key, id_of_file(key.rsplit('/').next()?)?))).collect();
    let unfinished = [UploadStatus::Waiting, UploadStatus::Receiving, UploadStatus::Verifying];
    let rows = upload::Entity::find()
        .filter(upload::COLUMN.id.is_in(keys.iter().map(|(_, id)| *id)))
        .filter(upload::COLUMN.status.is_in(unfinished));
    let known: HashSet<Uuid> = rows.all(db).await?.into_iter().map(|row| row.id).collect();
    Ok(keys.into_iter().filter(|(_, id)| known.contains(id)).map(|(key, _)| key.to_owned()).collect())
}

/// The upload that a staged file, or its lock, belongs to.
fn id_of_file(name: &str) -> Option<Uuid> {
    name.trim_end_matches(".lock").parse().ok()
}

/// The names of files of uploads that were not touched for a while.
fn idle_files(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let idle =
            entry.metadata().and_then(|file| file.modified()).ok().and_then(|time| time.elapsed().ok());
        if id_of_file(&name).is_some() && idle.is_some_and(|idle| idle >= IDLE) {
            files.push(name);
        }
    }
    Ok(files)
}

async fn with(
    state: &State,
    status: impl IntoIterator<Item = UploadStatus>,
    condition: sea_orm::sea_query::SimpleExpr,
) -> Result<Vec<upload::Model>, DbErr> {
    upload::Entity::find()
        .filter(upload::COLUMN.status.is_in(status))
        .filter(condition)
        .limit(BATCH)
        .all(&state.db)
        .await
}
