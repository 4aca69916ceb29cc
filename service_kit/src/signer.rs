//! Signatures of what a service hands out and must know again, without keeping it: HMAC-SHA256 (RFC 2104) in base64url
//! without padding (RFC 4648 §5).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256, Sha512};

/// Signs, for one purpose.
#[derive(Clone)]
pub struct Signer {
    /// Keyed, and past the purpose.
    mac: Hmac<Sha256>,
}

impl Signer {
    /// A signer with the key `secret`. `purpose` says what for, so that what was signed for one purpose counts for no
    /// other.
    #[must_use]
    pub fn new(secret: &SecretString, purpose: &str) -> Self {
        // SHA-512 makes a secret of any length exactly one block (RFC 2104 §2).
        let mac = <Hmac<Sha256> as KeyInit>::new(&Sha512::digest(secret.expose_secret()));
        Self { mac: over(mac, &[purpose.as_bytes()]) }
    }

    /// The signature of `parts`: 43 characters that may stand in an address.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(over(self.mac.clone(), parts).finalize().into_bytes())
    }

    /// Whether `signature` is that of `parts`, found out in the same time wherever it differs.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], signature: &str) -> bool {
        let given = BASE64_URL_SAFE_NO_PAD.decode(signature);
        given.is_ok_and(|given| over(self.mac.clone(), parts).verify_slice(&given).is_ok())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Signer(..)")
    }
}

fn over(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    for part in parts {
        // The length, so that what ends one part cannot begin the next.
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str, purpose: &str) -> Signer {
        Signer::new(&secret.to_owned().into(), purpose)
    }

    #[test]
    fn a_signature_is_what_another_implementation_computes() {
        // Python: part = lambda b: len(b).to_bytes(8, "big") + b
        // hmac.digest(hashlib.sha512(b"key").digest(), part(b"test") + part(b"one") + part(b"two"), "sha256")
        let signature = signer("key", "test").sign(&[b"one", b"two"]);
        assert_eq!(signature, "I7C_CBoOsLscsUknPL3qWe8FGpI_ngerEixrTdxxDY8");
        assert!(signer("key", "test").verify(&[b"one", b"two"], &signature));
    }

    #[test]
    fn it_counts_for_its_key_its_purpose_and_its_parts_only() {
        let signature = signer("key", "test").sign(&[b"one", b"two"]);
        assert!(!signer("another key", "test").verify(&[b"one", b"two"], &signature));
        assert!(!signer("key", "another test").verify(&[b"one", b"two"], &signature));
        let others: [&[&[u8]]; 5] =
            [&[b"onet", b"wo"], &[b"one"], &[b"two", b"one"], &[b"one", b"two", b""], &[]];
        for parts in others {
            assert!(!signer("key", "test").verify(parts, &signature), "{parts:?}");
        }
    }

    #[test]
    fn no_slip_of_one_character_is_overlooked() {
        let signer = signer("key", "test");
        let signature = signer.sign(&[b"one"]);
        for index in 0..signature.len() {
            let mut slip = signature.clone().into_bytes();
            slip[index] = if slip[index] == b'A' { b'B' } else { b'A' };
            assert!(!signer.verify(&[b"one"], std::str::from_utf8(&slip).unwrap()), "{index}");
        }
        let (shorter, longer) = (&"A".repeat(42), format!("{signature}A"));
        for text in ["", "A", "=", shorter, &longer, &format!("{signature}=")] {
            assert!(!signer.verify(&[b"one"], text), "{text}");
        }
    }
}
