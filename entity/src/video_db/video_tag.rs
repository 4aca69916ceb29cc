//! One tag of one video, for filters.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "video_tag")]
pub struct Model {
    /// The video's owner: first in the key, so that a filter reads nobody else's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub video_id: Uuid,
    #[sea_orm(belongs_to, from = "video_id", to = "id", on_delete = "Cascade")]
    pub video: BelongsTo<super::video::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
