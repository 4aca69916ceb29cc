//! Codes with which one account each can be made, where registration is for the invited.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::user_db::invite::{self, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use service_kit::random;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit::{Action, Audit, Entry, Outcome, Who};

/// What codes begin with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "kadr_inv_";

/// The invites in the database.
#[derive(Clone)]
pub(crate) struct Invites {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
}

/// A code that somebody presents, as the database knows it.
#[derive(Clone, Debug)]
pub(crate) struct InviteCode(String);

/// Why an invite was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("randomness: {0}")]
    Random(#[from] random::Error),
}

/// The administrator who does something, and from where; none for the operator at the machine.
pub(crate) type By = Option<(Uuid, ClientAddress)>;

impl Invites {
    pub(crate) fn new(db: DatabaseConnection, clock: SharedClock) -> Self {
        Self { db, audit: Audit::new(clock.clone()), clock }
    }

    /// The time it is for invites.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Makes one; the code is told this once.
    pub(crate) async fn create(
        &self,
        expires_at: DateTime<Utc>,
        by: By,
    ) -> Result<(Model, SecretString), InviteError> {
        let code = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<32>()?));
        let code = SecretString::from(code);
        let row = invite::ActiveModel {
            id: Set(Uuid::now_v7()),
            code_hash: Set(InviteCode::from(code.clone()).0),
            created_by: Set(by.map(|(id, _)| id)),
            created_at: Set(self.clock.now()),
            expires_at: Set(expires_at),
            used_at: Set(None),
            used_by: Set(None),
        };
        let transaction = self.db.begin().await?;
        let row = invite::Entity::insert(row).exec_with_returning(&transaction).await?;
        self.audit.record(&transaction, entry(Action::InviteCreate, by)).await?;
        transaction.commit().await?;
        Ok((row, code))
    }

    /// Up to `limit` invites, the newest first: those made before the invite `before`.
    pub(crate) async fn list(&self, before: Option<Uuid>, limit: u64) -> Result<Vec<Model>, DbErr> {
        let mut query = invite::Entity::find().order_by_desc(invite::Column::Id).limit(limit);
        if let Some(before) = before {
            query = query.filter(invite::Column::Id.lt(before));
        }
        query.all(&self.db).await
    }

    /// Removes the invite `id`, unless it was used; whether there was one.
    pub(crate) async fn revoke(&self, id: Uuid, by: By) -> Result<bool, DbErr> {
        let transaction = self.db.begin().await?;
        let outcome = invite::Entity::delete_many()
            .filter(invite::Column::Id.eq(id))
            .filter(invite::Column::UsedAt.is_null())
            .exec(&transaction)
            .await?;
        let existed = outcome.rows_affected > 0;
        if existed {
            self.audit.record(&transaction, entry(Action::InviteRevoke, by)).await?;
        }
        transaction.commit().await?;
        Ok(existed)
    }

    /// Whether `code` counts at the moment: before anything dear is done for whoever presents it.
    pub(crate) async fn is_good(&self, code: &InviteCode) -> Result<bool, DbErr> {
        let good = invite::Entity::find()
            .filter(invite::Column::CodeHash.eq(code.0.clone()))
            .filter(invite::Column::UsedAt.is_null())
            .filter(invite::Column::ExpiresAt.gt(self.clock.now()));
        Ok(good.count(&self.db).await? > 0)
    }
}

/// Uses an invite for `account`, in the transaction that makes it; whether it counted. Of two who use one at once, the
/// database lets one.
pub(crate) async fn take(
    db: &impl ConnectionTrait,
    code: InviteCode,
    account: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let outcome = invite::Entity::update_many()
        .col_expr(invite::Column::UsedAt, Expr::value(now))
        .col_expr(invite::Column::UsedBy, Expr::value(account))
        .filter(invite::Column::CodeHash.eq(code.0))
        .filter(invite::Column::UsedAt.is_null())
        .filter(invite::Column::ExpiresAt.gt(now))
        .exec(db)
        .await?;
    Ok(outcome.rows_affected == 1)
}

impl From<SecretString> for InviteCode {
    /// Codes are random, so no salt is needed.
    fn from(code: SecretString) -> Self {
        Self(hex::encode(Sha256::digest(code.expose_secret())))
    }
}

fn entry(what: Action, by: By) -> Entry {
    let who = by.map_or(Who::Nobody, |(id, _)| Who::Administrator { id, account: id });
    Entry { who, what, from: by.map(|(_, from)| from), result: Outcome::Success }
}
