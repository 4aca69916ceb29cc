//! What the targets in `fuzz` reach into, with the feature `fuzzing` alone: nothing else depends on it.

use secrecy::ExposeSecret;

use crate::access_token::{self, TokenRules};
use crate::sessions::RefreshTokens;
use crate::settings::Settings;
use crate::signing_keys::SigningKey;

/// The check of access tokens as far as it needs no database, under one key.
pub struct AccessTokenCheck {
    key: SigningKey,
    rules: TokenRules,
}

impl std::fmt::Debug for AccessTokenCheck {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AccessTokenCheck(..)")
    }
}

impl Default for AccessTokenCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl AccessTokenCheck {
    /// One with the default settings and a new key.
    ///
    /// # Panics
    /// Where the operating system has no randomness.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a fuzz target may stop")]
    pub fn new() -> Self {
        let settings = Settings::load(None, std::iter::empty()).unwrap();
        Self { key: SigningKey::generate().unwrap().0, rules: TokenRules::new(&settings.tokens) }
    }

    /// Whether `token` counts, whenever that is.
    #[must_use]
    pub fn accepts(&self, token: &str) -> bool {
        access_token::key_id(token).is_ok_and(|_| self.rules.read(token, &self.key).is_ok())
    }

    /// A token of these parts with a signature that is right.
    ///
    /// # Panics
    /// Where the key cannot sign.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a fuzz target may stop")]
    pub fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        use base64::Engine;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD;
        let parts = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        let algorithm = crate::signing_keys::ALGORITHM;
        let signature = jsonwebtoken::crypto::sign(parts.as_bytes(), &self.key.encoding, algorithm).unwrap();
        format!("{parts}.{signature}")
    }
}

/// The refresh token that follows `presented`.
#[must_use]
pub fn refresh_token_successor(presented: &str) -> String {
    let tokens = RefreshTokens::new(&"fuzzing".to_owned().into());
    tokens.successor(presented).expose_secret().to_owned()
}
