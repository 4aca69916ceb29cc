//! Somebody who may log in.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

use crate::secret_text::SecretText;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum Role {
    /// Use the service.
    User,
    /// Administer the accounts of others as well.
    Admin,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// As the user wrote it.
    pub username: String,
    /// Case-folded form, which is what must be unique.
    #[sea_orm(unique)]
    pub username_key: String,
    /// As the user wrote it.
    pub email: String,
    /// Case-folded form, which is what must be unique. The account's id, which is no address, while `email` is only
    /// claimed: where addresses must be verified, nobody has one before that.
    #[sea_orm(unique)]
    pub email_key: String,
    /// bcrypt, in its modular crypt format.
    pub password_hash: SecretText,
    pub display_name: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub role: Role,
    /// Since when nobody may log in and no token counts; null where the account is in use.
    pub disabled_at: Option<DateTimeUtc>,
    /// BCP 47 language tag.
    pub locale: Option<String>,
    /// What stands for a picture, where the owner chose it.
    pub initials: Option<String>,
    /// Counts changes that owners make.
    pub revision: i32,
    /// When its owner proved to read what is sent to `email`.
    pub email_verified_at: Option<DateTimeUtc>,
    #[sea_orm(has_many)]
    pub sessions: HasMany<super::session::Entity>,
    #[sea_orm(has_many)]
    pub personal_tokens: HasMany<super::personal_token::Entity>,
    #[sea_orm(has_many)]
    pub mail_tokens: HasMany<super::mail_token::Entity>,
    #[sea_orm(has_one)]
    pub second_factor: HasOne<super::second_factor::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
