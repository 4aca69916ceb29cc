//! Bytes of an account: once, however many of its videos have them.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "content")]
pub struct Model {
    /// Where they are in the blob store.
    #[sea_orm(primary_key, auto_increment = false)]
    pub blob_key: String,
    /// The account. Nobody shares bytes with others, who would learn by it what somebody has.
    pub owner_id: Uuid,
    /// In hexadecimal; an account has each once.
    pub sha256: String,
    pub bytes: i64,
    /// How many videos have them; at none, they go.
    pub videos: i32,
}

impl ActiveModelBehavior for ActiveModel {}
