//! Requests that may be sent twice and count once (draft-ietf-httpapi-idempotency-key-header).
//!
//! The key is written in the transaction that makes what the request asks for, so there is no moment between them. Sent
//! again, the key leads to what was made, as it is by then.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::idempotency_key;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, SqlErr};
use service_kit::problem::Problem;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The longest key, in characters.
const MAX_LENGTH: usize = 255;
/// How long a key counts.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// The `Idempotency-Key` of a request, where it has one: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyKey(Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get("idempotency-key");
        ready(header.map(|value| parse(value.as_bytes())).transpose().map(Self))
    }
}

fn parse(value: &[u8]) -> Result<String, Problem> {
    let fits = (1..=MAX_LENGTH).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    let key = fits.then(|| String::from_utf8_lossy(value).into_owned());
    key.ok_or_else(|| {
        Problem::malformed(format!("Idempotency-Key must be 1 to {MAX_LENGTH} visible ASCII characters"))
    })
}

/// A key and what it was sent with.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    account: Uuid,
    key: String,
    fingerprint: String,
}

impl IdempotencyKey {
    /// The attempt of `account` at a request; `None` for a request without a key, which counts each time. `what` are
    /// the parts that tell one request from another.
    pub(crate) fn attempt(self, account: Uuid, what: &[&[u8]]) -> Option<Attempt> {
        let mut hash = Sha256::new();
        for part in what {
            // The length, so that what ends one part cannot begin the next.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        self.0.map(|key| Attempt { account, key, fingerprint: hex::encode(hash.finalize()) })
    }
}

impl Attempt {
    /// What an earlier attempt has made.
    ///
    /// # Errors
    /// 422 where the key was sent with something else.
    pub(crate) async fn made(&self, db: &impl ConnectionTrait) -> Result<Option<Uuid>, Problem> {
        let key = (self.account, self.key.clone());
        match idempotency_key::Entity::find_by_id(key).one(db).await? {
            Some(row) if row.fingerprint == self.fingerprint => Ok(Some(row.resource_id)),
            Some(_) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Err(Problem::new(status, "idempotency-key-reused", "The key belongs to another request"))
            }
            None => Ok(None),
        }
    }

    /// Remembers what this one makes. Call it in the transaction that makes it.
    ///
    /// # Errors
    /// When the database fails, or another attempt was quicker (a unique violation).
    pub(crate) async fn remember(
        &self,
        transaction: &impl ConnectionTrait,
        resource_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let row = idempotency_key::Model {
            account_id: self.account,
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            resource_id,
            created_at: now,
        };
        idempotency_key::Entity::insert(row.into_active_model()).exec_without_returning(transaction).await?;
        Ok(())
    }
}

/// Why an attempt was not remembered: another one is under way, where the database says that the key is there already.
pub(crate) fn refused(error: &DbErr) -> Problem {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Problem::new(
            StatusCode::CONFLICT,
            "idempotency-key-in-use",
            "A request with this key is under way",
        )
        .detail("send it again in a moment, to be answered with what the other one has made"),
        _ => Problem::from(error),
    }
}

/// Forgets keys that count no more. Returns how many.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let old = idempotency_key::Column::CreatedAt.lt(now - LIFETIME);
    let deleted = idempotency_key::Entity::delete_many().filter(old).exec(db).await?;
    Ok(deleted.rows_affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        for good in ["7", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &"x".repeat(255)] {
            assert_eq!(parse(good.as_bytes()).unwrap(), good);
        }
        for bad in ["", "two words", "naïve", "tab\t", &"x".repeat(256)] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_parts_are_another_request() {
        let fingerprint = |what: &[&[u8]]| {
            IdempotencyKey(Some("k".to_owned())).attempt(Uuid::nil(), what).unwrap().fingerprint
        };
        assert_eq!(fingerprint(&[b"a", b"b"]), fingerprint(&[b"a", b"b"]));
        assert_ne!(fingerprint(&[b"ab", b""]), fingerprint(&[b"a", b"b"]));
    }
}
