//! Who may log in.

mod display_name;
mod email;
mod password;
mod username;

use entity::secret_text::SecretText;
use entity::user_db::account::{self, Model};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseConnection, DbErr, EntityTrait, QueryFilter, SqlErr,
    TransactionTrait,
};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use uuid::Uuid;

pub(crate) use self::display_name::DisplayName;
pub(crate) use self::email::Email;
pub(crate) use self::password::Password;
pub(crate) use self::username::Username;
use crate::audit::{Action, Audit, Entry, Outcome, Who};

/// The accounts in the database.
#[derive(Clone)]
pub(crate) struct Accounts {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
}

/// What an account begins with.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub(crate) username: Username,
    pub(crate) email: Email,
    pub(crate) display_name: Option<DisplayName>,
}

/// By what somebody who logs in says who they are.
#[derive(Debug)]
pub(crate) enum Name {
    Username(Username),
    Email(Email),
}

/// Why an account was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    /// Somebody else has it.
    #[error("taken")]
    Taken { username: bool, email: bool },
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Accounts {
    pub(crate) fn new(db: DatabaseConnection, clock: SharedClock) -> Self {
        Self { db, audit: Audit::new(clock.clone()), clock }
    }

    /// Creates one; the database's constraints decide who is first.
    pub(crate) async fn create(
        &self,
        new: NewAccount,
        hash: SecretText,
        from: ClientAddress,
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
        };
        let transaction = self.db.begin().await?;
        let created = match account::Entity::insert(row).exec_with_returning(&transaction).await {
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                transaction.rollback().await?;
                return Err(self.who_is_taken(&username_key, &email_key).await?);
            }
            outcome => outcome?,
        };
        let (what, result) = (Action::Register, Outcome::Success);
        let entry = Entry { who: Who::Owner(created.id), what, from: Some(from), result };
        self.audit.record(&transaction, entry).await?;
        transaction.commit().await?;
        Ok(created)
    }

    /// Writes into the audit log that somebody did not get in, into which account, if any.
    pub(crate) async fn record_refused_login(
        &self,
        account: Option<Uuid>,
        from: ClientAddress,
    ) -> Result<(), DbErr> {
        let who = account.map_or(Who::Nobody, |account| Who::Stranger { account });
        let (what, result) = (Action::Login, Outcome::Refused);
        self.audit.record(&self.db, Entry { who, what, from: Some(from), result }).await
    }

    /// The account that goes by `name`.
    pub(crate) async fn find(&self, name: &Name) -> Result<Option<Model>, DbErr> {
        let condition = match name {
            Name::Username(username) => account::Column::UsernameKey.eq(username.key()),
            Name::Email(email) => account::Column::EmailKey.eq(email.key()),
        };
        account::Entity::find().filter(condition).one(&self.db).await
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
