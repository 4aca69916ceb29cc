//! A first look at a video, while its analysis has no report. It goes when the report comes.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "analysis_preview")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub analysis_id: Uuid,
    /// `video_analysis::Preview` as canonical JSON.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    #[sea_orm(belongs_to, from = "analysis_id", to = "id", on_delete = "Cascade")]
    pub analysis: BelongsTo<super::analysis::Entity>,
    #[sea_orm(has_many)]
    pub sprites: HasMany<super::analysis_preview_sprite::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
