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

/// What an account begins with.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub(crate) username: Username,
    pub(crate) email: Email,
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) role: Role,
}

/// Why an account was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    /// Somebody else has it.
    #[error("somebody has the name or the address")]
    Taken { username: bool, email: bool },
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Accounts {
    /// Creates one; the database's constraints decide who is first. Without an address it is the operator who does so.
    pub(crate) async fn create(
        &self,
        new: NewAccount,
        hash: SecretText,
        from: Option<ClientAddress>,
    ) -> Result<Model, CreateError> {
        let now = self.clock.now();
        let (username_key, email_key) = (new.username.key(), new.email.key());
        let row = account::ActiveModel {
            id: Set(Uuid::now_v7()),
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
        };
        let transaction = self.db.begin().await?;
        let created = match account::Entity::insert(row).exec_with_returning(&transaction).await {
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                transaction.rollback().await?;
                return Err(self.who_is_taken(&username_key, &email_key).await?);
            }
            outcome => outcome?,
        };
        let account = created.id;
        let who = if from.is_some() { Who::Owner(account) } else { Who::Operator { account } };
        let entry = Entry { who, what: Action::Register, from, result: Outcome::Success };
        self.audit.record(&transaction, entry).await?;
        transaction.commit().await?;
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
