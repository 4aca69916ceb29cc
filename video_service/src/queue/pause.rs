//! Pausing the queue: what runs goes on to its end, nothing new begins, in any process.

use chrono::{DateTime, Utc};
use entity::video_db::analysis::{self, AnalysisStatus};
use entity::video_db::queue_pause;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};
use uuid::Uuid;

/// The state of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Since when it is paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs at work.
    pub running: u64,
}

/// Pauses the queue in the name of an administrator; one that is paused already stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn pause(db: &impl ConnectionTrait, by: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    if is_paused(db).await? { Ok(()) } else { write(db, Some(by), Some(now)).await }
}

/// Lets the queue go on.
///
/// # Errors
/// When the database fails.
pub async fn resume(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    write(db, None, None).await
}

/// How the queue stands.
///
/// # Errors
/// When the database fails.
pub async fn state(db: &impl ConnectionTrait) -> Result<QueueState, DbErr> {
    let count = async |status: AnalysisStatus| {
        analysis::Entity::find().filter(analysis::COLUMN.status.eq(status)).count(db).await
    };
    Ok(QueueState {
        paused_at: row(db).await?.and_then(|row| row.paused_at),
        queued: count(AnalysisStatus::Queued).await?,
        running: count(AnalysisStatus::Running).await?,
    })
}

pub(super) async fn is_paused(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(row(db).await?.is_some_and(|row| row.paused_at.is_some()))
}

async fn row(db: &impl ConnectionTrait) -> Result<Option<queue_pause::Model>, DbErr> {
    queue_pause::Entity::find_by_id(Uuid::nil()).one(db).await
}

async fn write(
    db: &impl ConnectionTrait,
    paused_by: Option<Uuid>,
    paused_at: Option<DateTime<Utc>>,
) -> Result<(), DbErr> {
    let row = queue_pause::Model { id: Uuid::nil(), paused_by, paused_at };
    let replace = OnConflict::column(queue_pause::Column::Id)
        .update_columns([queue_pause::Column::PausedBy, queue_pause::Column::PausedAt])
        .to_owned();
    queue_pause::Entity::insert(row.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
