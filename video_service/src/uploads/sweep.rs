//! What uploads leave behind: those that expired, those that died in their last step, and the memory of those that ended.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use entity::video_db::upload::{self, UploadStatus};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::finish::{abandon, finish};
use super::hold::{Purpose, Seized, seize};
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
    let folder = state.blobs.local_path("uploads");
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
    for (name, id) in files {
        let row = upload::Entity::find_by_id(id).one(&state.db).await?;
        let unfinished = [UploadStatus::Waiting, UploadStatus::Receiving, UploadStatus::Verifying];
        if row.is_none_or(|row| !unfinished.contains(&row.status)) {
            state.blobs.discard([format!("uploads/{name}")]).await;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The names of staged files that were not touched for a while, and the uploads they belong to.
fn idle_files(folder: &Path) -> io::Result<Vec<(String, Uuid)>> {
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
        let id = name.trim_end_matches(".lock").parse().ok();
        if let Some(id) = id.filter(|_| idle.is_some_and(|idle| idle >= IDLE)) {
            files.push((name, id));
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
