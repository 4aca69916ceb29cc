//! What another party still has to learn: written with the change it tells of, removed once it was understood.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: Kind,
    /// The account it is about, which may be gone.
    pub account_id: Uuid,
    /// How many times its delivery was begun.
    pub attempts: i32,
    /// Not to be delivered before.
    pub available_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "snake_case")]
pub enum Kind {
    /// To Video Service: nothing of this account is to be left.
    AccountDeleted,
}

impl ActiveModelBehavior for ActiveModel {}
