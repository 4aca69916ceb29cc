//! `POST /oauth/revoke` (RFC 7009): this token shall not count any more.

use actix_web::http::header;
use actix_web::web::{self, Form};
use actix_web::{HttpResponse, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::client_address::ClientAddress;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use super::client::UnlessImpostor;
use super::error::OAuthError;
use crate::personal_tokens::PersonalTokens;
use crate::sessions::{SessionError, Sessions};

/// What shall be revoked. Parameters the standard does not know are ignored (RFC 6749 §3.2).
#[derive(Deserialize, ToSchema)]
pub(crate) struct RevocationRequest {
    /// An access token, a refresh token or a personal access token.
    #[schema(value_type = String)]
    token: SecretString,
    /// Only a hint: tokens tell by their form what they are.
    #[expect(dead_code, reason = "documented and accepted, RFC 7009 §2.1 lets a server ignore it")]
    token_type_hint: Option<String>,
}

/// This token shall not count any more
///
/// An access token or a refresh token ends its session, a personal access token is deleted. Whoever has a token may revoke
/// it; a client that says who it is must be right. A token that does not count anyhow is no error.
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth", security((), ("client" = [])),
    request_body(content = RevocationRequest, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "It does not count"),
    (status = 400, description = "There is no parameter `token`", body = OAuthError),
    (status = 401, description = "The caller is not the client it says", body = OAuthError),
))]
pub(crate) async fn revoke(
    from: ClientAddress,
    sessions: web::Data<Sessions>,
    tokens: web::Data<PersonalTokens>,
    UnlessImpostor(form): UnlessImpostor<Form<RevocationRequest>>,
) -> Result<HttpResponse> {
    let token = form.into_inner().token;
    let outcome = if PersonalTokens::concerns(token.expose_secret()) {
        tokens.revoke(token.expose_secret(), from).await
    } else {
        sessions.revoke(token, from).await
    };
    match outcome {
        // What does not count need not be revoked (RFC 7009 §2.2).
        Ok(()) | Err(SessionError::Rejected(_)) => {
            Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish())
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}
