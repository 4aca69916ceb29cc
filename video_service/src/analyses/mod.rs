//! Analyses of videos: started, looked at, followed, canceled.

mod detectors;
mod event_stream;
mod events;
mod handlers;
mod options;
mod preview;
mod queue;
mod record;

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use utoipa::OpenApi;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    handlers::start,
    handlers::read,
    handlers::cancel,
    events::of_video,
    events::of_account,
    options::schema,
    preview::sprite,
    queue::read,
    queue::pause,
    queue::resume
))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/videos/{id}/analysis", handlers::start).with_query(),
        Endpoint::new(Method::GET, "/videos/{id}/analysis", handlers::read).with_query(),
        Endpoint::new(Method::DELETE, "/videos/{id}/analysis", handlers::cancel),
        Endpoint::new(Method::GET, "/videos/{id}/analysis/events", events::of_video),
        Endpoint::new(Method::GET, "/videos/{id}/analysis/preview/{sprite}.jpg", preview::sprite),
        Endpoint::new(Method::GET, "/events", events::of_account),
        Endpoint::new(Method::GET, "/analysis/options.schema.json", options::schema),
        Endpoint::new(Method::GET, "/queue", queue::read),
        Endpoint::new(Method::POST, "/queue/pause", queue::pause),
        Endpoint::new(Method::POST, "/queue/resume", queue::resume),
    ]
}
