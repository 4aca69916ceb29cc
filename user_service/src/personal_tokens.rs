//! Tokens that people make for programs of theirs: with a name, an end, and no more scopes than the program needs.

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::{account, personal_token};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use service_kit::personal_token as form;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::account::DisplayName;
use crate::audit::{Action, Audit, Entry, Outcome, Who};
use crate::sessions::{Rejection, SessionError};

/// How exactly it is known when a token was last used: a busy one costs one write a minute.
const LAST_USE: TimeDelta = TimeDelta::minutes(1);

/// Characters that are shown of a token: enough to tell one from another, too few to guess the rest.
const HINT: usize = form::PREFIX.len() + 4;

/// The tokens in the database.
#[derive(Clone)]
pub(crate) struct PersonalTokens {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
}

/// What a token begins with.
pub(crate) struct NewToken {
    pub(crate) account: Uuid,
    /// A name for people, as accounts have one.
    pub(crate) name: DisplayName,
    pub(crate) scope: String,
    pub(crate) expires_at: DateTime<Utc>,
}

impl PersonalTokens {
    pub(crate) fn new(db: DatabaseConnection, clock: SharedClock) -> Self {
        Self { db, audit: Audit::new(clock.clone()), clock }
    }

    /// Whether it is for this module to say what `token` is.
    pub(crate) fn concerns(token: &str) -> bool {
        token.starts_with(form::PREFIX)
    }

    pub(crate) async fn create(
        &self,
        new: NewToken,
        from: ClientAddress,
    ) -> Result<(personal_token::Model, SecretString), SessionError> {
        let token = form::generate()?;
        let row = personal_token::ActiveModel {
            id: Set(Uuid::now_v7()),
            account_id: Set(new.account),
            name: Set(new.name.into_inner()),
            token_hash: Set(digest(token.expose_secret())),
            hint: Set(token.expose_secret().chars().take(HINT).collect()),
            scope: Set(new.scope),
            created_at: Set(self.clock.now()),
            expires_at: Set(new.expires_at),
            last_used_at: Set(None),
        };
        let transaction = self.db.begin().await?;
        let row = personal_token::Entity::insert(row).exec_with_returning(&transaction).await?;
        self.audit.record(&transaction, entry(new.account, Action::TokenCreate, from)).await?;
        transaction.commit().await?;
        Ok((row, token))
    }

    /// Up to `limit` tokens of `account`, the newest first: those made before the token `before`.
    pub(crate) async fn list(
        &self,
        account: Uuid,
        before: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<personal_token::Model>, DbErr> {
        let mut query = personal_token::Entity::find()
            .filter(personal_token::Column::AccountId.eq(account))
            .order_by_desc(personal_token::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(personal_token::Column::Id.lt(before));
        }
        query.all(&self.db).await
    }

    /// Removes the token `id` of `account`; whether there was one.
    pub(crate) async fn delete(&self, account: Uuid, id: Uuid, from: ClientAddress) -> Result<bool, DbErr> {
        let transaction = self.db.begin().await?;
        let outcome = personal_token::Entity::delete_many()
            .filter(personal_token::Column::Id.eq(id))
            .filter(personal_token::Column::AccountId.eq(account))
            .exec(&transaction)
            .await?;
        let existed = outcome.rows_affected > 0;
        if existed {
            self.audit.record(&transaction, entry(account, Action::TokenDelete, from)).await?;
        }
        transaction.commit().await?;
        Ok(existed)
    }

    /// Removes the token `presented`, at the wish of whoever has it.
    pub(crate) async fn revoke(&self, presented: &str, from: ClientAddress) -> Result<(), SessionError> {
        let (token, account) = self.find(presented).await?;
        self.delete(account.id, token.id, from).await?;
        Ok(())
    }

    /// The token `presented` and its account, if it counts.
    pub(crate) async fn find(
        &self,
        presented: &str,
    ) -> Result<(personal_token::Model, account::Model), SessionError> {
        if !form::is_well_formed(presented) {
            return Err(Rejection::NoPersonalToken.into());
        }
        let found = personal_token::Entity::find()
            .filter(personal_token::Column::TokenHash.eq(digest(presented)))
            .find_also_related(account::Entity)
            .one(&self.db)
            .await?;
        let Some((token, Some(account))) = found else { return Err(Rejection::NoPersonalToken.into()) };
        let now = self.clock.now();
        if now >= token.expires_at {
            return Err(Rejection::TokenExpired.into());
        }
        if account.disabled_at.is_some() {
            return Err(Rejection::AccountDisabled.into());
        }
        if token.last_used_at.is_none_or(|last| now - last >= LAST_USE) {
            personal_token::Entity::update_many()
                .col_expr(personal_token::Column::LastUsedAt, Expr::value(now))
                .filter(personal_token::Column::Id.eq(token.id))
                .exec(&self.db)
                .await?;
        }
        Ok((token, account))
    }
}

/// Tokens are random, so no salt is needed.
fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn entry(account: Uuid, what: Action, from: ClientAddress) -> Entry {
    Entry { who: Who::Owner(account), what, from: Some(from), result: Outcome::Success }
}
