//! What clients see of an upload.

use chrono::{DateTime, Utc};
use entity::video_db::upload::{self, UploadStatus};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A resumable upload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Upload {
    /// Its identifier.
    id: Uuid,
    /// The video that it will be, or is, the content of.
    video_id: Uuid,
    /// How far it is.
    status: Status,
    /// Bytes that are on the disk.
    offset: i64,
    /// Bytes that there will be.
    length: i64,
    /// Why it failed.
    reason: Option<String>,
    /// When it was begun.
    created_at: DateTime<Utc>,
    /// When something was last recorded.
    updated_at: DateTime<Utc>,
    /// Until when it can be continued.
    expires_at: DateTime<Utc>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// No byte has arrived.
    Waiting,
    /// Some have.
    Receiving,
    /// All have; they are becoming the video's content.
    Verifying,
    /// They are its content.
    Ready,
    /// They cannot be; `reason` says why.
    Failed,
    /// Nothing came for too long.
    Expired,
}

impl Upload {
    /// The view of a row.
    pub(super) fn of(row: upload::Model, now: DateTime<Utc>) -> Self {
        let status = match row.status {
            UploadStatus::Waiting | UploadStatus::Receiving if row.expires_at <= now => Status::Expired,
            UploadStatus::Waiting => Status::Waiting,
            UploadStatus::Receiving => Status::Receiving,
            UploadStatus::Verifying => Status::Verifying,
            UploadStatus::Ready => Status::Ready,
            UploadStatus::Failed => Status::Failed,
            UploadStatus::Expired => Status::Expired,
        };
        Self {
            id: row.id,
            video_id: row.video_id,
            status,
            offset: row.offset,
            length: row.length,
            reason: row.reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
            expires_at: row.expires_at,
        }
    }
}
