//! `POST /users/password/reset-request`, `POST /users/password/reset` and `POST /admin/users/{id}/password-reset`: for those
//! who have forgotten theirs.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::checked::Checked;
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::rate_limit::Limited;
use service_kit::task;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bearer::Administrator;
use super::email::token_refused;
use super::password::accept;
use super::weak_password::WeakPassword;
use crate::account::{
    Accounts, Email, Name, PasswordReplacement, Proof, ResetError, Username, WantedPassword,
};
use crate::login_throttle::LoginThrottle;
use crate::mail::Post;
use crate::mail::token::Presented;
use crate::passwords::PasswordHasher;
use crate::rate_limits::Resets;
use crate::sessions::Sessions;

/// Whose password is to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254, example = "ann@example.org")]
    email: Checked<Email>,
}

/// A token that was mailed, and the password to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    #[schema(value_type = String)]
    token: SecretString,
    /// As in `POST /users/register`.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", min_length = 8, max_length = 72)]
    new_password: Checked<WantedPassword>,
}

/// Have a message sent with which a new password can be set
///
/// The answer, and the time it takes, is the same whether somebody has the address or not. At most three messages an hour
/// go to one address.
#[utoipa::path(post, path = "/users/password/reset-request", tag = "accounts", responses(
    (status = 202, description = "If there is such an account, its owner gets a message"),
    (status = 422, description = "That is no address"),
    (status = 429, description = "Too many from this network; `Retry-After` tells when to come back"),
    (status = 501, description = "Nothing is mailed here"),
))]
pub(crate) async fn request(
    _limit: Limited<Resets>,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    post: web::Data<Post>,
    body: Json<ResetRequest>,
) -> Result<HttpResponse, Problem> {
    post.require()?;
    let mut errors = Vec::new();
    let Some(email) = body.0.email.take("/email", &mut errors) else { return Err(Problem::invalid(errors)) };
    accounts.request_reset(&email, from).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Set a new password with the token that was mailed
///
/// All sessions of the account end, and its personal access tokens are gone: somebody else may have had it. A token counts
/// once, for 30 minutes.
#[utoipa::path(post, path = "/users/password/reset", tag = "accounts", responses(
    (status = 204, description = "It is set"),
    (status = 403, description = "The token was used, has expired or never was"),
    (status = 422, description = "The new password is refused; the token still counts",
        body = WeakPassword, content_type = "application/problem+json"),
    (status = 429, description = "Too many tries from this network; `Retry-After` tells when to come back"),
    (status = 501, description = "Nothing is mailed here"),
))]
#[expect(clippy::too_many_arguments, reason = "each is one thing that the handler needs")]
pub(crate) async fn reset(
    _limit: Limited<Resets>,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    hasher: web::Data<PasswordHasher>,
    throttle: web::Data<LoginThrottle>,
    sessions: web::Data<Sessions>,
    post: web::Data<Post>,
    body: Json<Reset>,
) -> Result<HttpResponse, Problem> {
    post.require()?;
    let presented = Presented::from(body.0.token);
    let account = accounts.find_by_reset_token(&presented).await?.ok_or_else(token_refused)?;
    let password = accept(body.0.new_password, &account)?;
    let hash = hasher.reserve()?.hash(password).await?;
    task::to_its_end(async move {
        let proof = Proof::MailToken(presented);
        let replacement = PasswordReplacement { account: account.id, hash, proof, from };
        if !sessions.replace_password(replacement).await? {
            return Err(token_refused());
        }
        let username = Username::try_from(account.username).map(Name::Username);
        let email = Email::try_from(account.email).map(Name::Email);
        for name in [username, email].into_iter().flatten() {
            throttle.forget(&name).await?;
        }
        Ok(())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Have a message sent to the owner of an account with which a new password can be set
///
/// Until then the password stays as it is. The administrator sees neither token nor password.
#[utoipa::path(post, path = "/admin/users/{id}/password-reset", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 202, description = "It will be sent"),
    (status = 404, description = "There is no such account"),
    (status = 409, description = "The account is disabled, or has no address before it is verified"),
    (status = 501, description = "Nothing is mailed here"),
))]
pub(crate) async fn start(
    Administrator(caller): Administrator,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    post: web::Data<Post>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    post.require()?;
    accounts.start_reset(*id, caller.account.id, from).await?;
    Ok(HttpResponse::Accepted().finish())
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::NoAccount => Self::not_found("account"),
            ResetError::Unreachable => {
                Self::new(StatusCode::CONFLICT, "account-unreachable", "Nothing may be sent to the account")
                    .detail("it is disabled, or its address is not verified")
            }
            ResetError::Database(error) => error.into(),
        }
    }
}
