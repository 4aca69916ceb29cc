//! Signatures by the Standard Webhooks specification.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use entity::secret_text::SecretText;
use entity::video_db::webhook;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use service_kit::random;
use service_kit::vault::{Vault, VaultError};
use sha2::Sha256;
use uuid::Uuid;

/// In bytes; the specification wants 24 to 64.
const SECRET_LENGTH: usize = 32;

/// What one receiver and we know.
pub(super) struct Secret(SecretSlice<u8>);

impl Secret {
    pub(super) fn generate() -> Result<Self, random::Error> {
        Ok(Self(random::bytes::<SECRET_LENGTH>()?.to_vec().into()))
    }

    /// As its owner sees it, once.
    pub(super) fn text(&self) -> SecretString {
        format!("whsec_{}", BASE64_STANDARD.encode(self.0.expose_secret())).into()
    }

    /// As the database keeps it.
    pub(super) fn seal(&self, vault: &Vault, webhook: Uuid) -> Result<SecretText, VaultError> {
        vault.seal(webhook, self.0.expose_secret()).map(SecretText)
    }

    fn open(vault: &Vault, webhook: Uuid, sealed: &SecretText) -> Result<Self, VaultError> {
        vault.open(webhook, &sealed.0).map(|bytes| Self(bytes.into()))
    }

    /// The secrets of `webhook` that count at `now`, the newest first.
    pub(super) fn of(
        webhook: &webhook::Model,
        vault: &Vault,
        now: DateTime<Utc>,
    ) -> Result<Vec<Self>, VaultError> {
        let counts = webhook.previous_secret_expires_at.is_some_and(|end| now < end);
        let previous = webhook.previous_secret.as_ref().filter(|_| counts);
        let sealed = [&webhook.secret].into_iter().chain(previous);
        sealed.map(|sealed| Self::open(vault, webhook.id, sealed)).collect()
    }

    fn sign(&self, id: Uuid, timestamp: i64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The value of `webhook-signature`: one signature by each secret.
pub(super) fn header(secrets: &[Secret], id: Uuid, timestamp: i64, body: &str) -> String {
    // HMAC takes keys of any length: there is a signature for each secret.
    secrets.iter().filter_map(|secret| secret.sign(id, timestamp, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_openssl_computes() {
        // printf %s '00000000-0000-0000-0000-000000000001.1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64
        let secret = Secret(b"0123456789abcdef0123456789abcdef".to_vec().into());
        let header = header(&[secret], Uuid::from_u128(1), 1_700_000_000, "{}");
        assert_eq!(header, "v1,abX1RourIoWXWAJVWFebVT48C2avT3+2ZzcMoocY/a0=");
    }

    #[test]
    fn a_secret_has_the_form_that_libraries_read_and_no_two_are_alike() {
        let [first, second] = [(); 2].map(|()| Secret::generate().unwrap().text());
        let encoded = first.expose_secret().strip_prefix("whsec_").unwrap();
        assert_eq!(BASE64_STANDARD.decode(encoded).unwrap().len(), SECRET_LENGTH);
        assert!(first.expose_secret() != second.expose_secret());
    }
}
