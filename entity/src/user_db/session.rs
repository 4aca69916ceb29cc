//! One login on one device, alive until it is ended or expires.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub account_id: Uuid,
    /// Space-separated, as in RFC 6749 §3.3.
    pub scope: String,
    /// The User-Agent of the login, cut to a bounded length.
    pub device: Option<String>,
    pub created_at: DateTimeUtc,
    pub last_used_at: DateTimeUtc,
    /// No token of the session is honoured from here on, however often it was refreshed.
    pub expires_at: DateTimeUtc,
    /// Logout, revocation or detected reuse of a refresh token.
    pub ended_at: Option<DateTimeUtc>,
    /// From where it was last used.
    pub address: Option<String>,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<super::account::Entity>,
    #[sea_orm(has_many)]
    pub refresh_tokens: HasMany<super::refresh_token::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
