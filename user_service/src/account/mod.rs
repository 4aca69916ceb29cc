//! Who may log in.

mod administration;
mod creation;
mod deletion;
mod display_name;
mod email;
mod initials;
mod locale;
mod new_password;
mod password;
mod profile;
mod rehash;
mod username;
mod verification;

use chrono::{DateTime, Utc};
use entity::user_db::account::{self, Model};
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use uuid::Uuid;

pub(crate) use self::administration::Search;
pub(crate) use self::creation::{Applicant, CreateError, NewAccount};
pub(crate) use self::deletion::Belongings;
pub(crate) use self::display_name::DisplayName;
pub(crate) use self::email::Email;
pub(crate) use self::initials::Initials;
pub(crate) use self::locale::Locale;
pub(crate) use self::new_password::{PasswordReplacement, Proof, replace_password};
pub(crate) use self::password::{NewPassword, Password, Refusal, Strength, WantedPassword};
pub(crate) use self::profile::{ChangeError, ProfileChanges};
pub(crate) use self::username::Username;
pub(crate) use self::verification::{AddressError, ResetError};
use crate::audit::{Action, Audit, Entry, Outcome, Who};
use crate::mail::Post;
use crate::outbox::Bell;

/// The accounts in the database.
#[derive(Clone)]
pub(crate) struct Accounts {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
    bell: Bell,
    post: Post,
    /// Whether an address belongs to an account only once it is verified.
    verified_only: bool,
}

/// By what somebody who logs in says who they are.
#[derive(Debug)]
pub(crate) enum Name {
    Username(Username),
    Email(Email),
}

impl Accounts {
    pub(crate) fn new(
        db: DatabaseConnection,
        clock: SharedClock,
        bell: Bell,
        post: Post,
        verified_only: bool,
    ) -> Self {
        Self { db, audit: Audit::new(clock.clone()), clock, bell, post, verified_only }
    }

    /// The time it is for accounts.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
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
}
