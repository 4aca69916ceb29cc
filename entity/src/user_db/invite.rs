//! A code with which one account can be made.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invite")]
pub struct Model {
    /// UUID version 7: the order of the identifiers is that of the invites.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the code, in hexadecimal; the code itself is stored nowhere.
    #[sea_orm(unique)]
    pub code_hash: String,
    /// The administrator; null where the operator made it at the machine itself. No foreign key: invites outlive accounts.
    pub created_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    /// The account that was made with it.
    pub used_by: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
