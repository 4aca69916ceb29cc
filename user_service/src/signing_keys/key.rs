//! One Ed25519 key, in all the forms it is needed in.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
use entity::secret_text::SecretText;
use entity::user_db::signing_key::Model;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{DecodingKey, EncodingKey};
use service_kit::random;

use super::{ALGORITHM, SigningKeyError};

/// One key, ready to use.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
    pub(super) public: Jwk,
}

impl SigningKey {
    /// A new key, and its private half as PKCS #8 in PEM.
    pub(crate) fn generate() -> Result<(Self, SecretText), SigningKeyError> {
        let seed = random::bytes()?;
        // Without the public half, which follows from the seed: the short form is what every library reads.
        let pem = KeypairBytes { secret_key: seed, public_key: None }.to_pkcs8_pem(LineEnding::LF)?;
        let key = Self::from_pem(&pem)
            .map_err(|source| SigningKeyError::Unreadable { kid: "the new key".to_owned(), source })?;
        Ok((key, SecretText(pem.to_string())))
    }

    pub(super) fn from_row(row: &Model) -> Result<Self, SigningKeyError> {
        Self::from_pem(&row.private_key_pem.0)
            .map_err(|source| SigningKeyError::Unreadable { kid: row.kid.clone(), source })
    }

    fn from_pem(pem: &str) -> Result<Self, jsonwebtoken::errors::Error> {
        let encoding = EncodingKey::from_ed_pem(pem.as_bytes())?;
        let mut public = Jwk::from_encoding_key(&encoding, ALGORITHM)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { kid, encoding, decoding: DecodingKey::from_jwk(&public)?, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kid_is_the_thumbprint_of_rfc_8037_appendix_a() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let pair = KeypairBytes { secret_key: seed.try_into().unwrap(), public_key: None };
        let key = SigningKey::from_pem(&pair.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
