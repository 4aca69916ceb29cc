//! What stands in, once, for a code of an authenticator app that was lost. A row goes when its code is used.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_code")]
pub struct Model {
    /// SHA-256 of the code, in hexadecimal; the code itself is stored nowhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code_hash: String,
    pub account_id: Uuid,
    #[sea_orm(belongs_to, from = "account_id", to = "account_id", on_delete = "Cascade")]
    pub second_factor: BelongsTo<super::second_factor::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
