//! Who calls, and what they may do.
//!
//! A handler that acts for somebody takes an [`Authorized`] argument: without one there is no account to work for.

mod client;
mod introspection;
mod jwks;
mod standing;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use service_kit::bearer::{self, BearerToken};
use service_kit::problem::Problem;
use uuid::Uuid;

pub(crate) use client::IntrospectionClient;
pub use introspection::{AuthError, Introspector};
pub(crate) use standing::Standing;

/// After how long a client may ask again when tokens cannot be checked, in seconds.
const RETRY_AFTER: u64 = 5;

/// Whom a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account (`sub`).
    pub account_id: Uuid,
    /// What the token may be used for.
    pub scopes: Vec<String>,
}

/// What a token must allow.
pub trait Scope: 'static {
    /// Its name in tokens.
    const NAME: &'static str;
}

/// To see videos and their analyses.
#[derive(Debug)]
pub enum VideosRead {}

/// To make, change and delete videos.
#[derive(Debug)]
pub enum VideosWrite {}

/// To start and cancel analyses.
#[derive(Debug)]
pub enum AnalysisWrite {}

/// To pause everybody's queue.
#[derive(Debug)]
pub enum Administration {}

impl Scope for Administration {
    const NAME: &'static str = "admin";
}

impl Scope for VideosRead {
    const NAME: &'static str = "videos:read";
}

impl Scope for VideosWrite {
    const NAME: &'static str = "videos:write";
}

impl Scope for AnalysisWrite {
    const NAME: &'static str = "analysis:write";
}

/// The caller, who may do `S`.
///
/// Answers 401 with a challenge for no or a bad token, 403 naming the scope for one that does not carry it, 503 with
/// `Retry-After` where the token cannot be checked.
#[derive(Debug)]
pub struct Authorized<S> {
    /// Who.
    pub caller: Caller,
    scope: PhantomData<S>,
}

impl<S: Scope> FromRequest for Authorized<S> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let lasting = Lasting::<S>::from_request(request, payload);
        Box::pin(async move { Ok(Self { caller: lasting.await?.caller, scope: PhantomData }) })
    }
}

/// As [`Authorized`], for an answer that goes on for so long that the token may end before it.
pub(crate) struct Lasting<S> {
    /// Who.
    pub(crate) caller: Caller,
    introspection: IntrospectionClient,
    token: BearerToken,
    scope: PhantomData<S>,
}

impl<S: Scope> Lasting<S> {
    /// Whether the token has ended. While nobody can say, it has not: the answer was begun by right.
    pub(crate) async fn has_ended(&self) -> bool {
        matches!(self.introspection.caller(self.token.clone()).await, Err(AuthError::Invalid(_)))
    }
}

impl<S: Scope> FromRequest for Lasting<S> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let token = BearerToken::from_request(request, payload).into_inner();
        let introspection = request.app_data::<IntrospectionClient>().cloned();
        Box::pin(async move {
            let token = token?;
            let introspection = introspection
                .ok_or_else(|| Problem::internal("the application was built without introspection"))?;
            let caller = introspection.caller(token.clone()).await.map_err(refusal)?;
            if !caller.scopes.iter().any(|scope| scope == S::NAME) {
                return Err(bearer::insufficient_scope(S::NAME));
            }
            Ok(Self { caller, introspection, token, scope: PhantomData })
        })
    }
}

fn refusal(error: AuthError) -> Problem {
    match error {
        AuthError::Invalid(reason) => bearer::invalid_token().cause(format!("token refused: {reason}")),
        AuthError::Unavailable(reason) => {
            Problem::unavailable("tokens cannot be checked right now", RETRY_AFTER).cause(reason)
        }
    }
}
