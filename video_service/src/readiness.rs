//! What `/readyz` looks at.

use std::time::Duration;

use service_kit::client::client;
use service_kit::health::Readiness;

use crate::progress::ProgressHub;
use crate::settings::Settings;
use crate::state::State;

/// The database, the store, the actors and User Service.
pub(crate) fn checks(state: &State, hub: &ProgressHub, settings: &Settings, timeout: Duration) -> Readiness {
    let (blobs, workers, hub) = (state.blobs.clone(), state.workers.clone(), hub.clone());
    let address = format!("{}/healthz", settings.user_service.url);
    Readiness::default()
        .with_database(&state.db)
        .with("storage", move || {
            let blobs = blobs.clone();
            Box::pin(async move { blobs.check().await.map_err(|error| error.to_string()) })
        })
        .with("workers", move || {
            let alive = workers.are_alive();
            Box::pin(async move { if alive { Ok(()) } else { Err("a worker has died".to_owned()) } })
        })
        .with("progress", move || {
            let alive = hub.is_alive();
            Box::pin(async move { if alive { Ok(()) } else { Err("the progress hub has died".to_owned()) } })
        })
        .with("user_service", move || {
            let request = client(timeout).get(&address).send();
            Box::pin(async move {
                match request.await {
                    Ok(response) if response.status().is_success() => Ok(()),
                    Ok(response) => Err(response.status().to_string()),
                    Err(error) => Err(error.to_string()),
                }
            })
        })
}
