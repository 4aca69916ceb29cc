//! What a request with an `Idempotency-Key` has made.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256, in hexadecimal, of what was asked for.
    pub fingerprint: String,
    /// What was made.
    pub resource_id: Uuid,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
