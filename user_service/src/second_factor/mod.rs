//! The second factor of a login: codes of an authenticator app (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds, one step of
//! clock drift either way), and recovery codes for those who lose it.
//!
//! Every code counts once, decided by one conditional write: of two logins with the same code at once, one wins.

mod recovery_code;

use chrono::{DateTime, Utc};
use entity::secret_text::SecretText;
use entity::user_db::second_factor::Model;
use entity::user_db::{account, recovery_code as recovery_code_row, second_factor};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use service_kit::problem::Problem;
use service_kit::random;
use service_kit::vault::{Vault, VaultError};
use totp_rs::{Builder, Secret, Totp, TotpError};
use uuid::Uuid;

use crate::audit::{Action, Audit, Entry, Outcome, Who};

/// In bytes: as many as SHA-1 yields (RFC 4226 §4, R6).
const SECRET_LENGTH: usize = 20;
/// What their encryption is for; another text could not open what is sealed already.
const VAULT_PURPOSE: &str = "kadr second factor";

/// The second factors in the database.
#[derive(Clone)]
pub(crate) struct SecondFactors {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
    vault: Vault,
    issuer: String,
}

/// What somebody proves a second factor with.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Of an authenticator app.
    Code(SecretString),
    RecoveryCode(SecretString),
}

/// What an authenticator app is set up with.
pub(crate) struct Enrolment {
    /// In base32, for those who type it.
    pub(crate) secret: SecretString,
    /// The same as an `otpauth://` address, for a QR code.
    pub(crate) url: SecretString,
}

/// What came of a first code.
pub(crate) enum Confirmation {
    /// From now on logins want a code; these recovery codes are shown this once.
    Enabled(Vec<SecretString>),
    WrongCode,
    NothingPending,
}

/// What an account has.
pub(crate) struct State {
    /// Since when logins want a code; none where they do not.
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    pub(crate) recovery_codes_left: u64,
}

