//! A resumable upload: bytes on their way to a video.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

/// How far an upload has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum UploadStatus {
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

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "upload")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account.
    pub owner_id: Uuid,
    /// The video it will be the content of. Not a foreign key: an upload outlives its video, to say so.
    pub video_id: Uuid,
    /// Whether the video's record was made for it, and goes where nothing comes of it.
    pub made_record: bool,
    /// The version of the video's content that it takes the place of, and of no other: where it came by a ticket, which counts
    /// for that one.
    pub replaces_version: Option<i32>,
    pub status: UploadStatus,
    /// Bytes there will be.
    pub length: i64,
    /// Bytes that are on the disk.
    pub offset: i64,
    /// The state of SHA-256 after so many bytes.
    pub hash_state: Vec<u8>,
    /// `Upload-Metadata`, as the client sent it.
    pub metadata: String,
    pub filename: Option<String>,
    pub media_type: Option<String>,
    /// Whether the analysis begins by itself.
    pub analyze: bool,
    /// The request that writes, or wrote last: whoever finds another name here stops.
    pub writer: Option<Uuid>,
    /// Why it failed, in words for its owner.
    pub reason: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// Until when it can be continued.
    pub expires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
