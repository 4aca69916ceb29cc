//! What is known of a video while its analysis has no report: the estimates of a first look.

use chrono::{DateTime, Utc};
use entity::video_db::{analysis_preview, analysis_preview_sprite};
use sea_orm::TransactionTrait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

/// A first look, as it is kept.
pub(crate) struct FirstLook {
    /// `video_analysis::Preview` as canonical JSON.
    pub(crate) body: String,
    /// JPEGs of its thumbnails, in order.
    pub(crate) sprites: Vec<Vec<u8>>,
}

/// Keeps a first look at the video of `job`, unless the job is not this worker's any more.
///
/// # Errors
/// When the database fails.
pub(crate) async fn show(
    db: &DatabaseConnection,
    job: Uuid,
    worker: &str,
    look: FirstLook,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    // Whoever listens to the job hears of it.
    if super::leased(job, worker, now).exec(&transaction).await?.rows_affected == 0 {
        return Ok(());
    }
    let row = analysis_preview::Model { analysis_id: job, body: look.body };
    analysis_preview::Entity::insert(row.into_active_model()).exec_without_returning(&transaction).await?;
    for (number, jpeg) in (0..).zip(look.sprites) {
        let row = analysis_preview_sprite::Model { analysis_id: job, number, jpeg };
        let insert = analysis_preview_sprite::Entity::insert(row.into_active_model());
        insert.exec_without_returning(&transaction).await?;
    }
    transaction.commit().await
}

/// The first look of an analysis, as canonical JSON.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of(db: &impl ConnectionTrait, job: Uuid) -> Result<Option<String>, DbErr> {
    let row = analysis_preview::Entity::find_by_id(job).one(db).await?;
    Ok(row.map(|row| row.body))
}

/// One of its pictures.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sprite(
    db: &impl ConnectionTrait,
    job: Uuid,
    number: i32,
) -> Result<Option<Vec<u8>>, DbErr> {
    let row = analysis_preview_sprite::Entity::find_by_id((job, number)).one(db).await?;
    Ok(row.map(|row| row.jpeg))
}

/// Forgets estimates where the report has come.
///
/// # Errors
/// When the database fails.
pub(super) async fn forget(db: &impl ConnectionTrait, job: Uuid) -> Result<(), DbErr> {
    let of_job = analysis_preview::Column::AnalysisId.eq(job);
    analysis_preview::Entity::delete_many().filter(of_job).exec(db).await.map(|_| ())
}
