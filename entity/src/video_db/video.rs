//! A video: a record, and its bytes once they have arrived.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

/// How far the bytes of a video have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum VideoStatus {
    /// The record exists; its bytes have not arrived.
    Waiting,
    /// The bytes are stored durably.
    Ready,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
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
    #[sea_orm(has_many)]
    pub analyses: HasMany<super::analysis::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
