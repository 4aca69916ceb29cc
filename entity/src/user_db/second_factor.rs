//! What somebody proves besides the password: an authenticator app that shares a secret with the service (RFC 6238).
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

use crate::secret_text::SecretText;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factor")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    /// The shared secret, encrypted: hexadecimal of nonce, ciphertext and tag.
    pub sealed_secret: SecretText,
    pub created_at: DateTimeUtc,
    /// Since when logins want a code; null until the first one was right.
    pub confirmed_at: Option<DateTimeUtc>,
    /// The time step of the newest code that was accepted: none of it or of an earlier one is accepted again.
    pub last_step: i64,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<super::account::Entity>,
    #[sea_orm(has_many)]
    pub recovery_codes: HasMany<super::recovery_code::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
