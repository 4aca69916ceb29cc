//! Encryption of what the service must be able to read again: whoever has the database alone, as from a backup, has no
//! second factor. XChaCha20-Poly1305, whose nonces are long enough to be drawn at random
//! (draft-irtf-cfrg-xchacha §3.1).

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use entity::secret_text::SecretText;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use service_kit::random;
use sha2::{Sha256, Sha512};
use uuid::Uuid;

use super::SecondFactorError;

/// In bytes.
const NONCE: usize = 24;

/// What the key is for, so that one secret given for two purposes never makes the same key twice.
const PURPOSE: &[u8] = b"kadr second factor";

/// Encrypts and decrypts, each secret for one account: moved to another row it cannot be opened.
#[derive(Clone)]
pub(super) struct Vault {
    cipher: XChaCha20Poly1305,
}

impl Vault {
    pub(super) fn new(secret: &SecretString) -> Self {
        use sha2::Digest;
        // As for refresh tokens: SHA-512 makes a secret of any length exactly one block (RFC 2104 §2).
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&Sha512::digest(secret.expose_secret()));
        mac.update(PURPOSE);
        Self { cipher: XChaCha20Poly1305::new(&mac.finalize().into_bytes()) }
    }

    pub(super) fn seal(&self, account: Uuid, secret: &[u8]) -> Result<SecretText, SecondFactorError> {
        let nonce = random::bytes::<NONCE>()?;
        let payload = Payload { msg: secret, aad: account.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SecondFactorError::Sealed("cannot be encrypted"))?;
        Ok(SecretText(hex::encode([&nonce[..], &sealed].concat())))
    }

    pub(super) fn open(&self, account: Uuid, sealed: &SecretText) -> Result<Vec<u8>, SecondFactorError> {
        let bytes = hex::decode(&sealed.0).map_err(|_| SecondFactorError::Sealed("is not hexadecimal"))?;
        let (nonce, msg) =
            bytes.split_first_chunk::<NONCE>().ok_or(SecondFactorError::Sealed("is too short"))?;
        self.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad: account.as_bytes() })
            .map_err(|_| SecondFactorError::Sealed("was encrypted with another key or for another account"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    fn vault(secret: &str) -> Vault {
        Vault::new(&secret.to_owned().into())
    }

    #[test]
    fn what_was_sealed_is_opened_again_and_looks_different_each_time() {
        let vault = vault("key");
        let [first, second] = [(); 2].map(|()| vault.seal(ANN, b"shared secret").unwrap());
        assert_eq!(vault.open(ANN, &first).unwrap(), b"shared secret");
        assert_eq!(vault.open(ANN, &second).unwrap(), b"shared secret");
        assert!(first != second);
        assert!(!first.0.contains(&hex::encode("shared")));
    }

    #[test]
    fn it_opens_for_its_account_and_with_its_key_only() {
        let sealed = vault("key").seal(ANN, b"shared secret").unwrap();
        assert!(vault("key").open(BOB, &sealed).is_err());
        assert!(vault("another key").open(ANN, &sealed).is_err());
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let vault = vault("key");
        let sealed = hex::decode(vault.seal(ANN, b"shared secret").unwrap().0).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(vault.open(ANN, &SecretText(hex::encode(changed))).is_err(), "byte {index}");
        }
        for text in ["", "xyz", &hex::encode([0; NONCE]), &hex::encode(&sealed[1..])] {
            assert!(vault.open(ANN, &SecretText(text.to_owned())).is_err(), "{text}");
        }
    }
}
