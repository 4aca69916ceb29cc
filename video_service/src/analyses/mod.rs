//! Analyses of videos: started, looked at, canceled.

mod handlers;
mod record;

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use utoipa::OpenApi;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(handlers::start, handlers::read, handlers::cancel))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/videos/{id}/analysis", handlers::start),
        Endpoint::new(Method::GET, "/videos/{id}/analysis", handlers::read),
        Endpoint::new(Method::DELETE, "/videos/{id}/analysis", handlers::cancel),
    ]
}
