//! Services that prove who they are to each other, by HTTP Basic (RFC 7617) with a name and a secret.

use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The credentials of one service, as a digest: all that comparing needs.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    digest: [u8; 32],
}

impl ClientCredentials {
    /// Those of the service `id`, whose name holds no colon: the pair is read in one way only.
    #[must_use]
    pub fn new(id: &str, secret: &SecretString) -> Self {
        Self { digest: Sha256::digest(format!("{id}:{}", secret.expose_secret())).into() }
    }

    /// Whether `request` carries them.
    #[must_use]
    pub fn are_in(&self, request: &HttpRequest) -> bool {
        BasicCredentials::of(request).is_some_and(|given| self.are(&given))
    }

    /// Whether these are they. Digests have one length and say nothing about their origins: their comparison takes the
    /// same time for all.
    #[must_use]
    pub fn are(&self, given: &BasicCredentials) -> bool {
        Self::new(&given.id, &given.secret).digest.ct_eq(&self.digest).into()
    }
}

/// What HTTP Basic (RFC 7617 §2) says: a name, which proves nothing, and a secret.
#[derive(Clone, Debug)]
pub struct BasicCredentials {
    /// Everything before the first colon.
    pub id: String,
    /// Everything after it.
    pub secret: SecretString,
}

impl BasicCredentials {
    /// Those of the `Authorization` header of `request`, if it has such.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        Self::parse(request.headers().get(header::AUTHORIZATION)?.to_str().ok()?)
    }

    /// Those of a header's value. Where the pair is no UTF-8 it is none of ours.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, encoded) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = pair.split_once(':')?;
        Some(Self { id: id.to_owned(), secret: secret.into() })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_let_in(authorization: &str) -> bool {
        let credentials = ClientCredentials::new("video_service", &"s3cret".to_owned().into());
        let request = TestRequest::default().insert_header((header::AUTHORIZATION, authorization));
        credentials.are_in(&request.to_http_request())
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
