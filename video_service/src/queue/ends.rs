//! How a job ends: with a report, without one, by somebody's wish, or because there is nothing left to analyse.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::video_db::analysis::{self, AnalysisStatus};
use entity::video_db::{analysis_curves, analysis_report, video};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, TransactionTrait,
};
use uuid::Uuid;

use super::{JobError, Success, changed, leased, preview};
use crate::unnamed;
use crate::webhooks::{self, EventType, Subject};

/// Writes the report and what the record shows of it, and ends the job, all or nothing. `false`: the job is not this worker's any more.
///
/// # Errors
/// When the database fails.
pub async fn succeed(
    db: &DatabaseConnection,
    job: Uuid,
    worker: &str,
    success: Success,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let transaction = db.begin().await?;
    let Success { video_id, report, curves, frames, poster_key, facts } = success;
    let frames = i64::try_from(frames).unwrap_or(i64::MAX);
    unnamed::strike_out(&transaction, &poster_key).await?;
    // The video first, as whoever replaces its content does: in another order the two could wait for each other.
    facts.write(&transaction, video_id).await?;
    let ended = leased(job, worker, now)
        .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Succeeded))
        .col_expr(analysis::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(analysis::Column::Stage, Expr::value(None::<String>))
        .col_expr(analysis::Column::Fraction, Expr::value(1.0))
        .col_expr(analysis::Column::FramesDone, Expr::value(frames))
        .col_expr(analysis::Column::FramesTotal, Expr::value(frames))
        .col_expr(analysis::Column::Error, Expr::value(None::<serde_json::Value>))
        .col_expr(analysis::Column::PosterKey, Expr::value(poster_key))
        .col_expr(analysis::Column::FinishedAt, Expr::value(now))
        .exec(&transaction)
        .await?;
    if ended.rows_affected == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    let report = analysis_report::Model { analysis_id: job, body: report };
    analysis_report::Entity::insert(report.into_active_model()).exec_without_returning(&transaction).await?;
    let curves = analysis_curves::Model { analysis_id: job, body: curves };
    analysis_curves::Entity::insert(curves.into_active_model()).exec_without_returning(&transaction).await?;
    preview::forget(&transaction, job).await?;
    announce(&transaction, job, EventType::AnalysisSucceeded, now).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends an attempt without a report: back into the queue after `retry_after`, or failed for good where there is none.
///
/// # Errors
/// When the database fails.
pub async fn fail(
    db: &DatabaseConnection,
    job: Uuid,
    worker: &str,
    error: &JobError,
    retry_after: Option<Duration>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let error = serde_json::to_value(error).map_err(|error| DbErr::Json(error.to_string()))?;
    let update = leased(job, worker, now)
        .col_expr(analysis::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(analysis::Column::Error, Expr::value(error));
    let update = match retry_after {
        Some(pause) => update
            .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Queued))
            .col_expr(analysis::Column::AvailableAt, Expr::value(now + pause)),
        None => update
            .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Failed))
            .col_expr(analysis::Column::FinishedAt, Expr::value(now)),
    };
    let transaction = db.begin().await?;
    let ended = update.exec(&transaction).await?;
    if ended.rows_affected == 1 && retry_after.is_none() {
        announce(&transaction, job, EventType::AnalysisFailed, now).await?;
    }
    transaction.commit().await
}

/// Ends a video's unfinished analysis; whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn cancel(db: &impl ConnectionTrait, video_id: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let canceled = changed(now)
        .filter(analysis::COLUMN.video_id.eq(video_id))
        .filter(analysis::COLUMN.status.is_in([AnalysisStatus::Queued, AnalysisStatus::Running]))
        .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Canceled))
        .col_expr(analysis::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(analysis::Column::FinishedAt, Expr::value(now))
        .exec(db)
        .await?;
    Ok(canceled.rows_affected > 0)
}

/// Ends a job that waits for content that is not there any more, so that it does not stand in others' way.
pub(super) async fn give_up(db: &DatabaseConnection, job: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    log::error!("analysis is queued for a video without content, and has failed analysis={job}");
    let error = JobError {
        kind: "no_content".to_owned(),
        message: "The content of the video is not there any more.".to_owned(),
        retryable: false,
    };
    let error = serde_json::to_value(error).map_err(|error| DbErr::Json(error.to_string()))?;
    let transaction = db.begin().await?;
    let ended = changed(now)
        .filter(analysis::COLUMN.id.eq(job))
        .filter(analysis::COLUMN.status.eq(AnalysisStatus::Queued))
        .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Failed))
        .col_expr(analysis::Column::Error, Expr::value(error))
        .col_expr(analysis::Column::FinishedAt, Expr::value(now))
        .exec(&transaction)
        .await?;
    if ended.rows_affected == 1 {
        announce(&transaction, job, EventType::AnalysisFailed, now).await?;
    }
    transaction.commit().await
}

/// Tells webhooks how `job` ended, in the transaction of its end.
pub(super) async fn announce(
    db: &DatabaseTransaction,
    job: Uuid,
    event: EventType,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let found = analysis::Entity::find_by_id(job).find_also_related(video::Entity).one(db).await?;
    let Some((_, Some(video))) = found else { return Ok(()) };
    let subject = Subject { video_id: video.id, analysis_id: Some(job) };
    webhooks::publish(db, video.owner_id, event, subject, now).await
}
