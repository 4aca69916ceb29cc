//! `POST /users/password`

use actix_web::{HttpResponse, web};
use entity::user_db::account;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::checked::Checked;
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::task;
use utoipa::ToSchema;

use super::current_password::PasswordCheck;
use super::weak_password::{self, WeakPassword};
use crate::account::{ChangeError, NewPassword, PasswordReplacement, Proof, WantedPassword};
use crate::audit::Action;
use crate::passwords::PasswordHasher;
use crate::sessions::{Authenticated, Sessions};

/// Another password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
    /// As in `POST /users/register`.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", min_length = 8, max_length = 72)]
    new_password: Checked<WantedPassword>,
}

/// Change the password
///
/// All other sessions of the account end.
#[utoipa::path(post, path = "/users/password", tag = "accounts", security(("bearer" = [])), responses(
    (status = 204, description = "It is changed"),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The current password is wrong, or the token is no login"),
    (status = 422, description = "The new password is refused",
        body = WeakPassword, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    caller: Authenticated,
    from: ClientAddress,
    hasher: web::Data<PasswordHasher>,
    check: PasswordCheck,
    sessions: web::Data<Sessions>,
    body: Json<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account;
    let password = accept(body.0.new_password, &account)?;
    check.prove(&account, Some(body.0.current_password), Action::PasswordChange).await?;
    let hash = hasher.reserve()?.hash(password).await?;

    // A client that hangs up must not keep thieves in.
    task::to_its_end(async move {
        let proof = Proof::Password { hash: account.password_hash, session: caller.claims.sid };
        let replacement = PasswordReplacement { account: account.id, hash, proof, from };
        if sessions.replace_password(replacement).await? {
            Ok(())
        } else {
            Err(ChangeError::ChangedMeanwhile.into())
        }
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The password, if the owner of `account` may have it.
pub(super) fn accept(
    wanted: Checked<WantedPassword>,
    account: &account::Model,
) -> Result<NewPassword, Problem> {
    const POINTER: &str = "/new_password";
    let mut errors = Vec::new();
    let Some(wanted) = wanted.take(POINTER, &mut errors) else { return Err(Problem::invalid(errors)) };
    let names: Vec<_> = [Some(&account.username), Some(&account.email), account.display_name.as_ref()]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    wanted.accept(&names).map_err(|refusal| weak_password::refused(POINTER, &refusal, Vec::new()))
}