/// Why it cannot be told whether a code is right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecondFactorError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("randomness: {0}")]
    Random(#[from] random::Error),
    #[error("TOTP: {0}")]
    Totp(#[from] TotpError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl SecondFactors {
    /// Secrets are encrypted with a key made of `key`; apps show them under the name `issuer`.
    pub(crate) fn new(
        db: DatabaseConnection,
        clock: SharedClock,
        key: &SecretString,
        issuer: String,
    ) -> Self {
        Self { db, audit: Audit::new(clock.clone()), clock, vault: Vault::new(key, VAULT_PURPOSE), issuer }
    }

    /// Gives `account` a new secret, in the place of one that was never confirmed; none where logins want a code already.
    pub(crate) async fn begin(
        &self,
        account: &account::Model,
    ) -> Result<Option<Enrolment>, SecondFactorError> {
        let secret = random::bytes::<SECRET_LENGTH>()?;
        let row = second_factor::ActiveModel {
            account_id: Set(account.id),
            sealed_secret: Set(SecretText(self.vault.seal(account.id, &secret)?)),
            created_at: Set(self.clock.now()),
            confirmed_at: Set(None),
            last_step: Set(0),
        };
        let replace = OnConflict::column(second_factor::Column::AccountId)
            .update_columns([second_factor::Column::SealedSecret, second_factor::Column::CreatedAt])
            .action_and_where(
                Expr::col((second_factor::Entity, second_factor::Column::ConfirmedAt)).is_null(),
            )
            .to_owned();
        let insert = second_factor::Entity::insert(row).on_conflict(replace);
        if insert.exec_without_returning(&self.db).await? == 0 {
            return Ok(None);
        }
        let totp = Builder::new()
            .with_secret(secret)
            .with_issuer(Some(self.issuer.clone()))
            .with_account_name(account.username.clone())
            .build()?;
        Ok(Some(Enrolment { secret: totp.secret().to_base32().into(), url: totp.to_url()?.into() }))
    }

    /// Enables what was begun, if the app shows that it has the secret.
    pub(crate) async fn confirm(
        &self,
        account: Uuid,
        code: &SecretString,
        from: ClientAddress,
    ) -> Result<Confirmation, SecondFactorError> {
        let pending = second_factor::Entity::find_by_id(account)
            .filter(second_factor::Column::ConfirmedAt.is_null())
            .one(&self.db)
            .await?;
        let Some(pending) = pending else { return Ok(Confirmation::NothingPending) };
        let Some(step) = self.step_of(code, &pending)? else { return Ok(Confirmation::WrongCode) };
        let transaction = self.db.begin().await?;
        let written = second_factor::Entity::update_many()
            .col_expr(second_factor::Column::ConfirmedAt, Expr::value(self.clock.now()))
            .col_expr(second_factor::Column::LastStep, Expr::value(step))
            .filter(second_factor::Column::AccountId.eq(account))
            .filter(second_factor::Column::ConfirmedAt.is_null())
            // Not another secret that was begun meanwhile.
            .filter(second_factor::Column::SealedSecret.eq(pending.sealed_secret))
            .exec(&transaction)
            .await?;
        if written.rows_affected == 0 {
            return Ok(Confirmation::NothingPending);
        }
        let codes = add_recovery_codes(&transaction, account).await?;
        self.audit.record(&transaction, by_owner(account, Action::SecondFactorEnable, from)).await?;
        transaction.commit().await?;
        Ok(Confirmation::Enabled(codes))
    }

    /// What `account` has.
    pub(crate) async fn state(&self, account: Uuid) -> Result<State, DbErr> {
        let factor = second_factor::Entity::find_by_id(account).one(&self.db).await?;
        let left = recovery_code_row::Entity::find()
            .filter(recovery_code_row::Column::AccountId.eq(account))
            .count(&self.db)
            .await?;
        let confirmed_at = factor.and_then(|factor| factor.confirmed_at);
        Ok(State { confirmed_at, recovery_codes_left: left })
    }

    /// Whether logins of `account` want a code.
    pub(crate) async fn is_enabled(&self, account: Uuid) -> Result<bool, DbErr> {
        Ok(self.find(account).await?.is_some())
    }

    /// Whether `proof` is right, and has not counted before. It never counts again.
    pub(crate) async fn accept(
        &self,
        account: Uuid,
        proof: &Proof,
        from: ClientAddress,
    ) -> Result<bool, SecondFactorError> {
        match proof {
            Proof::Code(code) => self.accept_code(account, code).await,
            Proof::RecoveryCode(code) => Ok(self.accept_recovery_code(account, code, from).await?),
        }
    }

    /// Writes into the audit log that a second factor was wrong or missing.
    pub(crate) async fn record_refused(
        &self,
        account: Uuid,
        what: Action,
        from: ClientAddress,
    ) -> Result<(), DbErr> {
        let who = Who::Stranger { account };
        let entry = Entry { who, what, from: Some(from), result: Outcome::Refused };
        self.audit.record(&self.db, entry).await
    }

    /// Other recovery codes in the place of those that are left; none where `account` has no second factor.
    pub(crate) async fn renew_recovery_codes(
        &self,
        account: Uuid,
        from: ClientAddress,
    ) -> Result<Option<Vec<SecretString>>, SecondFactorError> {
        let transaction = self.db.begin().await?;
        // Takes the row for the rest of the transaction: of two sets made at once only one may be left.
        let taken = second_factor::Entity::update_many()
            .col_expr(second_factor::Column::LastStep, Expr::col(second_factor::Column::LastStep))
            .filter(second_factor::Column::AccountId.eq(account))
            .filter(second_factor::Column::ConfirmedAt.is_not_null())
            .exec(&transaction)
            .await?;
        if taken.rows_affected == 0 {
            return Ok(None);
        }
        recovery_code_row::Entity::delete_many()
            .filter(recovery_code_row::Column::AccountId.eq(account))
            .exec(&transaction)
            .await?;
        let codes = add_recovery_codes(&transaction, account).await?;
        self.audit.record(&transaction, by_owner(account, Action::RecoveryCodesRenew, from)).await?;
        transaction.commit().await?;
        Ok(Some(codes))
    }

    /// Takes the second factor from `account`, with its recovery codes; whether there was one. The audit log says so as
    /// `entry` does.
    pub(crate) async fn remove(&self, account: Uuid, entry: Entry) -> Result<bool, DbErr> {
        let transaction = self.db.begin().await?;
        let removed = second_factor::Entity::delete_by_id(account).exec(&transaction).await?;
        let existed = removed.rows_affected > 0;
        if existed {
            self.audit.record(&transaction, entry).await?;
        }
        transaction.commit().await?;
        Ok(existed)
    }

    async fn accept_code(&self, account: Uuid, code: &SecretString) -> Result<bool, SecondFactorError> {
        let Some(factor) = self.find(account).await? else { return Ok(false) };
        let Some(step) = self.step_of(code, &factor)? else { return Ok(false) };
        let written = second_factor::Entity::update_many()
            .col_expr(second_factor::Column::LastStep, Expr::value(step))
            .filter(second_factor::Column::AccountId.eq(account))
            .filter(second_factor::Column::SealedSecret.eq(factor.sealed_secret))
            // RFC 6238 §5.2: a code is accepted once.
            .filter(second_factor::Column::LastStep.lt(step))
            .exec(&self.db)
            .await?;
        Ok(written.rows_affected == 1)
    }

    async fn accept_recovery_code(
        &self,
        account: Uuid,
        code: &SecretString,
        from: ClientAddress,
    ) -> Result<bool, DbErr> {
        let transaction = self.db.begin().await?;
        let used = recovery_code_row::Entity::delete_many()
            .filter(recovery_code_row::Column::CodeHash.eq(recovery_code::digest(code)))
            .filter(recovery_code_row::Column::AccountId.eq(account))
            .exec(&transaction)
            .await?;
        let is_right = used.rows_affected == 1;
        if is_right {
            self.audit.record(&transaction, by_owner(account, Action::RecoveryCodeUse, from)).await?;
        }
        transaction.commit().await?;
        Ok(is_right)
    }

    async fn find(&self, account: Uuid) -> Result<Option<Model>, DbErr> {
        let enabled = second_factor::Entity::find_by_id(account);
        enabled.filter(second_factor::Column::ConfirmedAt.is_not_null()).one(&self.db).await
    }

    /// The time step that `code` is of, if it is one of the three that may be shown now.
    fn step_of(&self, code: &SecretString, factor: &Model) -> Result<Option<i64>, SecondFactorError> {
        let secret = self.vault.open(factor.account_id, &factor.sealed_secret.0)?;
        let totp: Totp = Builder::new().with_secret(Secret::from(secret)).build()?;
        // Apps show a space in the middle.
        let digits: String =
            code.expose_secret().chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let seconds = u64::try_from(self.clock.now().timestamp()).unwrap_or_default();
        Ok(totp.check(&digits, seconds).and_then(|step| i64::try_from(step).ok()))
    }
}

async fn add_recovery_codes(
    db: &impl ConnectionTrait,
    account: Uuid,
) -> Result<Vec<SecretString>, SecondFactorError> {
    let codes = recovery_code::generate()?;
    let rows = codes.iter().map(|code| recovery_code_row::ActiveModel {
        code_hash: Set(recovery_code::digest(code)),
        account_id: Set(account),
    });
    recovery_code_row::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(codes)
}

fn by_owner(account: Uuid, what: Action, from: ClientAddress) -> Entry {
    Entry { who: Who::Owner(account), what, from: Some(from), result: Outcome::Success }
}

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Database(error) => error.into(),
            other => Self::internal(other),
        }
    }
}
