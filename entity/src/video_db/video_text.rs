//! What is searched of a video. Its full-text index is the database's: GIN, or the table `video_fts`.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "video_text")]
pub struct Model {
    /// A number, because SQLite's full-text index names rows by numbers.
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub video_id: Uuid,
    /// The owner's id, then each word once.
    #[sea_orm(column_type = "Text")]
    pub words: String,
    #[sea_orm(belongs_to, from = "video_id", to = "id", on_delete = "Cascade")]
    pub video: BelongsTo<super::video::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
