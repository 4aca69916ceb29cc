//! What login and refresh answer.

use actix_web::HttpResponse;
use actix_web::http::header;
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::sessions::Grant;

/// A successful token response (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// A JSON Web Token; send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Life of the access token, in seconds.
    expires_in: i64,
    /// Good for one use of `POST /users/refresh`, which answers its successor.
    refresh_token: String,
    /// What the access token allows, separated by spaces.
    scope: String,
}

/// 200, not to be stored by anybody between.
pub(super) fn respond(grant: Grant) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(TokenResponse {
        access_token: grant.access_token.text,
        token_type: "Bearer",
        expires_in: grant.access_token.expires_in,
        refresh_token: grant.refresh_token.expose_secret().to_owned(),
        scope: grant.scope,
    })
}
