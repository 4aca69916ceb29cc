//! Video Service, as far as this service speaks to it: about accounts that are gone.

use std::time::Duration;

use actix_web::http::StatusCode;
use awc::Client;
use awc::error::SendRequestError;
use secrecy::{ExposeSecret, SecretString};
use service_kit::client::client;
use uuid::Uuid;

use crate::settings::VideoServiceSettings;

/// How long Video Service may take to delete everything of an account; what is not done then is done by the next try.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A way to Video Service, for one thread.
pub(crate) struct VideoService {
    client: Client,
    settings: VideoServiceSettings,
    secret: SecretString,
}

/// Why Video Service did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VideoServiceError {
    #[error("video service cannot be reached: {0}")]
    Unreachable(#[from] SendRequestError),
    #[error("video service answered {0}")]
    Refused(StatusCode),
}

impl VideoService {
    pub(crate) fn new(settings: VideoServiceSettings, secret: SecretString) -> Self {
        Self { client: client(TIMEOUT), settings, secret }
    }

    /// Has everything of an account deleted. Asking again does no harm.
    pub(crate) async fn delete_account(&self, id: Uuid) -> Result<(), VideoServiceError> {
        let address = format!("{}/internal/accounts/{id}", self.settings.url);
        let request =
            self.client.delete(address).basic_auth(&self.settings.client_id, self.secret.expose_secret());
        match request.send().await?.status() {
            StatusCode::NO_CONTENT => Ok(()),
            other => Err(VideoServiceError::Refused(other)),
        }
    }
}
