//! [`SessionActor`] is the one place where it is decided whether a session lives: it opens, refreshes, ends and
//! checks sessions. Handlers talk to it through [`Sessions`].
//!
//! It remembers nothing but the questions that wait: the truth is in the database, so that several instances agree and
//! nothing is lost when one dies. A dead actor makes every method fail with [`SessionError::Actor`], turns `/readyz` red
//! and ends the process, which is then started again.

mod actor;
mod checks;
mod device;
mod error;
mod refresh_token;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Addr, Handler, Message};
use entity::user_db::account;
use sea_orm::DatabaseConnection;
use secrecy::{ExposeSecret, SecretString};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use tokio::sync::watch;
use uuid::Uuid;

use self::actor::{
    CheckSession, Decisions, EndSessions, FindSession, ListSessions, OpenSession, Ping, RefreshSession,
    Renewal, ReplacePassword, SessionActor,
};
pub(crate) use self::error::{Rejection, SessionError};
pub(crate) use self::refresh_token::RefreshTokens;
pub(crate) use self::store::{Ending, Lifetimes, Listed, NewSession};
use crate::access_token::{AccessToken, AccessTokens, Claims};
use crate::account::PasswordReplacement;
use crate::audit::{Action, Audit, Entry, Outcome, Who};

type Reply<T> = Result<T, SessionError>;

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
    life: watch::Receiver<()>,
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
        let audit = Audit::new(clock.clone());
        let decisions = Decisions { db, clock: clock.clone(), audit, refresh_tokens, lifetimes };
        let (address, life) = SessionActor::start_with(decisions);
        Self { address, life, access_tokens: Arc::new(access_tokens), clock }
    }

    /// Opens a session.
    pub(crate) async fn open(&self, new: NewSession) -> Reply<Grant> {
        self.grant(self.command(OpenSession(new)).await?).await
    }

    /// Continues the session of the refresh token `presented`.
    pub(crate) async fn refresh(&self, presented: SecretString, from: ClientAddress) -> Reply<Grant> {
        self.grant(self.command(RefreshSession { presented, from }).await?).await
    }

    /// Whom an access token speaks for, if its signature is right and its session lives.
    pub(crate) async fn authenticate(&self, token: &str) -> Reply<Authenticated> {
        let claims = self.access_tokens.verify(token, self.clock.now()).await?;
        let account = self.address.send(CheckSession { id: claims.sid, account_id: claims.sub }).await??;
        Ok(Authenticated { account, claims })
    }

    /// Up to `limit` sessions of `account` that live, the newest first: those opened before the session `before`.
    pub(crate) async fn list(&self, account: Uuid, before: Option<Uuid>, limit: u64) -> Reply<Vec<Listed>> {
        self.address.send(ListSessions { account, before, limit }).await?
    }

    /// Ends sessions: none of their tokens counts any more. If there were any, the audit log says so as `entry` does.
    /// How many there were.
    pub(crate) async fn end(&self, ending: Ending, entry: Entry) -> Reply<u64> {
        self.command(EndSessions { ending, entry }).await
    }

    /// Ends the session of an access token or a refresh token, at the wish of whoever has it.
    pub(crate) async fn revoke(&self, token: SecretString, from: ClientAddress) -> Reply<()> {
        let (id, account) = if RefreshTokens::concerns(token.expose_secret()) {
            let session = self.address.send(FindSession { refresh_token: token }).await??;
            (session.id, session.account_id)
        } else {
            let caller = self.authenticate(token.expose_secret()).await?;
            (caller.claims.sid, caller.account.id)
        };
        let (what, result) = (Action::TokenRevoke, Outcome::Success);
        let entry = Entry { who: Who::Owner(account), what, from: Some(from), result };
        self.end(Ending::One { id, account }, entry).await?;
        Ok(())
    }

    /// Waits until the actor is dead, whatever it died of.
    pub(crate) async fn ended(&self) {
        let mut life = self.life.clone();
        // Nothing is ever sent: only the end is told.
        while life.changed().await.is_ok() {}
    }

    /// Writes another password and ends sessions, both or neither: all but the one in which the password was proven, all
    /// where a mailed token was. Whether the proof still held.
    pub(crate) async fn replace_password(&self, replacement: PasswordReplacement) -> Reply<bool> {
        self.command(ReplacePassword(replacement)).await
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
    async fn grant(&self, renewal: Renewal) -> Reply<Grant> {
        let access_token = self.access_tokens.sign(&renewal.session, self.clock.now()).await?;
        Ok(Grant { access_token, refresh_token: renewal.refresh_token, scope: renewal.session.scope })
    }
}
