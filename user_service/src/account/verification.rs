//! Whose address is whose, and what follows from reading what is sent there.

use entity::user_db::account::{self, Model};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, SqlErr, TransactionTrait};
use service_kit::client_address::ClientAddress;
use uuid::Uuid;

use super::{Accounts, Email};
use crate::audit::{Action, Entry, Outcome, Who};
use crate::mail::Kind;
use crate::mail::token::{self, Presented, Purpose};

/// Why an address was not verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("the token was used, has expired or never was")]
    TokenRefused,
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Why an administrator's reset was not begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    #[error("there is no such account")]
    NoAccount,
    /// It is disabled, or has no address yet.
    #[error("nothing may be sent to the account")]
    Unreachable,
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Accounts {
    /// Whether `account` may do nothing before its address is verified.
    pub(crate) fn must_verify(&self, account: &Model) -> bool {
        self.verified_only && account.email_verified_at.is_none()
    }

    /// Has a message sent to the address of `account` that lets its owner verify it.
    pub(crate) async fn send_verification(&self, account: &Model) -> Result<(), DbErr> {
        // What is in the database was an address when it was written.
        if let Ok(email) = Email::try_from(account.email.clone()) {
            self.post.add(&self.db, Kind::EmailVerification, Some(account.id), &email).await?;
            self.post.ring();
        }
        Ok(())
    }

    /// Verifies the address that a token was sent to, if it is still its account's and nobody else's.
    pub(crate) async fn verify_email(
        &self,
        presented: &Presented,
        from: ClientAddress,
    ) -> Result<(), AddressError> {
        let now = self.clock.now();
        let transaction = self.db.begin().await?;
        let found = token::find(&transaction, presented, Purpose::EmailVerification, now).await?;
        let Some((token, account)) = found else { return Err(AddressError::TokenRefused) };
        let key = token.email_key.clone();
        if account.email.to_lowercase() != key || !token::take(&transaction, token).await? {
            return Err(AddressError::TokenRefused);
        }
        let written = account::Entity::update_many()
            .col_expr(account::Column::EmailKey, Expr::value(key))
            .col_expr(account::Column::EmailVerifiedAt, Expr::value(now))
            .col_expr(account::Column::UpdatedAt, Expr::value(now))
            .col_expr(account::Column::Revision, Expr::col(account::Column::Revision).add(1))
            .filter(account::Column::Id.eq(account.id))
            .filter(account::Column::Email.eq(account.email))
            .exec(&transaction)
            .await;
        match written {
            // Somebody else has proven to have it meanwhile.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                return Err(AddressError::TokenRefused);
            }
            Ok(written) if written.rows_affected == 0 => return Err(AddressError::TokenRefused),
            written => written?,
        };
        let (who, what) = (Who::Owner(account.id), Action::EmailVerify);
        let entry = Entry { who, what, from: Some(from), result: Outcome::Success };
        self.audit.record(&transaction, entry).await?;
        Ok(transaction.commit().await?)
    }

    /// Has a message sent to `email` that lets its owner set another password. Whether there is an account is found out
    /// when it is sent: the work here is the same.
    pub(crate) async fn request_reset(&self, email: &Email, from: ClientAddress) -> Result<(), DbErr> {
        let (who, what) = (Who::Nobody, Action::PasswordResetRequest);
        let entry = Entry { who, what, from: Some(from), result: Outcome::Success };
        self.send_reset(email, None, entry).await
    }

    /// As [`Self::request_reset`], for the account `id`, by an administrator.
    pub(crate) async fn start_reset(
        &self,
        id: Uuid,
        administrator: Uuid,
        from: ClientAddress,
    ) -> Result<(), ResetError> {
        let account = self.read(id).await?.ok_or(ResetError::NoAccount)?;
        let email = Email::try_from(account.email).ok().filter(|email| email.key() == account.email_key);
        let Some(email) = email.filter(|_| account.disabled_at.is_none()) else {
            return Err(ResetError::Unreachable);
        };
        let who = Who::Administrator { id: administrator, account: id };
        let entry =
            Entry { who, what: Action::PasswordResetRequest, from: Some(from), result: Outcome::Success };
        Ok(self.send_reset(&email, Some(id), entry).await?)
    }

    /// The account whose password a mailed token lets somebody set.
    pub(crate) async fn find_by_reset_token(&self, presented: &Presented) -> Result<Option<Model>, DbErr> {
        let found = token::find(&self.db, presented, Purpose::PasswordReset, self.clock.now()).await?;
        Ok(found.filter(|(token, account)| token.email_key == account.email_key).map(|(_, account)| account))
    }

    async fn send_reset(&self, email: &Email, account: Option<Uuid>, entry: Entry) -> Result<(), DbErr> {
        let transaction = self.db.begin().await?;
        self.post.add(&transaction, Kind::PasswordReset, account, email).await?;
        self.audit.record(&transaction, entry).await?;
        transaction.commit().await?;
        self.post.ring();
        Ok(())
    }
}
