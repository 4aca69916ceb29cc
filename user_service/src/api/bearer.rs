//! Authorization as an argument: a handler that takes one of these only runs for a token that counts.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, web};
use entity::user_db::account::{self, Role};
use service_kit::bearer::{self, BearerToken};
use service_kit::problem::Problem;

use crate::oauth::ADMIN_SCOPE;
use crate::personal_tokens::PersonalTokens;
use crate::sessions::{Authenticated, Sessions};

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// For what only a login may do: no token that a program carries may make others, or end its owner's sessions.
impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let identified = Caller::from_request(request, payload);
        Box::pin(async move {
            match identified.await? {
                Caller::Login(caller) => Ok(caller),
                Caller::Program { .. } => Err(login_required()),
            }
        })
    }
}

impl Authenticated {
    /// Whether the token says so, and so does the database at this moment.
    pub(super) fn is_administrator(&self) -> bool {
        self.account.role == Role::Admin && holds(&self.claims.scope, ADMIN_SCOPE)
    }
}

/// Whoever a token speaks for.
enum Caller {
    /// Somebody who logged in.
    Login(Authenticated),
    /// A program of somebody's, by a personal access token.
    Program { account: account::Model, scope: String },
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let token = BearerToken::from_request(request, payload).into_inner();
        let sessions = request.app_data::<web::Data<Sessions>>().cloned();
        let tokens = request.app_data::<web::Data<PersonalTokens>>().cloned();
        Box::pin(async move {
            let token = token?;
            let (Some(sessions), Some(tokens)) = (sessions, tokens) else {
                return Err(Problem::internal("no sessions or tokens in the application's data"));
            };
            if PersonalTokens::concerns(token.as_str()) {
                let (token, account) = tokens.find(token.as_str()).await?;
                return Ok(Self::Program { account, scope: token.scope });
            }
            Ok(Self::Login(sessions.authenticate(token.as_str()).await?))
        })
    }
}

/// What a token must allow.
pub(crate) trait Scope: 'static {
    /// Its name in tokens.
    const NAME: &'static str;
}

/// To see the account.
pub(crate) enum ProfileRead {}

impl Scope for ProfileRead {
    const NAME: &'static str = "profile:read";
}

/// To change it.
pub(crate) enum ProfileWrite {}

impl Scope for ProfileWrite {
    const NAME: &'static str = "profile:write";
}

/// Somebody, or a program of theirs, who may do `S`.
pub(crate) struct Authorized<S> {
    pub(crate) account: account::Model,
    scope: PhantomData<S>,
}

impl<S: Scope> FromRequest for Authorized<S> {
    type Error = Problem;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let identified = Caller::from_request(request, payload);
        Box::pin(async move {
            let (account, scope) = match identified.await? {
                Caller::Login(Authenticated { account, claims }) => (account, claims.scope),
                Caller::Program { account, scope } => (account, scope),
            };
            if holds(&scope, S::NAME) {
                Ok(Self { account, scope: PhantomData })
            } else {
                Err(bearer::insufficient_scope(S::NAME))
            }
        })
    }
}

/// Somebody who administers the accounts of others.
pub(super) struct Administrator(pub(super) Authenticated);

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Extraction<Self>;

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

fn holds(scope: &str, wanted: &str) -> bool {
    scope.split(' ').any(|held| held == wanted)
}

fn login_required() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "login-required", "Only a login may do this")
        .detail("a personal access token cannot; use the access token of a login")
}
