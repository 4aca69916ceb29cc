//! The service that may introspect, and how it proves that it is the one.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use service_kit::client_credentials::ClientCredentials;

use super::error::OAuthError;

/// Proof, as an argument of a handler, that the client has authenticated itself.
#[derive(Debug)]
pub(crate) struct AuthenticatedClient;

/// Proof that the caller does not pose as a client: it names none, or proves to be it.
#[derive(Debug)]
pub(crate) struct UnlessImpostor;

impl FromRequest for AuthenticatedClient {
    type Error = OAuthError;
    type Future = Ready<Result<Self, OAuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let client = request.app_data::<web::Data<ClientCredentials>>();
        let proven = client.is_some_and(|client| client.are_in(request));
        ready(if proven { Ok(Self) } else { Err(OAuthError::INVALID_CLIENT) })
    }
}

impl FromRequest for UnlessImpostor {
    type Error = OAuthError;
    type Future = Ready<Result<Self, OAuthError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return ready(Ok(Self));
        }
        ready(AuthenticatedClient::from_request(request, payload).into_inner().map(|_| Self))
    }
}
