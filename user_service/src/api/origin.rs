//! Where a login comes from: the address, and what the program says of itself.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use service_kit::client_address::ClientAddress;

/// The column's width, in characters.
const MAX_DEVICE_LENGTH: usize = 256;

/// Both.
pub(crate) struct Origin {
    pub(crate) address: ClientAddress,
    /// The User-Agent header, cut to what is kept.
    pub(crate) device: Option<String>,
}

impl FromRequest for Origin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Ok(address) = ClientAddress::from_request(request, payload).into_inner();
        ready(Ok(Self { address, device: device(request) }))
    }
}

fn device(request: &HttpRequest) -> Option<String> {
    let agent = request.headers().get(header::USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().take(MAX_DEVICE_LENGTH).collect())
}
