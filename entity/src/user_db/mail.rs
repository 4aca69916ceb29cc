//! A message that is to be mailed: written with what it tells of. Those that were sent stay a while, to be counted.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: Kind,
    /// The account it is about, which may be gone; null where only the address was given.
    pub account_id: Option<Uuid>,
    /// As it was written.
    pub recipient: String,
    /// Case-folded form, by which messages to one address are counted.
    pub recipient_key: String,
    /// How many times its delivery was begun.
    pub attempts: i32,
    /// Not to be sent before; once it is sent, to be forgotten then.
    pub available_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    /// When a server took it; null while it waits.
    pub sent_at: Option<DateTimeUtc>,
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "snake_case")]
pub enum Kind {
    /// How to prove that the address is the account's.
    EmailVerification,
    /// How to set another password.
    PasswordReset,
}

impl ActiveModelBehavior for ActiveModel {}
