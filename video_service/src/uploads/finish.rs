//! From the last byte to a video's content. Every step can be done again: a process that dies between two of them leaves
//! an upload `verifying`, which the next request for it, or the next sweep, takes further.

use actix_web::ResponseError;
use entity::video_db::upload::{self, UploadStatus};
use entity::video_db::video::{self, VideoStatus};
use object_store::Error::NotFound;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, TransactionTrait};
use service_kit::problem::Problem;
use uuid::Uuid;

use super::hold::{Hold, staging_key};
use super::staging;
use crate::content::Arrived;
use crate::state::State;
use crate::unnamed;
use crate::videos::{self, Replaced, Replaces};

/// Why an upload fails whose video is gone.
pub(super) const DELETED: &str = "the video was deleted before its bytes had arrived";

/// Makes the bytes of a whole upload the content of its video. The row that is returned says whether they are: it is
/// `ready`, or `failed` with the reason.
///
/// # Errors
/// When the store or the database fails: the upload stays `verifying`.
pub(super) async fn finish(state: &State, hold: Hold) -> Result<upload::Model, Problem> {
    let row = hold.row.clone();
    // The token or the ticket that began it may have ended long ago: whether its account may still act is asked again.
    if !state.standing.is_good(row.owner_id).await? {
        return fail(state, hold, "the account may not upload any more".to_owned()).await;
    }
    let arrived = arrive(state, &row).await?;
    let replaces = row.replaces_version.map_or(Replaces::Any, Replaces::Version);
    match videos::replace_content(state, row.video_id, replaces, arrived, row.analyze).await {
        Ok(Replaced { transaction, unnamed, .. }) => {
            write_end(&transaction, &row, UploadStatus::Ready, None, state).await?;
            // Where it fails, the bytes stay where they are: the next request, or the next sweep, comes to them.
            transaction.commit().await?;
            state.workers.wake();
            unnamed::remove(&state.db, &state.blobs, &unnamed).await;
            hold.remove_files(state).await;
            Ok(upload::Model { status: UploadStatus::Ready, ..row })
        }
        Err(problem) if problem.status_code().is_client_error() => {
            let reason = if videos::is_not_found(&problem) {
                DELETED.to_owned()
            } else if videos::is_changed(&problem) {
                "the video has got other content meanwhile".to_owned()
            } else {
                problem.to_string()
            };
            fail(state, hold, reason).await
        }
        Err(problem) => Err(problem),
    }
}

/// Brings the whole bytes to where a video's content is.
async fn arrive(state: &State, row: &upload::Model) -> Result<Arrived, Problem> {
    let sha256 =
        staging::digest(&row.hash_state).ok_or_else(|| Problem::internal("the hash is unreadable"))?;
    let key = content_key(row);
    match state.blobs.rename(&staging_key(row.id), &key).await {
        // It has been renamed before, by a process that then died.
        Ok(()) => {}
        Err(NotFound { .. }) if state.blobs.has(&key).await => {}
        Err(error) => return Err(videos::storage_failed(&error)),
    }
    Ok(Arrived {
        key,
        bytes: row.length,
        sha256,
        filename: row.filename.clone(),
        media_type: row.media_type.clone().unwrap_or_else(|| mime::APPLICATION_OCTET_STREAM.to_string()),
    })
}

/// Ends an upload whose bytes cannot be content, and removes all that it left but the memory of it.
///
/// # Errors
/// When the database fails.
pub(super) async fn fail(state: &State, hold: Hold, reason: String) -> Result<upload::Model, Problem> {
    let row = hold.row.clone();
    let content = [content_key(&row)];
    let db = state.db.begin().await?;
    write_end(&db, &row, UploadStatus::Failed, Some(reason.clone()), state).await?;
    unnamed::write_down(&db, &content, state.clock.now()).await?;
    db.commit().await?;
    unnamed::remove(&state.db, &state.blobs, &content).await;
    remove_remains(state, hold).await?;
    Ok(upload::Model { status: UploadStatus::Failed, reason: Some(reason), ..row })
}

/// Where the bytes of an upload are, once they are whole.
pub(crate) fn content_key(row: &upload::Model) -> String {
    format!("videos/{}-{}", row.video_id, row.id)
}

/// The upload whose bytes may be under `key`.
pub(crate) fn id_in_key(key: &str) -> Option<Uuid> {
    key.get(key.len().checked_sub(36)?..)?.parse().ok()
}

/// Ends an upload that nothing can come of any more, and removes what it left: its bytes, and the record that was made
/// for it.
///
/// # Errors
/// When the database fails.
pub(super) async fn abandon(state: &State, hold: Hold, status: Option<UploadStatus>) -> Result<(), Problem> {
    let row = hold.row.clone();
    // Only a whole upload may have come so far.
    let content = (row.status == UploadStatus::Verifying).then(|| content_key(&row));
    let db = state.db.begin().await?;
    match status {
        Some(status) => write_end(&db, &row, status, None, state).await?,
        None => {
            upload::Entity::delete_by_id(row.id).exec(&db).await?;
        }
    }
    unnamed::write_down(&db, &content, state.clock.now()).await?;
    db.commit().await?;
    unnamed::remove(&state.db, &state.blobs, content.as_slice()).await;
    remove_remains(state, hold).await
}

/// Removes staged bytes, and the record that was made for them, where it still waits for some.
async fn remove_remains(state: &State, hold: Hold) -> Result<(), Problem> {
    let (video_id, made_record) = (hold.row.video_id, hold.row.made_record);
    hold.remove_files(state).await;
    if made_record {
        let waiting = Condition::all().add(video::COLUMN.status.eq(VideoStatus::Waiting));
        videos::remove(state, video_id, waiting).await?;
    }
    Ok(())
}

async fn write_end(
    db: &impl ConnectionTrait,
    row: &upload::Model,
    status: UploadStatus,
    reason: Option<String>,
    state: &State,
) -> Result<(), DbErr> {
    upload::Entity::update_many()
        .filter(upload::COLUMN.id.eq(row.id))
        .col_expr(upload::Column::Status, Expr::value(status))
        .col_expr(upload::Column::Reason, Expr::value(reason))
        .col_expr(upload::Column::UpdatedAt, Expr::value(state.clock.now()))
        .exec(db)
        .await
        .map(|_| ())
}
