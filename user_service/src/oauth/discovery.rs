//! What others need to check tokens: the public keys (RFC 7517) and the server's metadata (RFC 8414).

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use super::{ADMIN_SCOPE, SCOPES};
use crate::sessions::SessionError;
use crate::signing_keys::SigningKeys;

/// How long an answer may be kept. A new key signs as soon as it is made, and whoever meets an unknown `kid` asks again
/// at once, so this only bounds how long a withdrawn key is believed.
const CACHEABLE: &str = "public, max-age=300";

/// A key set (RFC 7517 §5).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the library's type, which does not describe itself")]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

/// An Ed25519 key (RFC 8037 §2).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the library's type, which does not describe itself")]
struct PublicKey {
    /// `OKP`
    kty: String,
    /// `Ed25519`
    crv: String,
    /// The public key, in base64url.
    x: String,
    /// The RFC 7638 thumbprint.
    kid: String,
    /// `EdDSA`
    alg: String,
    /// `sig`
    r#use: String,
}

/// The server's metadata (RFC 8414 §2): what there is, and nothing that there is not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ServerMetadata {
    issuer: String,
    jwks_uri: String,
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 1],
    revocation_endpoint: String,
    /// `none`: whoever has a token may revoke it.
    revocation_endpoint_auth_methods_supported: [&'static str; 2],
    scopes_supported: Vec<&'static str>,
    /// None: people log in with `POST /users/login`, which is not an OAuth grant.
    response_types_supported: [&'static str; 0],
    /// None, for the same reason.
    grant_types_supported: [&'static str; 0],
}

/// The metadata of the server whose `iss` is `issuer`.
pub(crate) fn metadata(issuer: &str) -> ServerMetadata {
    ServerMetadata {
        issuer: issuer.to_owned(),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        introspection_endpoint: format!("{issuer}/oauth/introspect"),
        introspection_endpoint_auth_methods_supported: ["client_secret_basic"],
        revocation_endpoint: format!("{issuer}/oauth/revoke"),
        revocation_endpoint_auth_methods_supported: ["none", "client_secret_basic"],
        scopes_supported: SCOPES.into_iter().chain([ADMIN_SCOPE]).collect(),
        response_types_supported: [],
        grant_types_supported: [],
    }
}

/// The keys that access tokens are signed with
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "oauth", responses(
    (status = 200, description = "All keys that count", body = KeySet),
))]
pub(crate) async fn jwks(keys: web::Data<SigningKeys>) -> Result<HttpResponse, Problem> {
    let published = keys.published().await.map_err(SessionError::from)?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, CACHEABLE)).json(published))
}

/// What this authorization server can do
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", responses(
    (status = 200, description = "Its metadata", body = ServerMetadata),
))]
pub(crate) async fn server_metadata(metadata: web::Data<ServerMetadata>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, CACHEABLE)).json(metadata.as_ref())
}
