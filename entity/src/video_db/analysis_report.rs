//! The report of a succeeded analysis: apart from its job, which lists and claims read often.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "analysis_report")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub analysis_id: Uuid,
    /// Canonical JSON, byte for byte as the engine wrote it: its digest is inside.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    #[sea_orm(belongs_to, from = "analysis_id", to = "id", on_delete = "Cascade")]
    pub analysis: BelongsTo<super::analysis::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
