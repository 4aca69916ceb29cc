//! Authorization as an argument: a handler that takes an [`Authenticated`] only runs for a token that counts.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use service_kit::bearer::BearerToken;
use service_kit::problem::Problem;

use crate::sessions::{Authenticated, Sessions};

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let token = BearerToken::from_request(request, payload).into_inner();
        let sessions = request.app_data::<web::Data<Sessions>>().cloned();
        Box::pin(async move {
            let token = token?;
            let sessions =
                sessions.ok_or_else(|| Problem::internal("no sessions in the application's data"))?;
            Ok(sessions.authenticate(token.as_str()).await?)
        })
    }
}
