//! Signing keys in the database: made, retired and withdrawn.

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::signing_key::{self, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    QueryOrder, TransactionTrait,
};

use super::{SigningKey, SigningKeyError};
use crate::audit::{Action, Audit, Entry, Outcome, Who};

/// All keys that count, the newest first. Of those that were retired, they are the ones since `retired_since`; earlier ones
/// are forgotten, for every token that they signed has expired.
pub(super) async fn read(db: &DatabaseConnection, retired_since: DateTime<Utc>) -> Result<Vec<Model>, DbErr> {
    let rows = signing_key::Entity::find()
        .order_by_desc(signing_key::Column::CreatedAt)
        .order_by_asc(signing_key::Column::Kid)
        .all(db)
        .await?;
    let (counting, over): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.retired_at.is_none_or(|at| at >= retired_since));
    for row in over {
        signing_key::Entity::delete_by_id(&row.kid).exec(db).await?;
        log::info!("signing key removed kid={}", row.kid);
    }
    Ok(counting)
}

/// Makes a key; its `kid`.
pub(super) async fn create(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<String, SigningKeyError> {
    let (key, private_key_pem) = SigningKey::generate()?;
    log::info!("signing key made kid={}", key.kid);
    let row = signing_key::ActiveModel {
        kid: Set(key.kid.clone()),
        private_key_pem: Set(private_key_pem),
        created_at: Set(now),
        retired_at: Set(None),
    };
    signing_key::Entity::insert(row).exec_without_returning(db).await?;
    Ok(key.kid)
}

/// Lets a new key sign in the place of `signer`, unless somebody else was faster: of many that try at once, one does.
pub(super) async fn succeed(
    db: &DatabaseConnection,
    audit: &Audit,
    signer: &str,
    now: DateTime<Utc>,
) -> Result<(), SigningKeyError> {
    let transaction = db.begin().await?;
    let retired = signing_key::Entity::update_many()
        .col_expr(signing_key::Column::RetiredAt, Expr::value(now))
        .filter(signing_key::Column::Kid.eq(signer))
        .filter(signing_key::Column::RetiredAt.is_null())
        .exec(&transaction)
        .await?;
    if retired.rows_affected == 0 {
        return Ok(());
    }
    replace_all(&transaction, audit, now).await?;
    Ok(transaction.commit().await?)
}

/// Lets a new key sign; its `kid`. The earlier ones go on verifying for as long as their tokens live, or, where they are
/// `withdrawn`, not at all.
pub(super) async fn rotate(
    db: &DatabaseConnection,
    audit: &Audit,
    withdrawn: bool,
    now: DateTime<Utc>,
) -> Result<String, SigningKeyError> {
    let transaction = db.begin().await?;
    let kid = replace_all(&transaction, audit, now).await?;
    if withdrawn {
        let earlier = signing_key::Entity::delete_many().filter(signing_key::Column::Kid.ne(&kid));
        earlier.exec(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(kid)
}

async fn replace_all(
    db: &impl ConnectionTrait,
    audit: &Audit,
    now: DateTime<Utc>,
) -> Result<String, SigningKeyError> {
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::RetiredAt, Expr::value(now))
        .filter(signing_key::Column::RetiredAt.is_null())
        .exec(db)
        .await?;
    let kid = create(db, now).await?;
    let (what, result) = (Action::SigningKeyRotate, Outcome::Success);
    audit.record(db, Entry { who: Who::Machine, what, from: None, result }).await?;
    Ok(kid)
}

/// How long a retired key counts: as long as its last tokens live, which an instance may have signed a little later.
pub(super) fn afterlife(access_token: TimeDelta) -> TimeDelta {
    /// Longer than instances go on signing with a key that was retired, and than their clocks differ.
    const LEEWAY: TimeDelta = TimeDelta::minutes(1);
    access_token + LEEWAY
}
