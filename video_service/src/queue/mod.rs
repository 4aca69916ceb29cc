//! The queue of analyses. The database is its truth; workers only execute what they could claim here.
//!
//! Whoever runs a job holds its lease. Every write of a worker is conditional on that lease, so that a job that was
//! canceled, deleted with its video, or taken over after a silence is lost to its worker at the next write, and the
//! worker stops. Claims are conditional updates, which both databases decide alike; no row locks are needed.

mod ends;
mod pause;
pub(crate) mod preview;
mod turns;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::analysis::{self, AnalysisStatus};
use entity::video_db::video;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    Select, TransactionTrait,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use video_analysis::Progress;

use crate::facts::Facts;
use crate::webhooks::EventType;

use ends::{announce, give_up};
pub use ends::{cancel, fail, succeed};
pub use pause::{QueueState, pause, resume, state};
pub use turns::{EnqueueError, NewJob, enqueue};

/// How many candidates a claim looks at before it comes back later: others may take some of them first.
const CLAIM_TRIES: usize = 8;
/// The longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_hours(1);

/// A claimed job, and what its worker needs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The analysis.
    pub analysis: analysis::Model,
    /// Where the video's bytes are.
    pub blob_key: String,
}

/// What an attempt that succeeded leaves.
#[derive(Clone, Debug)]
pub struct Success {
    /// The video it is about.
    pub video_id: Uuid,
    /// The report as canonical JSON.
    pub report: String,
    /// Its curves as canonical JSON, compressed.
    pub curves: Vec<u8>,
    /// Pictures looked at.
    pub frames: u64,
    /// The poster in the blob store.
    pub poster_key: Option<String>,
    /// What the video's record shows of the report.
    pub facts: Facts,
}

/// Why an analysis has no report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Stable identifier of the kind of failure, as `not_a_video`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in words for the video's owner.
    pub message: String,
    /// Whether asking again may help.
    pub retryable: bool,
}

/// The newest analysis of a video's content, by its number.
///
/// # Errors
/// When the database fails.
pub async fn newest(
    db: &impl ConnectionTrait,
    video_id: Uuid,
    version: i32,
) -> Result<Option<analysis::Model>, DbErr> {
    analysis::Entity::find()
        .filter(analysis::COLUMN.video_id.eq(video_id))
        .filter(analysis::COLUMN.version.eq(version))
        .order_by_desc(analysis::COLUMN.id)
        .one(db)
        .await
}

/// The newest analysis of a version of `video` that has succeeded.
///
/// # Errors
/// When the database fails.
pub(crate) async fn newest_succeeded(
    db: &impl ConnectionTrait,
    video: Uuid,
    version: i32,
) -> Result<Option<analysis::Model>, DbErr> {
    succeeded(video, version).one(db).await
}

/// The newest that has succeeded and found a poster.
///
/// # Errors
/// When the database fails.
pub(crate) async fn newest_with_poster(
    db: &impl ConnectionTrait,
    video: Uuid,
    version: i32,
) -> Result<Option<analysis::Model>, DbErr> {
    succeeded(video, version).filter(analysis::COLUMN.poster_key.is_not_null()).one(db).await
}

/// Those that have succeeded, the newest first.
fn succeeded(video: Uuid, version: i32) -> Select<analysis::Entity> {
    analysis::Entity::find()
        .filter(analysis::COLUMN.video_id.eq(video))
        .filter(analysis::COLUMN.version.eq(version))
        .filter(analysis::COLUMN.status.eq(AnalysisStatus::Succeeded))
        .order_by_desc(analysis::COLUMN.id)
}

/// Claims the job whose turn it is, for `worker`, until `now + lease`. A paused queue gives none.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    db: &DatabaseConnection,
    worker: &str,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<Option<Claim>, DbErr> {
    if pause::is_paused(db).await? {
        return Ok(None);
    }
    for _ in 0..CLAIM_TRIES {
        let next = analysis::Entity::find()
            .filter(analysis::COLUMN.status.eq(AnalysisStatus::Queued))
            .filter(analysis::COLUMN.available_at.lte(now))
            .order_by_asc(analysis::COLUMN.turn)
            .order_by_desc(analysis::COLUMN.priority)
            .order_by_asc(analysis::COLUMN.id)
            .find_also_related(video::Entity)
            .one(db)
            .await?;
        let Some((job, video)) = next else { return Ok(None) };
        let Some(blob_key) = video.and_then(|video| video.blob_key) else {
            give_up(db, job.id, now).await?;
            continue;
        };
        let claimed = changed(now)
            .filter(analysis::COLUMN.id.eq(job.id))
            .filter(analysis::COLUMN.status.eq(AnalysisStatus::Queued))
            .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Running))
            .col_expr(analysis::Column::Attempts, Expr::col(analysis::Column::Attempts).add(1))
            .col_expr(analysis::Column::LeaseOwner, Expr::value(worker))
            .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(lease_end(now, lease)))
            .col_expr(analysis::Column::StartedAt, Expr::value(now))
            .col_expr(analysis::Column::Fraction, Expr::value(0.0))
            .col_expr(analysis::Column::FramesDone, Expr::value(0_i64))
            .exec(db)
            .await?;
        if claimed.rows_affected == 1 {
            let analysis = analysis::Entity::find_by_id(job.id).one(db).await?;
            return Ok(analysis.map(|analysis| Claim { analysis, blob_key }));
        }
    }
    Ok(None)
}

