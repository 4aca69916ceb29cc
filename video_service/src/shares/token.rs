//! The token in a link: 256 random bits in base64url. The database has its digest only; random as tokens are, no salt is
//! needed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use service_kit::random;
use sha2::{Digest, Sha256};

/// In bytes.
const LENGTH: usize = 32;

/// A new token.
pub(super) fn generate() -> Result<SecretString, random::Error> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<LENGTH>()?).into())
}

/// What the database knows a token by; `None` for what can be no token.
pub(super) fn digest(text: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == LENGTH).then(|| hex::encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn tokens_are_unlike_and_known_by_a_digest_that_does_not_hold_them() {
        let [first, second] = [(); 2].map(|()| generate().unwrap());
        assert_ne!(first.expose_secret(), second.expose_secret());
        let digests = [&first, &second].map(|token| digest(token.expose_secret()).unwrap());
        assert_ne!(digests[0], digests[1]);
        assert!(!digests[0].contains(first.expose_secret()));
    }

    #[test]
    fn what_can_be_no_token_has_no_digest() {
        let token = "A".repeat(43);
        assert!(digest(&token).is_some());
        let (shorter, longer) = ("A".repeat(42), "A".repeat(44));
        for text in ["", "A", &shorter, &longer, &format!("{shorter}="), &"é".repeat(43)] {
            assert!(digest(text).is_none(), "{text}");
        }
    }
}
