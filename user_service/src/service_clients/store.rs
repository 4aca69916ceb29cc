//! What operators do with service clients.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::service_client::{self, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    QueryOrder, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::random;
use sha2::{Digest, Sha256};

use crate::account::DisplayName;
use crate::audit::{Action, Audit, Entry, Outcome, Who};

/// What secrets begin with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "kadr_cs_";

/// Why a client was not made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("randomness: {0}")]
    Random(#[from] random::Error),
}

/// A client with a secret that was just made.
pub(crate) struct Issued {
    pub(crate) client_id: String,
    pub(crate) secret: SecretString,
}

/// All clients, the oldest first.
pub(crate) async fn list(db: &DatabaseConnection) -> Result<Vec<Model>, DbErr> {
    service_client::Entity::find()
        .order_by_asc(service_client::Column::CreatedAt)
        .order_by_asc(service_client::Column::ClientId)
        .all(db)
        .await
}

/// Makes a client that operators call `name`.
pub(crate) async fn create(
    db: &DatabaseConnection,
    audit: &Audit,
    name: DisplayName,
    now: DateTime<Utc>,
) -> Result<Issued, ClientError> {
    let client_id = format!("client_{}", hex::encode(random::bytes::<8>()?));
    let secret = new_secret()?;
    let row = service_client::ActiveModel {
        client_id: Set(client_id.clone()),
        name: Set(name.into_inner()),
        secret_hash: Set(digest(secret.expose_secret())),
        previous_hash: Set(None),
        previous_until: Set(None),
        created_at: Set(now),
        rotated_at: Set(now),
    };
    let transaction = db.begin().await?;
    service_client::Entity::insert(row).exec_without_returning(&transaction).await?;
    record(&transaction, audit, Action::ServiceClientCreate).await?;
    transaction.commit().await?;
    log::info!("service client made client_id={client_id}");
    Ok(Issued { client_id, secret })
}

/// Gives the client `client_id` another secret; the one it has counts for `overlap` longer. None where there is no such
/// client.
pub(crate) async fn rotate(
    db: &DatabaseConnection,
    audit: &Audit,
    client_id: &str,
    overlap: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Issued>, ClientError> {
    let secret = new_secret()?;
    let transaction = db.begin().await?;
    let written = service_client::Entity::update_many()
        .col_expr(service_client::Column::PreviousHash, Expr::col(service_client::Column::SecretHash))
        .col_expr(service_client::Column::PreviousUntil, Expr::value(now + overlap))
        .col_expr(service_client::Column::SecretHash, Expr::value(digest(secret.expose_secret())))
        .col_expr(service_client::Column::RotatedAt, Expr::value(now))
        .filter(service_client::Column::ClientId.eq(client_id))
        .exec(&transaction)
        .await?;
    if written.rows_affected == 0 {
        return Ok(None);
    }
    record(&transaction, audit, Action::ServiceClientRotate).await?;
    transaction.commit().await?;
    log::info!("service client rotated client_id={client_id}");
    Ok(Some(Issued { client_id: client_id.to_owned(), secret }))
}

/// Removes the client `client_id`; whether there was one.
pub(crate) async fn delete(
    db: &DatabaseConnection,
    audit: &Audit,
    client_id: &str,
) -> Result<bool, ClientError> {
    let transaction = db.begin().await?;
    let deleted = service_client::Entity::delete_by_id(client_id).exec(&transaction).await?;
    let existed = deleted.rows_affected > 0;
    if existed {
        record(&transaction, audit, Action::ServiceClientDelete).await?;
    }
    transaction.commit().await?;
    if existed {
        log::info!("service client removed client_id={client_id}");
    }
    Ok(existed)
}

/// What the database knows of a secret: its SHA-256, in hexadecimal.
///
/// A slow hash and a salt are for what people think up, so that a stolen table takes long to guess. Nobody guesses 256
/// random bits, however fast the hash is; and every introspection would have to wait for a slow one.
pub(super) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// 256 random bits, in characters that form-encoding leaves alone (RFC 6749 §2.3.1).
fn new_secret() -> Result<SecretString, random::Error> {
    let random = BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<32>()?);
    Ok(format!("{PREFIX}{random}").into())
}

async fn record(db: &impl ConnectionTrait, audit: &Audit, what: Action) -> Result<(), DbErr> {
    audit.record(db, Entry { who: Who::Machine, what, from: None, result: Outcome::Success }).await
}
