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
use crate::signing_keys::{ALGORITHM, SigningKey, SigningKeys};

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
    rules: TokenRules,
}

/// What a token must say to count here, whenever that is.
pub(crate) struct TokenRules(Validation);

impl TokenRules {
    pub(crate) fn new(settings: &TokenSettings) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask the machine for the time; ours is handed in.
        validation.validate_exp = false;
        Self(validation)
    }

    /// What a token says, if it was signed with `key`.
    pub(crate) fn read(&self, token: &str, key: &SigningKey) -> Result<Claims, Rejection> {
        Ok(decode(token, &key.decoding, &self.0).map_err(Rejection::NotOurs)?.claims)
    }
}

/// The `kid` of what has the form of an access token. Nothing about it is proven yet.
pub(crate) fn key_id(token: &str) -> Result<String, Rejection> {
    let header = decode_header(token).map_err(Rejection::NoToken)?;
    if header.alg != ALGORITHM {
        return Err(Rejection::WrongAlgorithm);
    }
    if !header.typ.is_some_and(|kind| kind.eq_ignore_ascii_case(TYPE)) {
        return Err(Rejection::WrongType);
    }
    header.kid.ok_or(Rejection::UnknownKey)
}

impl AccessTokens {
    pub(crate) fn new(keys: Arc<SigningKeys>, settings: &TokenSettings) -> Self {
        Self {
            verified: Mutex::new(LruCache::new(MAX_VERIFIED)),
            keys,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            life: settings.access_token(),
            rules: TokenRules::new(settings),
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
        let kid = key_id(token)?;
        let key = self.keys.find(&kid).await?.ok_or(Rejection::UnknownKey)?;
        let claims = self.rules.read(token, &key)?;
        Ok(Verified { kid, claims })
    }
}
