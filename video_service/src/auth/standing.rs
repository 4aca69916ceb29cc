//! Whether an account may still act, for what goes on when the token that began it has ended.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::client::client;
use service_kit::problem::Problem;
use uuid::Uuid;

use super::{AuthError, refusal};
use crate::settings::UserServiceSettings;

/// The largest answer that is read, in bytes.
const MAX_BYTES: usize = 1024;

/// Asks User Service about accounts.
#[derive(Clone)]
pub(crate) struct Standing {
    address: String,
    client_id: String,
    client_secret: SecretString,
    timeout: Duration,
}

/// What it answers.
#[derive(Deserialize)]
struct Answer {
    active: bool,
}

impl Standing {
    pub(crate) fn new(settings: &UserServiceSettings, client_secret: SecretString) -> Self {
        Self {
            address: format!("{}/internal/accounts", settings.url),
            client_id: settings.client_id.clone(),
            client_secret,
            timeout: Duration::from_secs(settings.timeout_seconds.get()),
        }
    }

    /// Whether `account` is there and not disabled. Asked anew each time: it is asked seldom.
    ///
    /// # Errors
    /// 503 where nobody can say.
    pub(crate) async fn is_good(&self, account: Uuid) -> Result<bool, Problem> {
        let address = format!("{}/{account}", self.address);
        let unavailable =
            |error: &dyn std::fmt::Display| refusal(AuthError::Unavailable(format!("{address}: {error}")));
        let request = client(self.timeout)
            .get(&address)
            .basic_auth(&self.client_id, self.client_secret.expose_secret());
        let mut response = request.send().await.map_err(|error| unavailable(&error))?;
        if !response.status().is_success() {
            return Err(unavailable(&response.status()));
        }
        let body = response.body().limit(MAX_BYTES).await.map_err(|error| unavailable(&error))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| unavailable(&error))?;
        Ok(answer.active)
    }
}
