//! Sessions in the database: what may happen to them, decided without an actor.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::secret_text::SecretText;
use entity::user_db::{account, refresh_token, session};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use service_kit::client_address::ClientAddress;
use uuid::Uuid;

use super::device;
use super::error::Rejection;
use crate::audit::{Action, Audit, Entry, Outcome, Who};
use crate::settings::TokenSettings;

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// Unless refreshed.
    idle: TimeDelta,
    /// However often refreshed.
    absolute: TimeDelta,
    /// How long a used refresh token still answers with its successor.
    grace: TimeDelta,
}

impl From<&TokenSettings> for Lifetimes {
    fn from(settings: &TokenSettings) -> Self {
        Self {
            idle: settings.session_idle(),
            absolute: settings.session_absolute(),
            grace: settings.refresh_grace(),
        }
    }
}

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) account_id: Uuid,
    /// The hash that the password was compared with.
    pub(crate) password_hash: SecretText,
    pub(crate) scope: String,
    pub(crate) device: Option<String>,
    pub(crate) from: ClientAddress,
}

/// Whether the account that a session is for may be used, with the password that was proven. Until the transaction ends the
/// password cannot be changed: whoever changes it finds this session and ends it.
pub(super) async fn is_still_proven(db: &impl ConnectionTrait, new: &NewSession) -> Result<bool, DbErr> {
    let account = account::Entity::find_by_id(new.account_id)
        .filter(account::Column::PasswordHash.eq(new.password_hash.clone()))
        .filter(account::Column::DisabledAt.is_null())
        .lock_shared();
    Ok(account.one(db).await?.is_some())
}

/// Opens a session whose first refresh token has the digest `token_hash`. Two writes: give a transaction.
pub(super) async fn open(
    db: &impl ConnectionTrait,
    new: NewSession,
    token_hash: String,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<session::Model, DbErr> {
    let row = session::ActiveModel {
        id: Set(Uuid::now_v7()),
        account_id: Set(new.account_id),
        scope: Set(new.scope),
        device: Set(new.device),
        created_at: Set(now),
        last_used_at: Set(now),
        expires_at: Set(now + lifetimes.absolute),
        ended_at: Set(None),
        address: Set(Some(new.from.to_string())),
    };
    let session = session::Entity::insert(row).exec_with_returning(db).await?;
    add_token(db, session.id, token_hash, now).await?;
    Ok(session)
}

/// One use of a refresh token.
pub(super) struct Rotation {
    /// The digest of the token.
    pub(super) presented: String,
    /// The digest of the one that follows it.
    pub(super) successor: String,
    pub(super) from: ClientAddress,
}

/// Exchanges a refresh token for its successor. Several writes: give a transaction, and commit it whatever comes out, for a
/// rejection may have ended the session.
pub(super) async fn rotate(
    db: &impl ConnectionTrait,
    audit: &Audit,
    rotation: Rotation,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<Result<session::Model, Rejection>, DbErr> {
    let Rotation { presented, successor, from } = rotation;
    // The write comes first: of several that race, the database lets one through and makes the others wait for it.
    let is_first_use = mark_rotated(db, &presented, now).await?;
    let found =
        refresh_token::Entity::find_by_id(presented).find_also_related(session::Entity).one(db).await?;
    let Some((token, Some(session))) = found else { return Ok(Err(Rejection::NoRefreshToken)) };
    if let Err(reason) = check_alive(&session, now) {
        return Ok(Err(reason));
    }
    if is_disabled(db, session.account_id).await? {
        return Ok(Err(Rejection::AccountDisabled));
    }
    if now >= session.last_used_at + lifetimes.idle {
        return Ok(Err(Rejection::SessionExpired));
    }
    if is_first_use {
        add_token(db, session.id, successor, now).await?;
        touch(db, session.id, from, now).await?;
        return Ok(Ok(session));
    }
    let in_grace = token.rotated_at.is_some_and(|rotated_at| now <= rotated_at + lifetimes.grace);
    if !in_grace {
        end(db, Ending::One { id: session.id, account: session.account_id }, now).await?;
        let who = Who::Stranger { account: session.account_id };
        let (what, result) = (Action::RefreshTokenReuse, Outcome::Refused);
        audit.record(db, Entry { who, what, from: Some(from), result }).await?;
        return Ok(Err(Rejection::Reused));
    }
    match refresh_token::Entity::find_by_id(successor).one(db).await? {
        Some(_) => Ok(Ok(session)),
        None => Ok(Err(Rejection::NoSuccessor)),
    }
}

/// Those of the sessions `ids` that there are, with their accounts, by their identifiers.
pub(super) async fn find_with_accounts(
    db: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, (session::Model, account::Model)>, DbErr> {
    let found = session::Entity::find()
        .filter(session::Column::Id.is_in(ids))
        .find_also_related(account::Entity)
        .all(db)
        .await?;
    Ok(found.into_iter().filter_map(|(session, account)| Some((session.id, (session, account?)))).collect())
}

/// A session, as its owner sees it.
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) device: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_used_at: DateTime<Utc>,
    /// When it ends, unless it is refreshed before.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Up to `limit` sessions of `account` that live, the newest first: those opened before the session `before`.
pub(super) async fn list(
    db: &impl ConnectionTrait,
    account: Uuid,
    before: Option<Uuid>,
    limit: u64,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<Vec<Listed>, DbErr> {
    let mut query = session::Entity::find()
        .filter(session::Column::AccountId.eq(account))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now))
        .filter(session::Column::LastUsedAt.gt(now - lifetimes.idle))
        .order_by_desc(session::Column::Id)
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(session::Column::Id.lt(before));
    }
    let rows = query.all(db).await?.into_iter().map(|row| Listed {
        id: row.id,
        device: row.device.as_deref().map(device::name),
        address: row.address,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at.min(row.last_used_at + lifetimes.idle),
    });
    Ok(rows.collect())
}

