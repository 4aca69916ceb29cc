//! Authorization as an argument: a handler that takes an [`Authenticated`] only runs for a token that counts.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use entity::user_db::account::Role;
use service_kit::bearer::{self, BearerToken};
use service_kit::problem::Problem;

use crate::oauth::ADMIN_SCOPE;
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

impl Authenticated {
    /// Whether the token says so, and so does the database at this moment.
    pub(super) fn is_administrator(&self) -> bool {
        self.account.role == Role::Admin && self.claims.scope.split(' ').any(|held| held == ADMIN_SCOPE)
    }
}

/// Somebody who administers the accounts of others.
pub(super) struct Administrator(pub(super) Authenticated);

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Authenticated::from_request(request, payload);
        Box::pin(async move {
            let caller = caller.await?;
            if caller.is_administrator() {
                Ok(Self(caller))
            } else {
                Err(bearer::insufficient_scope(ADMIN_SCOPE))
            }
        })
    }
}
