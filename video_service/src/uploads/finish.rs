//! From the last byte to a video's content. Every step can be done again: a process that dies between two of them leaves
//! an upload `verifying`, which the next request for it, or the next sweep, takes further.

use actix_web::ResponseError;
use entity::video_db::upload::{self, UploadStatus};
use entity::video_db::video::{self, VideoStatus};
use object_store::Error::NotFound;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use service_kit::problem::Problem;
use uuid::Uuid;

use super::hold::{Hold, staging_key};
use super::staging;
use crate::content::Arrived;
use crate::state::State;
use crate::videos::{self, Replaced};

/// Makes the bytes of a whole upload the content of its video.
///
/// # Errors
/// When the store or the database fails: the upload stays `verifying`.
pub(super) async fn finish(state: &State, hold: Hold) -> Result<upload::Model, Problem> {
    let row = hold.row.clone();
    // The token or the ticket that began it may have ended long ago: whether its account may still act is asked again.
    if !state.standing.is_good(row.owner_id).await? {
        let reason = "the account may not upload any more".to_owned();
        write_end(&state.db, &row, UploadStatus::Failed, Some(reason.clone()), state).await?;
        state.blobs.discard([content_key(&row)]).await;
        hold.remove_files(state).await;
        return Ok(upload::Model { status: UploadStatus::Failed, reason: Some(reason), ..row });
    }
    let digest =
        staging::digest(&row.hash_state).ok_or_else(|| Problem::internal("the hash is unreadable"))?;
    let key = content_key(&row);
    match state.blobs.rename(&staging_key(row.id), &key).await {
        // It has been renamed before, by a process that then died.
        Ok(()) => {}
        Err(NotFound { .. }) if state.blobs.has(&key).await => {}
        Err(error) => return Err(videos::storage_failed(&error)),
    }
    let arrived = Arrived {
        key: key.clone(),
        bytes: row.length,
        sha256: digest,
        filename: row.filename.clone(),
        media_type: row.media_type.clone().unwrap_or_else(|| mime::APPLICATION_OCTET_STREAM.to_string()),
    };
    let (status, reason) = match videos::replace_content(state, row.video_id, arrived, row.analyze).await {
        Ok(Replaced { transaction, unnamed, .. }) => {
            write_end(&transaction, &row, UploadStatus::Ready, None, state).await?;
            // Where a commit fails nobody knows whether it happened: the bytes stay, rather orphaned than lost.
            transaction.commit().await?;
            state.workers.wake();
            state.blobs.discard(unnamed).await;
            (UploadStatus::Ready, None)
        }
        Err(problem) if problem.status_code().is_client_error() => {
            let reason = if videos::is_not_found(&problem) {
                "the video was deleted before its bytes had arrived".to_owned()
            } else {
                problem.to_string()
            };
            write_end(&state.db, &row, UploadStatus::Failed, Some(reason.clone()), state).await?;
            state.blobs.discard([key]).await;
            (UploadStatus::Failed, Some(reason))
        }
        Err(problem) => return Err(problem),
    };
    hold.remove_files(state).await;
    Ok(upload::Model { status, reason, ..row })
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
    match status {
        Some(status) => write_end(&state.db, &row, status, None, state).await?,
        None => {
            upload::Entity::delete_by_id(row.id).exec(&state.db).await?;
        }
    }
    hold.remove_files(state).await;
    if row.made_record {
        let waiting = Condition::all().add(video::COLUMN.status.eq(VideoStatus::Waiting));
        videos::remove(state, row.video_id, waiting).await?;
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
