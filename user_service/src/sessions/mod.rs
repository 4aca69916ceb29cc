//! [`SessionActor`] is the one place where it is decided whether a session lives: it opens, refreshes, ends and
//! checks sessions. Handlers talk to it through [`Sessions`].
//!
//! It owns no state of its own: the truth is in the database, so that several instances agree and nothing is lost when
//! one dies. A dead actor makes every method fail with [`SessionError::Actor`] and turns `/readyz` red.

mod error;
mod refresh_token;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message, ResponseFuture};
use entity::user_db::{account, session};
use sea_orm::{DatabaseConnection, TransactionTrait};
use secrecy::{ExposeSecret, SecretString};
use service_kit::clock::SharedClock;
use uuid::Uuid;

pub(crate) use self::error::{Rejection, SessionError};
pub(crate) use self::refresh_token::RefreshTokens;
pub(crate) use self::store::{Lifetimes, NewSession};
use crate::access_token::{AccessToken, AccessTokens, Claims};

/// Messages that wait. Each leaves the mailbox as soon as it is read, so this is for bursts: more than the requests
/// that a few workers can have in flight; beyond it, senders wait.
const MAILBOX_CAPACITY: usize = 1024;

type Reply<T> = Result<T, SessionError>;

/// Open a session for an account.
#[derive(Message)]
#[rtype(result = "Reply<Renewal>")]
struct OpenSession(NewSession);

/// Exchange a refresh token for its successor.
#[derive(Message)]
#[rtype(result = "Reply<Renewal>")]
struct RefreshSession {
    presented: SecretString,
}

/// Find the account of a session that lives.
#[derive(Message)]
#[rtype(result = "Reply<account::Model>")]
struct CheckSession {
    id: Uuid,
    account_id: Uuid,
}

/// End a session.
#[derive(Message)]
#[rtype(result = "Reply<()>")]
struct EndSession {
    id: Uuid,
}

/// Say that you are there.
#[derive(Message)]
#[rtype(result = "()")]
struct Ping;

/// A session and the refresh token that is now its current one.
struct Renewal {
    session: session::Model,
    refresh_token: SecretString,
}

/// What a client gets for its login, or for its refresh token.
pub(crate) struct Grant {
    pub(crate) access_token: AccessToken,
    pub(crate) refresh_token: SecretString,
    pub(crate) scope: String,
}

/// Whom a token speaks for, and what it says.
pub(crate) struct Authenticated {
    pub(crate) account: account::Model,
    pub(crate) claims: Claims,
}

/// The way to the actor. Clones lead to the same one, from any thread.
#[derive(Clone)]
pub(crate) struct Sessions {
    address: Addr<SessionActor>,
    access_tokens: Arc<AccessTokens>,
    clock: SharedClock,
}

impl Sessions {
    /// Starts the actor on the arbiter of the caller.
    pub(crate) fn start(
        db: DatabaseConnection,
        clock: SharedClock,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        lifetimes: Lifetimes,
    ) -> Self {
        let address = SessionActor { db, clock: clock.clone(), refresh_tokens, lifetimes }.start();
        Self { address, access_tokens: Arc::new(access_tokens), clock }
    }

    /// Opens a session.
    pub(crate) async fn open(&self, new: NewSession) -> Reply<Grant> {
        self.grant(self.command(OpenSession(new)).await?)
    }

    /// Continues the session of the refresh token `presented`.
    pub(crate) async fn refresh(&self, presented: SecretString) -> Reply<Grant> {
        self.grant(self.command(RefreshSession { presented }).await?)
    }

    /// Whom an access token speaks for, if its signature is right and its session lives.
    pub(crate) async fn authenticate(&self, token: &str) -> Reply<Authenticated> {
        let claims = self.access_tokens.verify(token, self.clock.now()).await?;
        let account = self.address.send(CheckSession { id: claims.sid, account_id: claims.sub }).await??;
        Ok(Authenticated { account, claims })
    }

    /// Ends a session: none of its tokens counts any more.
    pub(crate) async fn end(&self, id: Uuid) -> Reply<()> {
        self.command(EndSession { id }).await
    }

    /// Whether the actor answers; the error is for the log.
    pub(crate) async fn ping(&self) -> Result<(), String> {
        self.address.send(Ping).await.map_err(|error| error.to_string())
    }

    /// Sends what must happen even if the client hangs up meanwhile: actix skips a message whose sender has gone, so
    /// the sender is a task of its own.
    async fn command<M, T>(&self, message: M) -> Reply<T>
    where
        M: Message<Result = Reply<T>> + Send + 'static,
        T: Send + 'static,
        SessionActor: Handler<M>,
    {
        actix_rt::spawn(self.address.send(message)).await??
    }

    /// Signing is this side's work: it would hold up the actor's other answers.
    fn grant(&self, renewal: Renewal) -> Reply<Grant> {
        let access_token = self.access_tokens.sign(&renewal.session, self.clock.now())?;
        Ok(Grant { access_token, refresh_token: renewal.refresh_token, scope: renewal.session.scope })
    }
}

/// See the module.
#[derive(Clone)]
struct SessionActor {
    db: DatabaseConnection,
    clock: SharedClock,
    refresh_tokens: RefreshTokens,
    lifetimes: Lifetimes,
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_CAPACITY);
    }
}

impl Handler<OpenSession> for SessionActor {
    type Result = ResponseFuture<Reply<Renewal>>;

    fn handle(&mut self, OpenSession(new): OpenSession, _: &mut Self::Context) -> Self::Result {
        let actor = self.clone();
        Box::pin(async move { actor.open(new).await })
    }
}

impl Handler<RefreshSession> for SessionActor {
    type Result = ResponseFuture<Reply<Renewal>>;

    fn handle(&mut self, message: RefreshSession, _: &mut Self::Context) -> Self::Result {
        let actor = self.clone();
        Box::pin(async move { actor.refresh(message.presented.expose_secret()).await })
    }
}

impl Handler<CheckSession> for SessionActor {
    type Result = ResponseFuture<Reply<account::Model>>;

    fn handle(&mut self, message: CheckSession, _: &mut Self::Context) -> Self::Result {
        let (db, now) = (self.db.clone(), self.clock.now());
        Box::pin(async move { Ok(store::find_alive(&db, message.id, message.account_id, now).await??) })
    }
}

impl Handler<EndSession> for SessionActor {
    type Result = ResponseFuture<Reply<()>>;

    fn handle(&mut self, message: EndSession, _: &mut Self::Context) -> Self::Result {
        let (db, now) = (self.db.clone(), self.clock.now());
        Box::pin(async move { Ok(store::end(&db, message.id, now).await?) })
    }
}

impl Handler<Ping> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Ping, _: &mut Self::Context) {}
}

impl SessionActor {
    async fn open(&self, new: NewSession) -> Reply<Renewal> {
        let refresh_token = RefreshTokens::first()?;
        let hash = refresh_token::digest(refresh_token.expose_secret());
        let transaction = self.db.begin().await?;
        let session = store::open(&transaction, new, hash, self.lifetimes, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(Renewal { session, refresh_token })
    }

    async fn refresh(&self, presented: &str) -> Reply<Renewal> {
        let refresh_token = self.refresh_tokens.successor(presented);
        let hashes = [presented, refresh_token.expose_secret()].map(refresh_token::digest);
        let [presented, successor] = hashes;
        let transaction = self.db.begin().await?;
        let outcome =
            store::rotate(&transaction, &presented, successor, self.lifetimes, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(Renewal { session: outcome?, refresh_token })
    }
}
