//! Logins that failed, for each name and each network they came from.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_throttle")]
pub struct Model {
    /// SHA-256 of what is counted, in hexadecimal: what people type into a name's field may be a secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Failures, since the last success or since the row was forgotten.
    pub failures: i32,
    /// Until then no password is looked at.
    pub blocked_until: DateTimeUtc,
    pub failed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
