//! Whether the queue is paused: one row, or none where it never was.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "queue_pause")]
pub struct Model {
    /// The nil UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The administrator; `None` while it runs.
    pub paused_by: Option<Uuid>,
    /// Since when; `None` while it runs.
    pub paused_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
