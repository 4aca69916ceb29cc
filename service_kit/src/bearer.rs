//! Bearer tokens in requests (RFC 6750 §2.1) and the challenges that answer their absence (§3).

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest};

use crate::problem::Problem;

/// A token longer than this is refused unseen: ours are well under a kilobyte.
const MAX_LENGTH: usize = 4096;

/// The token of an `Authorization: Bearer …` header. Extracting it proves nothing: whoever takes one must check it.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// The token's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BearerToken(..)")
    }
}

impl FromRequest for BearerToken {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(token_of(request))
    }
}

fn token_of(request: &HttpRequest) -> Result<BearerToken, Problem> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let header = headers.next().ok_or_else(missing_token)?;
    if headers.next().is_some() {
        // Which one would count is a matter of taste, and a proxy's may be another.
        return Err(invalid_token());
    }
    let text = header.to_str().map_err(|_| invalid_token())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(invalid_token)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing_token());
    }
    let token = token.trim();
    if token.is_empty() || token.len() > MAX_LENGTH {
        return Err(invalid_token());
    }
    Ok(BearerToken(token.to_owned()))
}

/// 401: no token at all.
#[must_use]
pub fn missing_token() -> Problem {
    challenge("Bearer realm=\"kadr\"", "authentication-required", "A bearer token is required")
}

/// 401: a token that does not count, whatever the reason.
#[must_use]
pub fn invalid_token() -> Problem {
    challenge("Bearer realm=\"kadr\", error=\"invalid_token\"", "invalid-token", "The token is not valid")
}

/// 403: the token is good, and does not carry `scope`.
#[must_use]
pub fn insufficient_scope(scope: &str) -> Problem {
    let challenge = format!("Bearer realm=\"kadr\", error=\"insufficient_scope\", scope=\"{scope}\"");
    let problem = Problem::new(StatusCode::FORBIDDEN, "insufficient-scope", "The token may not do this")
        .detail(format!("it lacks the scope {scope}"));
    match HeaderValue::from_str(&challenge) {
        Ok(value) => problem.header(header::WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}

fn challenge(value: &'static str, slug: &str, title: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, slug, title)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(value))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::test::TestRequest;

    use super::*;

    fn extract(authorization: &str) -> Result<BearerToken, Problem> {
        token_of(
            &TestRequest::default().insert_header((header::AUTHORIZATION, authorization)).to_http_request(),
        )
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        assert_eq!(extract("bEaReR abc").unwrap().as_str(), "abc");
    }

    #[test]
    fn a_missing_or_unreadable_token_is_challenged() {
        for header in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", ""] {
            let response = extract(header).unwrap_err().error_response();
            assert_eq!(response.status(), 401, "{header:?}");
            assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
        }
    }

    #[test]
    fn of_two_tokens_none_counts() {
        let request = TestRequest::default()
            .append_header((header::AUTHORIZATION, "Bearer one"))
            .append_header((header::AUTHORIZATION, "Bearer two"));
        assert_eq!(token_of(&request.to_http_request()).unwrap_err().error_response().status(), 401);
    }

    #[test]
    fn a_token_is_not_shown_when_debugged() {
        assert!(!format!("{:?}", extract("Bearer topsecret").unwrap()).contains("topsecret"));
    }
}
