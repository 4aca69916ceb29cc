//! A link by which whoever has it sees one video.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

use crate::secret_text::SecretText;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "share")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub video_id: Uuid,
    /// SHA-256 of the token in the link, in hexadecimal.
    #[sea_orm(unique)]
    pub token_hash: String,
    /// By bcrypt; null where the link alone is enough.
    pub password_hash: Option<SecretText>,
    /// Passwords that were tried since the last right one.
    pub failures: i32,
    /// Until then no password is looked at.
    pub blocked_until: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "video_id", to = "id", on_delete = "Cascade")]
    pub video: BelongsTo<super::video::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
