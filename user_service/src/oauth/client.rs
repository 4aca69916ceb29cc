//! The service that may introspect, and how it proves that it is the one.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::OAuthError;

/// The credentials of the one client, as a digest: all that comparing needs.
#[derive(Clone)]
pub(crate) struct ServiceClient {
    digest: [u8; 32],
}

/// Proof, as an argument of a handler, that the client has authenticated itself.
#[derive(Debug)]
pub(crate) struct AuthenticatedClient;

impl ServiceClient {
    pub(crate) fn new(id: &str, secret: &SecretString) -> Self {
        // Names hold no colon, so the pair is read in one way only.
        Self { digest: Sha256::digest(format!("{id}:{}", secret.expose_secret())).into() }
    }

    /// Digests have one length and say nothing about their origins: their comparison takes the same time for all.
    fn is(&self, credentials: &[u8]) -> bool {
        Sha256::digest(credentials).as_slice().ct_eq(&self.digest).into()
    }
}

impl FromRequest for AuthenticatedClient {
    type Error = OAuthError;
    type Future = Ready<Result<Self, OAuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let client = request.app_data::<web::Data<ServiceClient>>();
        let proven = client.is_some_and(|client| basic(request).is_some_and(|given| client.is(&given)));
        ready(if proven { Ok(Self) } else { Err(OAuthError::INVALID_CLIENT) })
    }
}

/// The `name:secret` of HTTP Basic (RFC 7617 §2).
fn basic(request: &HttpRequest) -> Option<Vec<u8>> {
    let (scheme, credentials) =
        request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(credentials.trim()).ok())?
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_let_in(authorization: &str) -> bool {
        let client = ServiceClient::new("video_service", &"s3cret".to_owned().into());
        let request = TestRequest::default()
            .insert_header((header::AUTHORIZATION, authorization))
            .app_data(web::Data::new(client))
            .to_http_request();
        AuthenticatedClient::from_request(&request, &mut Payload::None).into_inner().is_ok()
    }

    #[test]
    fn only_the_right_name_with_the_right_secret_is_let_in() {
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        assert!(is_let_in(&basic("video_service:s3cret")));
        assert!(is_let_in(&basic("video_service:s3cret").replace("Basic", "bAsIc ")));
        for pair in
            ["video_service:wrong", "other:s3cret", "video_service:", "video_service", ":s3cret", "", ":"]
        {
            assert!(!is_let_in(&basic(pair)), "{pair:?}");
        }
    }

    #[test]
    fn what_is_no_basic_header_is_not_let_in() {
        let encoded = BASE64_STANDARD.encode("video_service:s3cret");
        for header in ["", "Basic", "Basic ", "Basic %%%", &format!("Bearer {encoded}"), &encoded] {
            assert!(!is_let_in(header), "{header:?}");
        }
    }
}
