//! Uploads whose video, or whose account, is gone for good: their bytes go with it.

use entity::video_db::upload::{self, UploadStatus};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service_kit::problem::Problem;
use uuid::Uuid;

use super::finish::{DELETED, abandon, fail};
use super::hold::{Purpose, Seized, seize};
use crate::state::State;

/// Ends the unfinished uploads to a video that is deleted. They are remembered as failed, for whoever sends them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn fail_those_of_video(state: &State, video: Uuid) -> Result<(), Problem> {
    let unfinished = [UploadStatus::Waiting, UploadStatus::Receiving, UploadStatus::Verifying];
    let rows = upload::Entity::find()
        .filter(upload::COLUMN.video_id.eq(video))
        .filter(upload::COLUMN.status.is_in(unfinished));
    for row in rows.all(&state.db).await? {
        let id = row.id;
        match seize(state, row, Purpose::Remove).await {
            Ok(Seized::Open(hold)) => {
                fail(state, hold, DELETED.to_owned()).await?;
            }
            Ok(Seized::Ended(_)) => {}
            // Somebody sends bytes to it at this moment: the sweep will find it, if its own end does not.
            Err(problem) => log::warn!("upload to a deleted video not ended upload={id} cause=\"{problem}\""),
        }
    }
    Ok(())
}

/// Removes all uploads of an account, the memory of those that ended as well.
///
/// # Errors
/// When the database fails.
pub(crate) async fn remove_those_of_account(state: &State, account: Uuid) -> Result<(), Problem> {
    let rows = upload::Entity::find().filter(upload::COLUMN.owner_id.eq(account));
    for row in rows.all(&state.db).await? {
        let id = row.id;
        // One that has ended, or that nobody lets go of, has no more than its row: the sweep removes files without one.
        if let Ok(Seized::Open(hold)) = seize(state, row, Purpose::Remove).await {
            abandon(state, hold, None).await?;
        } else {
            upload::Entity::delete_by_id(id).exec(&state.db).await?;
        }
    }
    Ok(())
}
