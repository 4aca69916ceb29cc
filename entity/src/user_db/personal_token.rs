//! A token that somebody made for a program of theirs.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "personal_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub account_id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the token, in hexadecimal; the token itself is stored nowhere.
    #[sea_orm(unique)]
    pub token_hash: String,
    /// Its first characters, by which its owner recognizes it.
    pub hint: String,
    /// Space-separated, as in RFC 6749 §3.3.
    pub scope: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    /// To the minute: not every use is worth a write.
    pub last_used_at: Option<DateTimeUtc>,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<super::account::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
