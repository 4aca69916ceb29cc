//! Resumable uploads: tus 1.0.0.

mod finish;
mod handlers;
mod hold;
mod metadata;
mod protocol;
mod record;
mod staging;
mod sweep;
mod transfer;

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use utoipa::OpenApi;

pub(crate) use self::finish::{content_key, id_in_key};
pub(crate) use self::sweep::sweep;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    handlers::discover,
    handlers::create,
    handlers::append,
    handlers::look,
    handlers::terminate,
    handlers::by_another_name,
))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::OPTIONS, "/uploads", handlers::discover),
        Endpoint::new(Method::POST, "/uploads", handlers::create),
        Endpoint::new(Method::PATCH, "/uploads/{id}", handlers::append),
        Endpoint::new(Method::GET, "/uploads/{id}", handlers::look),
        Endpoint::new(Method::DELETE, "/uploads/{id}", handlers::terminate),
        Endpoint::new(Method::POST, "/uploads/{id}", handlers::by_another_name),
    ]
}
