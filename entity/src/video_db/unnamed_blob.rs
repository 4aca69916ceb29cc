//! Blobs that no record names: not yet, or not any more.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "unnamed_blob")]
pub struct Model {
    /// Where its bytes are in the blob store, if they are there; never given to other bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub blob_key: String,
    pub since: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
