//! What else can be had of a video that has been analysed: its report in the formats of other programs, and its pictures.

mod decoding;
mod export;
mod thumbnail;

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use utoipa::OpenApi;

pub(crate) use self::decoding::Decoding;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(export::export, thumbnail::thumbnail))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/videos/{id}/analysis/export/{format}", export::export).with_query(),
        Endpoint::new(Method::GET, "/videos/{id}/thumbnail", thumbnail::thumbnail).with_query(),
    ]
}
