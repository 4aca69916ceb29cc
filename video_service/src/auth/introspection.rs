//! Asking User Service about tokens (RFC 7662).
//!
//! A verdict is believed for a few seconds, which is how late a revocation may be noticed. However many requests carry
//! one token, one call about it is in flight, and its answer serves them all. Where User Service cannot be reached and
//! no verdict is at hand the answer is "cannot say", never yes and never no.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::bearer::BearerToken;
use service_kit::clock::SharedClock;
use service_kit::personal_token;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Caller;
use super::jwks::Jwks;
use crate::settings::UserServiceSettings;

/// The largest answer that is read, in bytes; one takes about 500.
const MAX_BYTES: usize = 64 * 1024;

/// Why a token does not let its bearer in. The reasons are for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// It is no token of ours, or none any more.
    #[error("invalid token: {0}")]
    Invalid(String),
    /// Nobody could say.
    #[error("tokens cannot be checked: {0}")]
    Unavailable(String),
}

/// What User Service says of a token.
#[derive(Clone, Debug)]
enum Verdict {
    Active { caller: Caller, exp: i64 },
    Inactive,
}

/// The answer of RFC 7662 §2.2, as far as it is needed.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    sub: Option<Uuid>,
    #[serde(default)]
    scope: String,
    exp: Option<i64>,
}

/// Asks, and remembers for a moment. Shared by all threads; each brings its own HTTP client.
pub struct Introspector {
    jwks: Jwks,
    verdicts: Cache<[u8; 32], Verdict>,
    address: String,
    client_id: String,
    client_secret: SecretString,
    clock: SharedClock,
}

impl Introspector {
    /// An introspector that has asked nothing yet.
    #[must_use]
    pub fn new(settings: &UserServiceSettings, client_secret: SecretString, clock: SharedClock) -> Self {
        Self {
            jwks: Jwks::new(settings, Arc::clone(&clock)),
            verdicts: Cache::builder()
                .max_capacity(settings.cache_entries.get())
                .time_to_live(Duration::from_secs(settings.cache_seconds))
                .build(),
            address: format!("{}/oauth/introspect", settings.url),
            client_id: settings.client_id.clone(),
            client_secret,
            clock,
        }
    }

    /// Whom `token` stands for.
    ///
    /// # Errors
    /// [`AuthError`]. An error is never remembered.
    pub async fn caller(&self, client: &awc::Client, token: &BearerToken) -> Result<Caller, AuthError> {
        // The digest stands for the token, so that no memory image of the cache holds usable ones.
        let key: [u8; 32] = Sha256::digest(token.as_str().as_bytes()).into();
        let verdict = self
            .verdicts
            .try_get_with(key, async {
                self.screen(client, token.as_str()).await?;
                self.ask(client, token.as_str()).await
            })
            .await
            .map_err(Arc::unwrap_or_clone)?;
        match verdict {
            Verdict::Active { caller, exp } if exp > self.clock.now().timestamp() => Ok(caller),
            Verdict::Active { .. } => Err(AuthError::Invalid("expired".to_owned())),
            Verdict::Inactive => Err(AuthError::Invalid("not active".to_owned())),
        }
    }

    /// Refuses what User Service cannot have issued, without asking.
    async fn screen(&self, client: &awc::Client, token: &str) -> Result<(), AuthError> {
        if !token.starts_with(personal_token::PREFIX) {
            return self.jwks.screen(client, token).await;
        }
        let well_formed = personal_token::is_well_formed(token);
        well_formed.then_some(()).ok_or_else(|| AuthError::Invalid("checksum".to_owned()))
    }

    async fn ask(&self, client: &awc::Client, token: &str) -> Result<Verdict, AuthError> {
        let unavailable =
            |error: &dyn std::fmt::Display| AuthError::Unavailable(format!("{}: {error}", self.address));
        let mut response = client
            .post(&self.address)
            .basic_auth(&self.client_id, self.client_secret.expose_secret())
            .send_form(&[("token", token), ("token_type_hint", "access_token")])
            .await
            .map_err(|error| unavailable(&error))?;
        if !response.status().is_success() {
            // 401 included: that is about our credentials, not the caller's.
            return Err(unavailable(&response.status()));
        }
        let body = response.body().limit(MAX_BYTES).await.map_err(|error| unavailable(&error))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| unavailable(&error))?;
        match answer {
            Answer { active: true, sub: Some(account_id), scope, exp: Some(exp) } => {
                let scopes = scope.split_ascii_whitespace().map(ToOwned::to_owned).collect();
                Ok(Verdict::Active { caller: Caller { account_id, scopes }, exp })
            }
            Answer { active: false, .. } => Ok(Verdict::Inactive),
            Answer { .. } => Err(unavailable(&"an active token without `sub` or `exp`")),
        }
    }
}
