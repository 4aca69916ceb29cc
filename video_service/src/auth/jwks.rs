//! User Service's published keys (RFC 7517), and the check that spares it garbage.
//!
//! A token whose signature does not fit the published keys, or that has expired by its own word, is refused here,
//! without a call. A token that passes is not trusted yet: introspection decides.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use service_kit::clock::SharedClock;
use tokio::sync::Mutex;

use super::AuthError;
use crate::settings::UserServiceSettings;

/// The largest set of keys that is read, in bytes; a key takes about 150.
const MAX_BYTES: usize = 64 * 1024;
/// How long a failed fetch speaks for the next ones: whoever waited for it must not wait for one of its own.
const FAILURE_COUNTS_FOR: TimeDelta = TimeDelta::seconds(1);

/// The keys, as of their last fetch.
pub(super) struct Jwks {
    address: String,
    clock: SharedClock,
    max_age: TimeDelta,
    min_interval: TimeDelta,
    /// Held during a fetch, so that one is in flight at a time.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: HashMap<String, Arc<DecodingKey>>,
    /// When the keys were last read.
    fetched_at: Option<DateTime<Utc>>,
    /// When they were last read for a key that they did not have.
    searched_at: Option<DateTime<Utc>>,
    /// When they last could not be.
    failed_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
}

impl Jwks {
    pub(super) fn new(settings: &UserServiceSettings, clock: SharedClock) -> Self {
        let seconds = |value: u64| TimeDelta::seconds(i64::try_from(value).unwrap_or(i64::from(u32::MAX)));
        Self {
            address: format!("{}/.well-known/jwks.json", settings.url),
            clock,
            max_age: seconds(settings.jwks_max_age_seconds.get()),
            min_interval: seconds(settings.jwks_min_interval_seconds.get()),
            state: Mutex::default(),
        }
    }

    /// Refuses a token that User Service cannot have issued, or that has expired.
    pub(super) async fn screen(&self, client: &awc::Client, token: &str) -> Result<(), AuthError> {
        let header = jsonwebtoken::decode_header(token)
            .map_err(|error| AuthError::Invalid(format!("not a JWT: {error}")))?;
        if header.alg != Algorithm::EdDSA {
            return Err(AuthError::Invalid(format!("algorithm {:?}", header.alg)));
        }
        let kid = header.kid.ok_or_else(|| AuthError::Invalid("no key id".to_owned()))?;
        let key = self.key(client, &kid).await?;

        let mut validation = Validation::new(Algorithm::EdDSA);
        // Time is told by our clock; audience and issuer are for introspection to judge.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map_err(|error| AuthError::Invalid(error.to_string()))?
            .claims;
        if claims.exp <= self.clock.now().timestamp() {
            return Err(AuthError::Invalid("expired".to_owned()));
        }
        Ok(())
    }

    /// The key `kid`; fetched where the keys are old or do not have it, so that a new one counts as soon as it signs, but not
    /// in every garbage token's honour.
    async fn key(&self, client: &awc::Client, kid: &str) -> Result<Arc<DecodingKey>, AuthError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let known = state.keys.get(kid).cloned();
        let (last, patience) = match known {
            Some(_) => (state.fetched_at, self.max_age),
            None => (state.searched_at, self.min_interval),
        };
        let is_due = last.is_none_or(|last| now - last >= patience);
        let has_just_failed = state.failed_at.is_some_and(|failed_at| now - failed_at < FAILURE_COUNTS_FOR);
        let fetched = match (is_due, has_just_failed) {
            (false, _) => return known.ok_or_else(|| AuthError::Invalid("unknown key id".to_owned())),
            (true, true) => Err(format!("{}: has just failed", self.address)),
            (true, false) => self.fetch(client).await,
        };
        match (fetched, known) {
            (Ok(keys), _) => {
                let key = keys.get(kid).cloned();
                let searched_at = if key.is_some() { state.searched_at } else { Some(now) };
                *state = State { keys, fetched_at: Some(now), searched_at, failed_at: None };
                key.ok_or_else(|| AuthError::Invalid("unknown key id".to_owned()))
            }
            (Err(reason), known) => {
                log::warn!("keys not fetched cause=\"{reason}\"");
                state.failed_at = Some(self.clock.now());
                // Old keys go on screening: introspection decides anyhow.
                known.ok_or(AuthError::Unavailable(reason))
            }
        }
    }

    async fn fetch(&self, client: &awc::Client) -> Result<HashMap<String, Arc<DecodingKey>>, String> {
        let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", self.address);
        let mut response = client.get(&self.address).send().await.map_err(|error| describe(&error))?;
        if !response.status().is_success() {
            return Err(describe(&response.status()));
        }
        let body = response.body().limit(MAX_BYTES).await.map_err(|error| describe(&error))?;
        let set: JwkSet = serde_json::from_slice(&body).map_err(|error| describe(&error))?;
        let usable = |jwk: &jsonwebtoken::jwk::Jwk| {
            let kid = jwk.common.key_id.clone()?;
            Some((kid, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
        };
        Ok(set.keys.iter().filter_map(usable).collect())
    }
}