/// Writes how far a job is and renews its lease. `false`: the job is not this worker's any more.
///
/// # Errors
/// When the database fails.
pub async fn heartbeat(
    db: &impl ConnectionTrait,
    job: Uuid,
    worker: &str,
    progress: Option<Progress>,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<bool, DbErr> {
    let mut update = leased(job, worker, now)
        .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(lease_end(now, lease)));
    if let Some(progress) = progress {
        let count = |frames: u64| i64::try_from(frames).unwrap_or(i64::MAX);
        update = update
            .col_expr(analysis::Column::Stage, Expr::value(stage_name(progress)))
            .col_expr(analysis::Column::Fraction, Expr::value(progress.fraction))
            .col_expr(analysis::Column::FramesDone, Expr::value(count(progress.frames_done)))
            .col_expr(analysis::Column::FramesTotal, Expr::value(progress.frames_total.map(count)));
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Which jobs go back into the queue.
#[derive(Clone, Copy, Debug)]
pub enum Abandoned<'a> {
    /// Those leased to the workers whose names begin so, of which it is known that they do not run.
    By(&'a str),
    /// Those whose lease lapsed before this moment.
    LapsedAt(DateTime<Utc>),
}

/// Puts abandoned jobs back into the queue; those that have used up `max_attempts` fail for good, so that a file that
/// kills its worker does not do so for ever. Returns how many were touched.
///
/// # Errors
/// When the database fails.
pub async fn recover(
    db: &DatabaseConnection,
    which: Abandoned<'_>,
    max_attempts: u32,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let abandoned = || {
        let running = changed(now).filter(analysis::COLUMN.status.eq(AnalysisStatus::Running));
        match which {
            Abandoned::By(process) => running.filter(analysis::COLUMN.lease_owner.starts_with(process)),
            Abandoned::LapsedAt(moment) => running.filter(analysis::COLUMN.lease_expires_at.lt(moment)),
        }
        .col_expr(analysis::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(None::<DateTime<Utc>>))
    };
    let lost = JobError {
        kind: "worker_lost".to_owned(),
        message: "The analysis ended its worker several times.".to_owned(),
        retryable: false,
    };
    let lost = serde_json::to_value(lost).map_err(|error| DbErr::Json(error.to_string()))?;
    let max_attempts = i32::try_from(max_attempts).unwrap_or(i32::MAX);
    let transaction = db.begin().await?;
    let failed = abandoned()
        .filter(analysis::COLUMN.attempts.gte(max_attempts))
        .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Failed))
        .col_expr(analysis::Column::Error, Expr::value(lost))
        .col_expr(analysis::Column::FinishedAt, Expr::value(now))
        .exec_with_returning(&transaction)
        .await?;
    for job in &failed {
        announce(&transaction, job.id, EventType::AnalysisFailed, now).await?;
    }
    let queued = abandoned()
        .filter(analysis::COLUMN.attempts.lt(max_attempts))
        .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Queued))
        .col_expr(analysis::Column::AvailableAt, Expr::value(now))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(u64::try_from(failed.len()).unwrap_or(u64::MAX).saturating_add(queued.rows_affected))
}

/// Puts a job back that its worker gives up without fault of the job, as when the service stops: the attempt does not
/// count.
///
/// # Errors
/// When the database fails.
pub async fn release(
    db: &impl ConnectionTrait,
    job: Uuid,
    worker: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    leased(job, worker, now)
        .col_expr(analysis::Column::Status, Expr::value(AnalysisStatus::Queued))
        .col_expr(analysis::Column::Attempts, Expr::col(analysis::Column::Attempts).sub(1))
        .col_expr(analysis::Column::AvailableAt, Expr::value(now))
        .col_expr(analysis::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(analysis::Column::LeaseExpiresAt, Expr::value(None::<DateTime<Utc>>))
        .exec(db)
        .await
        .map(|_| ())
}

/// The pause before the attempt after number `attempts`: `base`, doubled each time, bounded.
#[must_use]
pub fn backoff(base: Duration, attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    Ord::min(base.saturating_mul(2_u32.saturating_pow(doublings)), MAX_BACKOFF)
}

/// An update that listeners notice. Every write of a job begins with it.
fn changed(now: DateTime<Utc>) -> sea_orm::UpdateMany<analysis::Entity> {
    analysis::Entity::update_many()
        .col_expr(analysis::Column::Revision, Expr::col(analysis::Column::Revision).add(1))
        .col_expr(analysis::Column::UpdatedAt, Expr::value(now))
}

/// An update of a job as its worker: nothing happens to a job that is not.
fn leased(job: Uuid, worker: &str, now: DateTime<Utc>) -> sea_orm::UpdateMany<analysis::Entity> {
    changed(now)
        .filter(analysis::COLUMN.id.eq(job))
        .filter(analysis::COLUMN.status.eq(AnalysisStatus::Running))
        .filter(analysis::COLUMN.lease_owner.eq(worker))
}

fn stage_name(progress: Progress) -> Option<String> {
    let name = serde_json::to_value(progress.stage).ok()?;
    name.as_str().map(ToOwned::to_owned)
}

/// When a lease taken or renewed now lapses.
fn lease_end(now: DateTime<Utc>, lease: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX)
}
