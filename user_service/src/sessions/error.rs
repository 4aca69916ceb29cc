//! Why a token does not count. Clients learn that it does not; the log learns why.

use std::sync::Arc;

use actix::MailboxError;
use sea_orm::DbErr;
use service_kit::problem::Problem;
use service_kit::{bearer, random};

use crate::signing_keys::SigningKeyError;

/// What is wrong with a token that was presented.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("not a signed token: {0}")]
    NoToken(jsonwebtoken::errors::Error),
    #[error("not signed with EdDSA")]
    WrongAlgorithm,
    #[error("not an access token by its type")]
    WrongType,
    #[error("signed with an unknown key")]
    UnknownKey,
    #[error("not issued here: {0}")]
    NotOurs(jsonwebtoken::errors::Error),
    #[error("the token has expired")]
    TokenExpired,
    #[error("there is no such session")]
    NoSession,
    #[error("the session was ended")]
    SessionEnded,
    #[error("the session has expired")]
    SessionExpired,
    #[error("there is no such personal access token")]
    NoPersonalToken,
    #[error("the account has another password by now, or is disabled")]
    NotProven,
    #[error("the account is disabled")]
    AccountDisabled,
    #[error("there is no such refresh token")]
    NoRefreshToken,
    #[error("the refresh token was used before; its session is ended now")]
    Reused,
    #[error("the successor of the refresh token was derived from another secret")]
    NoSuccessor,
}

/// Why something could not be done with a session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// The query failed that others waited for as well.
    #[error("database: {0}")]
    Check(Arc<DbErr>),
    #[error("signing keys: {0}")]
    Keys(#[from] SigningKeyError),
    #[error("signing: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
    #[error("randomness: {0}")]
    Random(#[from] random::Error),
    /// The actor is gone, or a command of it died.
    #[error("session actor: {0}")]
    Actor(#[from] MailboxError),
    /// The task that carried a command ended before it.
    #[error("session command: {0}")]
    Command(#[from] tokio::task::JoinError),
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Rejected(reason) => bearer::invalid_token().cause(reason),
            SessionError::Database(error) | SessionError::Keys(SigningKeyError::Database(error)) => {
                error.into()
            }
            SessionError::Check(error) => error.as_ref().into(),
            SessionError::Actor(_) => Self::unavailable("sessions cannot be reached", 1).cause(error),
            other => Self::internal(other),
        }
    }
}
