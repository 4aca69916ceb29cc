//! A video: a record, and its bytes once they have arrived.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// How far the bytes of a video have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum VideoStatus {
    /// The record exists; its bytes have not arrived.
    Waiting,
    /// The bytes are stored durably.
    Ready,
}

/// The tags of a video, in their owner's order. What filters look at is `video_tag`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Tags(pub Vec<String>);

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "video")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account, by its `sub`; it lives in the other service's database.
    pub owner_id: Uuid,
    pub title: String,
    pub description: Option<String>,
    pub status: VideoStatus,
    /// The name the client gave the file, for display and download only.
    pub filename: Option<String>,
    /// The media type the client declared; the engine looks for itself.
    pub media_type: Option<String>,
    pub bytes: Option<i64>,
    /// Of the content, in hexadecimal.
    pub sha256: Option<String>,
    /// Where the content is in the blob store.
    pub blob_key: Option<String>,
    /// Counts changes of the record; its ETag.
    pub revision: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(column_type = "Json")]
    pub tags: Tags,
    /// What another system calls it; its owner has it once.
    pub external_id: Option<String>,
    /// A JSON object of its owner's.
    #[sea_orm(column_type = "Json")]
    pub metadata: Json,
    /// When its owner deleted it; it can be restored for a while.
    pub trashed_at: Option<DateTimeUtc>,
    /// This and what follows was found by the newest analysis of this content that succeeded; null before there is one.
    pub duration_seconds: Option<f64>,
    /// In pixels, as displayed: after rotation.
    pub width: Option<i32>,
    pub height: Option<i32>,
    /// Exactly, as `30000/1001`.
    pub frame_rate: Option<String>,
    /// FFmpeg's name, as `h264`.
    pub video_codec: Option<String>,
    pub audio_codec: Option<String>,
    /// How many of each were found.
    pub shots: Option<i32>,
    pub fades: Option<i32>,
    pub black: Option<i32>,
    pub silence: Option<i32>,
    /// Loudness by EBU R 128.
    pub integrated_lufs: Option<f64>,
    pub range_lu: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// Counts the contents it has had; 0 before the first.
    pub version: i32,
    #[sea_orm(has_many)]
    pub analyses: HasMany<super::analysis::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
