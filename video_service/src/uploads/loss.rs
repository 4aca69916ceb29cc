//! Uploads whose bytes are gone from the store: a disk that fails, or a store from a backup. Nobody can go on with them.

use chrono::{DateTime, Utc};
use entity::video_db::upload::{self, UploadStatus};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::finish::content_key;
use super::hold::staging_key;
use crate::blobs::BlobStore;

/// Why such an upload fails.
pub(super) const LOST: &str = "the bytes that had arrived are lost";

/// Whether less is there than `row` says has arrived: in the staging file, or where a process left it that died after it had
/// renamed that. What is recorded was on the disk before.
pub(super) async fn is_lost(blobs: &BlobStore, row: &upload::Model) -> bool {
    let staged = blobs.size(&staging_key(row.id)).await.unwrap_or_default();
    let is_staged = i64::try_from(staged).is_ok_and(|bytes| bytes >= row.offset);
    let may_have_left = row.status == UploadStatus::Verifying;
    !(is_staged || may_have_left && blobs.has_whole(&content_key(row), row.length).await)
}

/// The unfinished uploads that are lost.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lost(db: &impl ConnectionTrait, blobs: &BlobStore) -> Result<Vec<upload::Model>, DbErr> {
    let mut lost = Vec::new();
    let unfinished = [UploadStatus::Receiving, UploadStatus::Verifying];
    let rows = upload::Entity::find().filter(upload::COLUMN.status.is_in(unfinished)).all(db).await?;
    for row in rows {
        // The file of one that has gone on meanwhile may be elsewhere.
        if is_lost(blobs, &row).await
            && upload::Entity::find_by_id(row.id).one(db).await?.as_ref() == Some(&row)
        {
            lost.push(row);
        }
    }
    Ok(lost)
}

/// Ends a lost upload, if it is still as it was found.
///
/// # Errors
/// When the database or the store fails.
pub(crate) async fn lose(
    db: &impl ConnectionTrait,
    blobs: &BlobStore,
    row: &upload::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let ended = upload::Entity::update_many()
        .filter(upload::COLUMN.id.eq(row.id))
        .filter(upload::COLUMN.status.eq(row.status))
        .filter(upload::COLUMN.offset.eq(row.offset))
        .col_expr(upload::Column::Status, Expr::value(UploadStatus::Failed))
        .col_expr(upload::Column::Reason, Expr::value(LOST))
        .col_expr(upload::Column::UpdatedAt, Expr::value(now))
        .exec(db)
        .await?;
    if ended.rows_affected == 1 {
        blobs.discard([staging_key(row.id)]).await;
    }
    Ok(())
}
