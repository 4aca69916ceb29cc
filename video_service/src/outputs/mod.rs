//! What else can be had of a video that has been analysed: its report in the formats of other programs, its curves,
//! and its pictures.

mod curves;
mod decoding;
mod export;
mod storyboard;
mod thumbnail;

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use utoipa::OpenApi;

pub(crate) use self::decoding::Decoding;
pub(crate) use self::storyboard::Storyboards;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    export::export,
    curves::curves,
    curves::waveform,
    thumbnail::thumbnail,
    storyboard::index,
    storyboard::sprite
))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/videos/{id}/analysis/export/{format}", export::export).with_query(),
        Endpoint::new(Method::GET, "/videos/{id}/analysis/curves", curves::curves).with_query(),
        Endpoint::new(Method::GET, "/videos/{id}/waveform.json", curves::waveform).with_query(),
        Endpoint::new(Method::GET, "/videos/{id}/storyboard.vtt", storyboard::index),
        Endpoint::new(Method::GET, "/videos/{id}/storyboard/{sprite}.jpg", storyboard::sprite),
        Endpoint::new(Method::GET, "/videos/{id}/thumbnail", thumbnail::thumbnail).with_query(),
    ]
}
