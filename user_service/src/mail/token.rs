//! Tokens that prove to have read a message: 256 random bits, stored as digests, good for 30 minutes and one use.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::account;
pub(crate) use entity::user_db::mail_token::Purpose;
use entity::user_db::mail_token::{self, Model};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ModelTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use service_kit::random;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Life of a token.
pub(crate) const LIFE: TimeDelta = TimeDelta::minutes(30);

/// A token that somebody presents, as the database knows it.
#[derive(Clone, Debug)]
pub(crate) struct Presented(String);

/// A token that is not stored yet.
pub(super) fn generate() -> Result<SecretString, random::Error> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<32>()?).into())
}

/// Stores `token`, for the account with the address `email_key`, and forgets those that have expired.
pub(super) async fn store(
    db: &impl ConnectionTrait,
    token: &SecretString,
    purpose: Purpose,
    account: Uuid,
    email_key: String,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    mail_token::Entity::delete_many().filter(mail_token::Column::ExpiresAt.lte(now)).exec(db).await?;
    let row = mail_token::ActiveModel {
        token_hash: Set(Presented::from(token.clone()).0),
        purpose: Set(purpose),
        account_id: Set(account),
        email_key: Set(email_key),
        expires_at: Set(now + LIFE),
    };
    mail_token::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The token and its account, if it counts at the moment. It is not used by this.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    presented: &Presented,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<(Model, account::Model)>, DbErr> {
    let found = mail_token::Entity::find_by_id(presented.0.clone())
        .filter(mail_token::Column::Purpose.eq(purpose))
        .filter(mail_token::Column::ExpiresAt.gt(now))
        .find_also_related(account::Entity)
        .one(db)
        .await?;
    Ok(found
        .and_then(|(token, account)| Some((token, account?)))
        .filter(|(_, account)| account.disabled_at.is_none()))
}

/// Uses a token that was found; with it go all of its purpose that the account has. Whether it was there still: of two who
/// use one at once, the database lets one.
pub(crate) async fn take(db: &impl ConnectionTrait, found: Model) -> Result<bool, DbErr> {
    let (purpose, account) = (found.purpose, found.account_id);
    if found.delete(db).await?.rows_affected == 0 {
        return Ok(false);
    }
    mail_token::Entity::delete_many()
        .filter(mail_token::Column::AccountId.eq(account))
        .filter(mail_token::Column::Purpose.eq(purpose))
        .exec(db)
        .await?;
    Ok(true)
}

impl From<SecretString> for Presented {
    /// Tokens are random, so no salt is needed.
    fn from(token: SecretString) -> Self {
        Self(hex::encode(Sha256::digest(token.expose_secret())))
    }
}
