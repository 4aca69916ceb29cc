//! What browsers shall not do with an answer: guess its type, show it in a frame, run anything in it, tell others where
//! it was. And search engines: keep it.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;

/// An API's answers are data. (HTTPS, and with it Strict-Transport-Security, is the proxy's.)
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// The pages of the documentation run what the binary itself holds; they put styles and pictures into themselves.
const PAGES: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// Whose pages may show an answer. A handler that says something else of its own answers knows why.
pub const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Middleware for `actix_web::middleware::from_fn`.
///
/// # Errors
/// Those of the services inside it.
pub async fn security_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let policy = if request.path().starts_with("/docs/") { PAGES } else { DATA };
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    for (name, value) in HEADERS.into_iter().chain([(header::CONTENT_SECURITY_POLICY, policy)]) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(RESOURCE_POLICY) {
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    }
    Ok(response)
}
