//! Who comes next: every account in its turn, however much each has queued.
//!
//! Start-time fair queueing (Goyal, Vin, Cheng 1996) with jobs of equal weight: a job's turn is one after the last of its
//! account, and not before the first turn that is waited for. Claims go by turn. Priority orders the jobs of one account:
//! an urgent one goes before those that are less so, which all move back by one, so that nobody else waits longer for it.

use chrono::{DateTime, Utc};
use entity::video_db::analysis::{self, AnalysisStatus, Priority};
use entity::video_db::video;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect, SqlErr,
};
use uuid::Uuid;
use video_analysis::Options;

/// A job to be queued.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// The video.
    pub video_id: Uuid,
    /// Which of its contents.
    pub version: i32,
    /// The account it belongs to.
    pub owner_id: Uuid,
    /// What is asked of the engine.
    pub options: &'a Options,
    /// Among the jobs of this account.
    pub priority: Priority,
}

/// Asking for an analysis of a video that has one under way.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// One is queued or running.
    #[error("an analysis is under way")]
    UnderWay,
    /// It has been deleted, or has got other content.
    #[error("the video has changed meanwhile")]
    Gone,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Puts an analysis into the queue. Call it in a transaction.
///
/// # Errors
/// [`EnqueueError::UnderWay`], decided by the database's constraint, however many ask at once; [`EnqueueError::Gone`].
pub async fn enqueue(
    db: &impl ConnectionTrait,
    new: NewJob<'_>,
    now: DateTime<Utc>,
) -> Result<analysis::Model, EnqueueError> {
    // A write, of nothing: whoever deletes the video or replaces its content comes before or after, not between.
    let held = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(new.video_id))
        .filter(video::COLUMN.version.eq(new.version))
        .filter(video::COLUMN.trashed_at.is_null())
        .col_expr(video::Column::Version, Expr::col(video::Column::Version))
        .exec(db)
        .await?;
    if held.rows_affected == 0 {
        return Err(EnqueueError::Gone);
    }
    let turn = make_room(db, new).await?;
    let options = serde_json::to_value(new.options).map_err(|error| DbErr::Json(error.to_string()))?;
    let job = analysis::ActiveModel {
        id: ActiveValue::Set(Uuid::now_v7()),
        video_id: ActiveValue::Set(new.video_id),
        version: ActiveValue::Set(new.version),
        status: ActiveValue::Set(AnalysisStatus::Queued),
        options: ActiveValue::Set(options),
        priority: ActiveValue::Set(new.priority),
        turn: ActiveValue::Set(turn),
        attempts: ActiveValue::Set(0),
        available_at: ActiveValue::Set(now),
        lease_owner: ActiveValue::Set(None),
        lease_expires_at: ActiveValue::Set(None),
        stage: ActiveValue::Set(None),
        fraction: ActiveValue::Set(0.0),
        frames_done: ActiveValue::Set(0),
        frames_total: ActiveValue::Set(None),
        error: ActiveValue::Set(None),
        poster_key: ActiveValue::Set(None),
        queued_at: ActiveValue::Set(now),
        started_at: ActiveValue::Set(None),
        finished_at: ActiveValue::Set(None),
        revision: ActiveValue::Set(0),
        updated_at: ActiveValue::Set(now),
    };
    job.insert(db).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => EnqueueError::UnderWay,
        _ => EnqueueError::Database(error),
    })
}

/// The turn of a new job, and those of its account that are less urgent moved behind it.
async fn make_room(db: &impl ConnectionTrait, new: NewJob<'_>) -> Result<i64, DbErr> {
    let unfinished = || {
        analysis::Entity::find()
            .select_only()
            .filter(analysis::COLUMN.status.is_in([AnalysisStatus::Queued, AnalysisStatus::Running]))
    };
    let first = unfinished().column_as(Expr::col(analysis::Column::Turn).min(), "turn");
    let first: Option<Option<i64>> = first.into_tuple().one(db).await?;
    let own = unfinished()
        .column_as(Expr::col(analysis::Column::Turn).max(), "turn")
        .filter(analysis::COLUMN.priority.gte(new.priority))
        .filter(Expr::col(analysis::Column::VideoId).in_subquery(videos_of(new.owner_id)));
    let own: Option<Option<i64>> = own.into_tuple().one(db).await?;
    let after_own = own.flatten().map_or(0, |turn| turn.saturating_add(1));
    let turn = Ord::max(first.flatten().unwrap_or(0), after_own);
    analysis::Entity::update_many()
        .filter(analysis::COLUMN.status.eq(AnalysisStatus::Queued))
        .filter(analysis::COLUMN.priority.lt(new.priority))
        .filter(analysis::COLUMN.turn.gte(turn))
        .filter(Expr::col(analysis::Column::VideoId).in_subquery(videos_of(new.owner_id)))
        .col_expr(analysis::Column::Turn, Expr::col(analysis::Column::Turn).add(1))
        .exec(db)
        .await?;
    Ok(turn)
}

fn videos_of(owner: Uuid) -> SelectStatement {
    Query::select()
        .column(video::Column::Id)
        .from(video::Entity)
        .and_where(Expr::col(video::Column::OwnerId).eq(owner))
        .to_owned()
}
