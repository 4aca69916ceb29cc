//! Encryption of secrets that a service must be able to read again: whoever has the database alone, as from a backup, has
//! none of them. XChaCha20-Poly1305, whose nonces are long enough to be drawn at random
//! (draft-irtf-cfrg-xchacha §3.1).

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Sha256, Sha512};
use uuid::Uuid;

use crate::random;

/// In bytes.
const NONCE: usize = 24;

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The operating system has no randomness to give.
    #[error("randomness: {0}")]
    Random(#[from] random::Error),
    /// What was sealed cannot be opened, or the other way round.
    #[error("a sealed secret {0}")]
    Sealed(&'static str),
}

/// Encrypts and decrypts, each secret for one owner: moved to another's row it cannot be opened.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
}

impl Vault {
    /// A vault with a key made of `secret`. `purpose` says what it is for, so that one secret given for two purposes
    /// never makes the same key twice.
    #[must_use]
    pub fn new(secret: &SecretString, purpose: &str) -> Self {
        use sha2::Digest;
        // SHA-512 makes a secret of any length exactly one block (RFC 2104 §2).
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&Sha512::digest(secret.expose_secret()));
        mac.update(purpose.as_bytes());
        Self { cipher: XChaCha20Poly1305::new(&mac.finalize().into_bytes()) }
    }

    /// `secret`, encrypted for `owner`, in hexadecimal.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn seal(&self, owner: Uuid, secret: &[u8]) -> Result<String, VaultError> {
        let nonce = random::bytes::<NONCE>()?;
        let payload = Payload { msg: secret, aad: owner.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| VaultError::Sealed("cannot be encrypted"))?;
        Ok(hex::encode([&nonce[..], &sealed].concat()))
    }

    /// What was sealed for `owner`.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] where it was not, not with this key, or was changed.
    pub fn open(&self, owner: Uuid, sealed: &str) -> Result<Vec<u8>, VaultError> {
        let bytes = hex::decode(sealed).map_err(|_| VaultError::Sealed("is not hexadecimal"))?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE>().ok_or(VaultError::Sealed("is too short"))?;
        self.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad: owner.as_bytes() })
            .map_err(|_| VaultError::Sealed("was encrypted with another key or for another owner"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    fn vault(secret: &str) -> Vault {
        Vault::new(&secret.to_owned().into(), "test")
    }

    #[test]
    fn what_was_sealed_is_opened_again_and_looks_different_each_time() {
        let vault = vault("key");
        let [first, second] = [(); 2].map(|()| vault.seal(ANN, b"shared secret").unwrap());
        assert_eq!(vault.open(ANN, &first).unwrap(), b"shared secret");
        assert_eq!(vault.open(ANN, &second).unwrap(), b"shared secret");
        assert!(first != second);
        assert!(!first.contains(&hex::encode("shared")));
    }

    #[test]
    fn it_opens_for_its_owner_with_its_key_and_for_its_purpose_only() {
        let sealed = vault("key").seal(ANN, b"shared secret").unwrap();
        assert!(vault("key").open(BOB, &sealed).is_err());
        assert!(vault("another key").open(ANN, &sealed).is_err());
        let other_purpose = Vault::new(&"key".to_owned().into(), "another purpose");
        assert!(other_purpose.open(ANN, &sealed).is_err());
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let vault = vault("key");
        let sealed = hex::decode(vault.seal(ANN, b"shared secret").unwrap()).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(vault.open(ANN, &hex::encode(changed)).is_err(), "byte {index}");
        }
        for text in ["", "xyz", &hex::encode([0; NONCE]), &hex::encode(&sealed[1..])] {
            assert!(vault.open(ANN, text).is_err(), "{text}");
        }
    }
}
