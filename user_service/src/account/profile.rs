//! What owners change about their accounts.

use entity::user_db::account::{self, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, SqlErr, TransactionTrait};
use service_kit::client_address::ClientAddress;

use super::{Accounts, DisplayName, Email, Initials, Locale};
use crate::audit::{Action, Entry, Outcome, Who};
use crate::mail::Kind;

/// What is to change. Of what can be absent, `Some(None)` removes it.
#[derive(Debug)]
#[expect(clippy::option_option, reason = "as it is, removed, or another one")]
pub(crate) struct ProfileChanges {
    pub(crate) display_name: Option<Option<DisplayName>>,
    pub(crate) locale: Option<Option<Locale>>,
    pub(crate) initials: Option<Option<Initials>>,
    pub(crate) email: Option<Email>,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("the account has changed since it was read")]
    ChangedMeanwhile,
    #[error("somebody else has the address")]
    EmailTaken,
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Accounts {
    /// Changes the account that was read as `before`, if it is still so. Another address is not verified; where addresses
    /// must be, it is nobody's before that, and who has it already is not told, as in [`Accounts::create`].
    pub(crate) async fn change_profile(
        &self,
        before: Model,
        changes: ProfileChanges,
        from: ClientAddress,
    ) -> Result<Model, ChangeError> {
        let what = if changes.email.is_some() { Action::EmailChange } else { Action::ProfileChange };
        let read = before.revision;
        let mut after = before;
        if let Some(name) = changes.display_name {
            after.display_name = name.map(DisplayName::into_inner);
        }
        if let Some(locale) = changes.locale {
            after.locale = locale.map(Locale::into_inner);
        }
        if let Some(initials) = changes.initials {
            after.initials = initials.map(Initials::into_inner);
        }
        let mut recipient = None;
        if let Some(email) = changes.email {
            if !email.is_same_as(&after.email) {
                after.email_key = if self.verified_only { after.id.to_string() } else { email.key() };
                after.email_verified_at = None;
                recipient = Some(email.clone());
            }
            after.email = email.into_inner();
        }
        after.updated_at = self.clock.now();
        after.revision = read + 1;

        let transaction = self.db.begin().await?;
        let written = account::Entity::update_many()
            .col_expr(account::Column::DisplayName, Expr::value(after.display_name.clone()))
            .col_expr(account::Column::Locale, Expr::value(after.locale.clone()))
            .col_expr(account::Column::Initials, Expr::value(after.initials.clone()))
            .col_expr(account::Column::Email, Expr::value(after.email.clone()))
            .col_expr(account::Column::EmailKey, Expr::value(after.email_key.clone()))
            .col_expr(account::Column::EmailVerifiedAt, Expr::value(after.email_verified_at))
            .col_expr(account::Column::UpdatedAt, Expr::value(after.updated_at))
            .col_expr(account::Column::Revision, Expr::value(after.revision))
            .filter(account::Column::Id.eq(after.id))
            // Of two changes at a time, one is told to look again.
            .filter(account::Column::Revision.eq(read))
            .exec(&transaction)
            .await;
        match written {
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                return Err(ChangeError::EmailTaken);
            }
            Ok(written) if written.rows_affected == 0 => return Err(ChangeError::ChangedMeanwhile),
            written => written?,
        };
        let entry = Entry { who: Who::Owner(after.id), what, from: Some(from), result: Outcome::Success };
        self.audit.record(&transaction, entry).await?;
        if let Some(recipient) = recipient {
            self.post.add(&transaction, Kind::EmailVerification, Some(after.id), &recipient).await?;
        }
        transaction.commit().await?;
        self.post.ring();
        Ok(after)
    }

    /// Writes into the audit log that somebody with a token of the account did not know its password.
    pub(crate) async fn record_unproven(
        &self,
        account: uuid::Uuid,
        what: Action,
        from: ClientAddress,
    ) -> Result<(), DbErr> {
        let who = Who::Stranger { account };
        let entry = Entry { who, what, from: Some(from), result: Outcome::Refused };
        self.audit.record(&self.db, entry).await
    }
}
