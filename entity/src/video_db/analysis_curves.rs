//! The curves of a succeeded analysis: apart from its report, which is read more often and is smaller.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "analysis_curves")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub analysis_id: Uuid,
    /// `video_analysis::Curves` as canonical JSON, compressed (gzip): some megabytes before, less than half of it after.
    pub body: Vec<u8>,
    #[sea_orm(belongs_to, from = "analysis_id", to = "id", on_delete = "Cascade")]
    pub analysis: BelongsTo<super::analysis::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
