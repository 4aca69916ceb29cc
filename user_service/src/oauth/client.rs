//! The services that may introspect, and how they prove that they are who they say.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{Error, FromRequest, HttpRequest, web};
use service_kit::client_credentials::BasicCredentials;
use service_kit::problem::Problem;

use super::error::OAuthError;
use crate::service_clients::ServiceClients;

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// What a client that has authenticated itself sends: nobody else learns what is wrong with a body.
#[derive(Debug)]
pub(crate) struct ByClient<T>(pub(crate) T);

/// What somebody sends who does not pose as a client: who names none, or proves to be it.
#[derive(Debug)]
pub(crate) struct UnlessImpostor<T>(pub(crate) T);

impl<T: FromRequest + 'static> FromRequest for ByClient<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            authenticate(&request).await?;
            Ok(Self(T::from_request(&request, &mut payload).await.map_err(Into::into)?))
        })
    }
}

impl<T: FromRequest + 'static> FromRequest for UnlessImpostor<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if request.headers().contains_key(header::AUTHORIZATION) {
                authenticate(&request).await?;
            }
            Ok(Self(T::from_request(&request, &mut payload).await.map_err(Into::into)?))
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<(), Error> {
    let clients = request.app_data::<web::Data<ServiceClients>>();
    let clients = clients.ok_or_else(|| Problem::internal("no clients in the application's data"))?;
    let given = BasicCredentials::of(request).ok_or(OAuthError::INVALID_CLIENT)?;
    if clients.knows(&given).await.map_err(Problem::from)? {
        Ok(())
    } else {
        Err(OAuthError::INVALID_CLIENT.into())
    }
}
