//! `GET /users/profile`

use actix_web::http::header::{self, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};
use service_kit::problem::Problem;
use sha2::{Digest, Sha256};

use super::Account;
use super::bearer::{Authorized, ProfileRead};

/// The account of the token
#[utoipa::path(get, path = "/users/profile", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, description = "The account", body = Account, headers(("ETag" = String))),
    (status = 304, description = "It is the one of If-None-Match still"),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The token lacks the scope profile:read"),
))]
pub(crate) async fn profile(
    request: HttpRequest,
    caller: Authorized<ProfileRead>,
) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(&Account::from(caller.account)).map_err(Problem::internal)?;
    let tag = EntityTag::new_strong(hex::encode(Sha256::digest(&body)));
    let mut response =
        if is_known(&request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // Caches on the way have no business with it; the client's own asks each time.
    response.insert_header(header::ETag(tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    Ok(response.content_type("application/json").body(body))
}

/// Whether the client has this representation (RFC 9110 §13.1.2). A header that cannot be read asks for nothing.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|other| other.weak_eq(tag)),
        Err(_) => false,
    }
}
