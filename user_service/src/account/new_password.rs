//! Another password for an account: by whoever knows the one before, or reads the mail of its owner.

use chrono::{DateTime, Utc};
use entity::secret_text::SecretText;
use entity::user_db::{account, personal_token};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use service_kit::client_address::ClientAddress;
use uuid::Uuid;

use crate::mail::token::{self, Presented, Purpose};

/// What is to be written, and what allows it.
pub(crate) struct PasswordReplacement {
    pub(crate) account: Uuid,
    pub(crate) hash: SecretText,
    pub(crate) proof: Proof,
    pub(crate) from: ClientAddress,
}

/// Why it may be written.
pub(crate) enum Proof {
    /// The password with this hash was known, in a session, which goes on.
    Password { hash: SecretText, session: Uuid },
    /// A token that was mailed to the owner.
    MailToken(Presented),
}

/// Writes the password, if its proof still holds; whether it did. Several writes: give a transaction.
///
/// A mailed token is used up, with all others like it. Whoever needs one may have lost the account to somebody else, so the
/// personal access tokens go as well. And it has proven the address.
pub(crate) async fn replace_password(
    db: &impl ConnectionTrait,
    replacement: &PasswordReplacement,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let id = replacement.account;
    let mut update = account::Entity::update_many()
        .col_expr(account::Column::PasswordHash, Expr::value(replacement.hash.clone()))
        .col_expr(account::Column::UpdatedAt, Expr::value(now))
        .col_expr(account::Column::Revision, Expr::col(account::Column::Revision).add(1))
        .filter(account::Column::Id.eq(id));
    match &replacement.proof {
        Proof::Password { hash, .. } => {
            update = update.filter(account::Column::PasswordHash.eq(hash.clone()));
        }
        Proof::MailToken(presented) => {
            let found = token::find(db, presented, Purpose::PasswordReset, now).await?;
            let Some((token, account)) = found else { return Ok(false) };
            let key = token.email_key.clone();
            if account.id != id || !token::take(db, token).await? {
                return Ok(false);
            }
            personal_token::Entity::delete_many()
                .filter(personal_token::Column::AccountId.eq(id))
                .exec(db)
                .await?;
            let verified = Func::coalesce([Expr::col(account::Column::EmailVerifiedAt), Expr::value(now)]);
            update = update
                .col_expr(account::Column::EmailVerifiedAt, verified.into())
                .filter(account::Column::EmailKey.eq(key))
                .filter(account::Column::DisabledAt.is_null());
        }
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}
