//! Refresh tokens: opaque, 256 bits, stored as digests only.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use service_kit::random;
use sha2::{Digest, Sha256, Sha512};

/// What they begin with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "kadr_rt_";

/// Makes refresh tokens, and their successors.
///
/// The successor of a token is HMAC-SHA256(secret, token): a client that asks twice gets the same one twice, though the
/// database knows nothing but its digest, and nobody without the secret can tell one from the other.
#[derive(Clone)]
pub(crate) struct RefreshTokens {
    mac: Hmac<Sha256>,
}

impl RefreshTokens {
    pub(crate) fn new(secret: &SecretString) -> Self {
        // SHA-512 makes a secret of any length exactly the block that HMAC-SHA256 is keyed with (RFC 2104 §2).
        Self { mac: Hmac::new(&Sha512::digest(secret.expose_secret())) }
    }

    /// Whether `token` says that it is a refresh token.
    pub(crate) fn concerns(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// The first token of a session.
    pub(crate) fn first() -> Result<SecretString, random::Error> {
        Ok(token(&random::bytes::<32>()?))
    }

    /// The token that follows `presented`.
    pub(crate) fn successor(&self, presented: &str) -> SecretString {
        let mut mac = self.mac.clone();
        mac.update(presented.as_bytes());
        token(&mac.finalize().into_bytes())
    }
}

/// What the database knows of a token: its SHA-256, in hexadecimal. Tokens are random, so no salt is needed.
pub(crate) fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn token(bytes: &[u8]) -> SecretString {
    format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str) -> RefreshTokens {
        RefreshTokens::new(&secret.to_owned().into())
    }

    #[test]
    fn a_token_has_256_random_bits() {
        let (first, second) = (RefreshTokens::first().unwrap(), RefreshTokens::first().unwrap());
        let bits = first.expose_secret().strip_prefix(PREFIX).unwrap();
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(bits).unwrap().len(), 32);
        assert_ne!(first.expose_secret(), second.expose_secret());
    }

    #[test]
    fn a_token_has_one_successor_that_only_the_secret_tells() {
        let successor = |secret, token| tokens(secret).successor(token).expose_secret().to_owned();
        assert_eq!(successor("s", "a"), successor("s", "a"));
        assert_ne!(successor("s", "a"), successor("s", "b"));
        assert_ne!(successor("s", "a"), successor("t", "a"));
    }
}
