//! Resumable uploads: tus 1.0.0.

mod beginning;
mod by_ticket;
mod finish;
mod forsaken;
mod handlers;
mod hold;
mod loss;
mod metadata;
mod protocol;
mod record;
mod sender;
mod staging;
mod sweep;
mod ticket;
mod transfer;

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use utoipa::OpenApi;

pub(crate) use self::beginning::unfinished;
pub(crate) use self::finish::{content_key, id_in_key};
pub(crate) use self::forsaken::{fail_those_of_video, remove_those_of_account};
pub(crate) use self::hold::STAGING;
pub(crate) use self::loss::{lose, lost};
pub(crate) use self::sweep::{staged, sweep};
pub(crate) use self::ticket::Tickets;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    handlers::discover,
    handlers::create,
    handlers::append,
    handlers::look,
    handlers::terminate,
    handlers::by_another_name,
    by_ticket::issue,
    by_ticket::put_content,
    by_ticket::discover,
    by_ticket::create,
    by_ticket::append,
    by_ticket::look,
    by_ticket::terminate,
    by_ticket::by_another_name,
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
        Endpoint::new(Method::POST, "/videos/{id}/upload-tickets", by_ticket::issue),
        Endpoint::new(Method::PUT, "/tickets/{ticket}/content", by_ticket::put_content).with_query(),
        Endpoint::new(Method::OPTIONS, "/tickets/{ticket}/uploads", by_ticket::discover),
        Endpoint::new(Method::POST, "/tickets/{ticket}/uploads", by_ticket::create),
        Endpoint::new(Method::PATCH, "/tickets/{ticket}/uploads/{id}", by_ticket::append),
        Endpoint::new(Method::GET, "/tickets/{ticket}/uploads/{id}", by_ticket::look),
        Endpoint::new(Method::DELETE, "/tickets/{ticket}/uploads/{id}", by_ticket::terminate),
        Endpoint::new(Method::POST, "/tickets/{ticket}/uploads/{id}", by_ticket::by_another_name),
    ]
}
