//! `POST /users/refresh`

use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use super::token_response::{TokenResponse, respond};
use crate::sessions::Sessions;

/// Who wants to stay in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// The newest one of the session.
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// Exchange a refresh token for a new access token and the next refresh token
///
/// Each refresh token is good for one use. Within a few seconds a repeated use answers the same successor, for answers
/// get lost; later use ends the whole session, for one of the two users has stolen the token.
#[utoipa::path(post, path = "/users/refresh", tag = "sessions", responses(
    (status = 200, description = "The session continues", body = TokenResponse),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn refresh(
    from: ClientAddress,
    sessions: web::Data<Sessions>,
    body: Json<Refresh>,
) -> Result<HttpResponse, Problem> {
    Ok(respond(sessions.refresh(body.0.refresh_token, from).await?))
}
