//! The thumbnails of a preview, many in a picture.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "analysis_preview_sprite")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub analysis_id: Uuid,
    /// Counted from 0, as the preview's thumbnails name it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    pub jpeg: Vec<u8>,
    #[sea_orm(belongs_to, from = "analysis_id", to = "analysis_id", on_delete = "Cascade")]
    pub preview: BelongsTo<super::analysis_preview::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
