//! `POST /users/email/verification` and `POST /users/email/verify`: proving that one reads an address.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::rate_limit::Limited;
use service_kit::task;
use utoipa::ToSchema;

use crate::account::{Accounts, AddressError};
use crate::mail::Post;
use crate::mail::token::Presented;
use crate::rate_limits::Resets;
use crate::sessions::Authenticated;

/// A token that was mailed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    #[schema(value_type = String)]
    token: SecretString,
}

/// Have the message sent again that verifies the address
///
/// One is sent by itself when an account is made or its address changes. At most three an hour go to one address.
#[utoipa::path(post, path = "/users/email/verification", tag = "accounts", security(("bearer" = [])), responses(
    (status = 202, description = "It will be sent"),
    (status = 401, description = "The token does not count"),
    (status = 409, description = "The address is verified"),
    (status = 501, description = "Nothing is mailed here"),
))]
pub(crate) async fn send(
    caller: Authenticated,
    accounts: web::Data<Accounts>,
    post: web::Data<Post>,
) -> Result<HttpResponse, Problem> {
    post.require()?;
    if caller.account.email_verified_at.is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, "already-verified", "The address is verified"));
    }
    accounts.send_verification(&caller.account).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Verify an address with the token that was mailed there
///
/// A token counts once, for 30 minutes, while the address is that of its account.
#[utoipa::path(post, path = "/users/email/verify", tag = "accounts", responses(
    (status = 204, description = "It is verified"),
    (status = 403, description = "The token was used, has expired or never was"),
    (status = 429, description = "Too many tries from this network; `Retry-After` tells when to come back"),
    (status = 501, description = "Nothing is mailed here"),
))]
pub(crate) async fn verify(
    _limit: Limited<Resets>,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    post: web::Data<Post>,
    body: Json<Verification>,
) -> Result<HttpResponse, Problem> {
    post.require()?;
    let presented = Presented::from(body.0.token);
    task::to_its_end(async move { Ok(accounts.verify_email(&presented, from).await?) }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 403: a mailed token that does not count.
pub(super) fn token_refused() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "mail-token-refused", "The token of the message does not count")
        .detail("it was used, has expired or never was; ask for another message")
}

impl From<AddressError> for Problem {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::TokenRefused => token_refused(),
            AddressError::Database(error) => error.into(),
        }
    }
}
