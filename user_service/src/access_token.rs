//! Access tokens: signed statements about a session that other services check without asking, for a few minutes.
//!
//! JSON Web Tokens (RFC 7519) with the explicit type `at+jwt` (RFC 8725 §3.11), so that nothing else this service may
//! ever sign passes for one.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::session;
use jsonwebtoken::{Header, Validation, decode, decode_header, encode};
use lru::LruCache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::sessions::{Rejection, SessionError};
use crate::settings::TokenSettings;
use crate::signing_keys::{ALGORITHM, SigningKeys};

/// The `typ` of an access token's header.
const TYPE: &str = "at+jwt";

/// Tokens whose signatures are remembered as right: a few megabytes.
const MAX_VERIFIED: NonZeroUsize = NonZeroUsize::new(1 << 13).unwrap();

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    /// The account.
    pub(crate) sub: Uuid,
    /// The session.
    pub(crate) sid: Uuid,
    /// The token itself.
    pub(crate) jti: Uuid,
    /// Seconds since 1970, as `exp`.
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) aud: String,
    pub(crate) scope: String,
}

/// A token, and its life in seconds.
pub(crate) struct AccessToken {
    pub(crate) text: String,
    pub(crate) expires_in: i64,
}

/// What a token says whose signature was found right.
#[derive(Clone)]
struct Verified {
    kid: String,
    claims: Claims,
}

/// Signs and checks access tokens. What it cannot know: whether the session has ended since.
pub(crate) struct AccessTokens {
    /// Tokens that were found right, by their SHA-256: a signature stays right, and checking it is most of the work of an
    /// introspection.
    verified: Mutex<LruCache<[u8; 32], Verified>>,
    keys: Arc<SigningKeys>,
    issuer: String,
    audience: String,
    life: TimeDelta,
    validation: Validation,
}

impl AccessTokens {
    pub(crate) fn new(keys: Arc<SigningKeys>, settings: &TokenSettings) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask the machine for the time; ours is handed in.
        validation.validate_exp = false;
        Self {
            verified: Mutex::new(LruCache::new(MAX_VERIFIED)),
            keys,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            life: settings.access_token(),
            validation,
        }
    }

    /// A token of `session`, which it never outlives.
    pub(crate) async fn sign(
        &self,
        session: &session::Model,
        now: DateTime<Utc>,
    ) -> Result<AccessToken, SessionError> {
        let key = self.keys.signer().await?;
        let expires_at = session.expires_at.min(now + self.life);
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: session.account_id,
            sid: session.id,
            jti: Uuid::new_v4(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            aud: self.audience.clone(),
            scope: session.scope.clone(),
        };
        let header =
            Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(ALGORITHM) };
        let text = encode(&header, &claims, &key.encoding)?;
        Ok(AccessToken { text, expires_in: claims.exp - claims.iat })
    }

    /// What a token says, if this service signed it and it has not expired.
    pub(crate) async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, SessionError> {
        let digest = Sha256::digest(token).into();
        let known = self.verified().get(&digest).cloned();
        let claims = match known {
            // Its key may have been withdrawn meanwhile.
            Some(known) if self.keys.find(&known.kid).await?.is_some() => known.claims,
            _ => {
                let verified = self.verify_signature(token).await?;
                self.verified().put(digest, verified.clone());
                verified.claims
            }
        };
        if claims.exp <= now.timestamp() {
            return Err(Rejection::TokenExpired.into());
        }
        Ok(claims)
    }

    fn verified(&self) -> MutexGuard<'_, LruCache<[u8; 32], Verified>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn verify_signature(&self, token: &str) -> Result<Verified, SessionError> {
        let header = decode_header(token).map_err(Rejection::NoToken)?;
        if header.alg != ALGORITHM {
            return Err(Rejection::WrongAlgorithm.into());
        }
        if !header.typ.is_some_and(|kind| kind.eq_ignore_ascii_case(TYPE)) {
            return Err(Rejection::WrongType.into());
        }
        let kid = header.kid.ok_or(Rejection::UnknownKey)?;
        let key = self.keys.find(&kid).await?.ok_or(Rejection::UnknownKey)?;
        let claims =
            decode::<Claims>(token, &key.decoding, &self.validation).map_err(Rejection::NotOurs)?.claims;
        Ok(Verified { kid, claims })
    }
}