/// The session of a refresh token, by the token's digest.
pub(super) async fn find_by_token(
    db: &impl ConnectionTrait,
    token_hash: String,
) -> Result<Option<session::Model>, DbErr> {
    let found = refresh_token::Entity::find_by_id(token_hash).find_also_related(session::Entity);
    Ok(found.one(db).await?.and_then(|(_, session)| session))
}

/// Which sessions end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    One {
        id: Uuid,
        account: Uuid,
    },
    /// All of an account, but for the one that may be kept.
    AllOf {
        account: Uuid,
        keep: Option<Uuid>,
    },
}

/// Ends sessions; one that has ended stays as it is. How many have ended now.
pub(super) async fn end(db: &impl ConnectionTrait, ending: Ending, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let which = match ending {
        Ending::One { id, account } => {
            Condition::all().add(session::Column::Id.eq(id)).add(session::Column::AccountId.eq(account))
        }
        Ending::AllOf { account, keep } => Condition::all()
            .add(session::Column::AccountId.eq(account))
            .add_option(keep.map(|id| session::Column::Id.ne(id))),
    };
    let outcome = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .filter(which)
        .filter(session::Column::EndedAt.is_null())
        .exec(db)
        .await?;
    Ok(outcome.rows_affected)
}

/// Whether tokens of a session count, as far as the session itself is concerned.
pub(super) fn check_alive(session: &session::Model, now: DateTime<Utc>) -> Result<(), Rejection> {
    if session.ended_at.is_some() {
        return Err(Rejection::SessionEnded);
    }
    if now >= session.expires_at {
        return Err(Rejection::SessionExpired);
    }
    Ok(())
}

async fn is_disabled(db: &impl ConnectionTrait, account: Uuid) -> Result<bool, DbErr> {
    let disabled = account::Entity::find_by_id(account).filter(account::Column::DisabledAt.is_not_null());
    Ok(disabled.count(db).await? > 0)
}

async fn mark_rotated(
    db: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let outcome = refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::RotatedAt, Expr::value(now))
        .filter(refresh_token::Column::TokenHash.eq(token_hash))
        .filter(refresh_token::Column::RotatedAt.is_null())
        .exec(db)
        .await?;
    Ok(outcome.rows_affected == 1)
}

async fn add_token(
    db: &impl ConnectionTrait,
    session_id: Uuid,
    token_hash: String,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = refresh_token::ActiveModel {
        token_hash: Set(token_hash),
        session_id: Set(session_id),
        created_at: Set(now),
        rotated_at: Set(None),
    };
    refresh_token::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

async fn touch(
    db: &impl ConnectionTrait,
    id: Uuid,
    from: ClientAddress,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    session::Entity::update_many()
        .col_expr(session::Column::LastUsedAt, Expr::value(now))
        .col_expr(session::Column::Address, Expr::value(from.to_string()))
        .filter(session::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}
