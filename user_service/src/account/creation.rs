//! How accounts come into being.

use entity::secret_text::SecretText;
use entity::user_db::account::{self, Model, Role};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, SqlErr, TransactionTrait,
};
use service_kit::client_address::ClientAddress;
use uuid::Uuid;

use super::{Accounts, DisplayName, Email, Username};
use crate::audit::{Action, Entry, Outcome, Who};
use crate::invites::{self, InviteCode};
use crate::mail::Kind;

/// What an account begins with.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub(crate) username: Username,
    pub(crate) email: Email,
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) role: Role,
}

/// Who wants an account made.
#[derive(Debug)]
pub(crate) enum Applicant {
    /// Whoever may run commands on the machine: what they say is taken for true.
    Operator,
    /// Somebody, with a code where one is asked for.
    Client { from: ClientAddress, invite: Option<InviteCode> },
}

/// Why an account was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    /// Somebody else has it.
    #[error("somebody has the name or the address")]
    Taken { username: bool, email: bool },
    #[error("the invite was used, has expired or never was")]
    InviteRefused,
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Accounts {
    /// Creates one; the database's constraints decide who is first. The invite is used with it or not at all.
    ///
    /// Where addresses must be verified, none is taken here: whoever proves to read it has it, and the answer is the same
    /// whether somebody has it already or not. That somebody is told by mail.
    pub(crate) async fn create(
        &self,
        new: NewAccount,
        hash: SecretText,
        applicant: Applicant,
    ) -> Result<Model, CreateError> {
        let (now, id) = (self.clock.now(), Uuid::now_v7());
        let (from, invite, is_vouched_for) = match applicant {
            Applicant::Operator => (None, None, true),
            Applicant::Client { from, invite } => (Some(from), invite, false),
        };
        let username_key = new.username.key();
        let email_key = if self.verified_only && !is_vouched_for { id.to_string() } else { new.email.key() };
        let recipient = new.email.clone();
        let row = account::ActiveModel {
            id: Set(id),
            username: Set(new.username.into_inner()),
            username_key: Set(username_key.clone()),
            email: Set(new.email.into_inner()),
            email_key: Set(email_key.clone()),
            password_hash: Set(hash),
            display_name: Set(new.display_name.map(DisplayName::into_inner)),
            created_at: Set(now),
            updated_at: Set(now),
            role: Set(new.role),
            disabled_at: Set(None),
            locale: Set(None),
            initials: Set(None),
            revision: Set(0),
            email_verified_at: Set(is_vouched_for.then_some(now)),
        };
        let transaction = self.db.begin().await?;
        if let Some(code) = invite
            && !invites::take(&transaction, code, id, now).await?
        {
            transaction.rollback().await?;
            return Err(CreateError::InviteRefused);
        }
        let created = match account::Entity::insert(row).exec_with_returning(&transaction).await {
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                transaction.rollback().await?;
                return Err(self.who_is_taken(&username_key, &email_key).await?);
            }
            outcome => outcome?,
        };
        let who = if is_vouched_for { Who::Operator { account: id } } else { Who::Owner(id) };
        let entry = Entry { who, what: Action::Register, from, result: Outcome::Success };
        self.audit.record(&transaction, entry).await?;
        if !is_vouched_for {
            self.post.add(&transaction, Kind::EmailVerification, Some(id), &recipient).await?;
        }
        transaction.commit().await?;
        self.post.ring();
        Ok(created)
    }

    /// The database names one constraint, a client wants to hear of both.
    async fn who_is_taken(&self, username_key: &str, email_key: &str) -> Result<CreateError, DbErr> {
        let clash = Condition::any()
            .add(account::Column::UsernameKey.eq(username_key))
            .add(account::Column::EmailKey.eq(email_key));
        let others = account::Entity::find().filter(clash).all(&self.db).await?;
        Ok(CreateError::Taken {
            username: others.iter().any(|other| other.username_key == username_key),
            email: others.iter().any(|other| other.email_key == email_key),
        })
    }
}
