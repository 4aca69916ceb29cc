//! [`SessionActor`] is the one place where it is decided whether a session lives: it opens, refreshes, ends and
//! checks sessions. Handlers talk to it through [`Sessions`].
//!
//! It remembers nothing but the questions that wait: the truth is in the database, so that several instances agree and
//! nothing is lost when one dies. A dead actor makes every method fail with [`SessionError::Actor`], turns `/readyz` red and ends the process, which is
//! then started again.

mod checks;
mod device;
mod error;
mod refresh_token;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, MailboxError, Message, ResponseFuture,
    WrapFuture,
};
use entity::user_db::{account, session};
use sea_orm::{DatabaseConnection, TransactionTrait};
use secrecy::{ExposeSecret, SecretString};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use self::checks::{Check, Checks};
pub(crate) use self::error::{Rejection, SessionError};
pub(crate) use self::refresh_token::RefreshTokens;
use self::store::Rotation;
pub(crate) use self::store::{Ending, Lifetimes, Listed, NewSession};
use crate::access_token::{AccessToken, AccessTokens, Claims};
use crate::account::{PasswordReplacement, Proof, replace_password};
use crate::audit::{Action, Audit, Entry, Outcome, Who};

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
    from: ClientAddress,
}

/// Find the account of a session that lives.
#[derive(Message)]
#[rtype(result = "Reply<account::Model>")]
struct CheckSession {
    id: Uuid,
    account_id: Uuid,
}

/// List the sessions of an account that live.
#[derive(Message)]
#[rtype(result = "Reply<Vec<Listed>>")]
struct ListSessions {
    account: Uuid,
    before: Option<Uuid>,
    limit: u64,
}

/// Find the session of a refresh token.
#[derive(Message)]
#[rtype(result = "Reply<session::Model>")]
struct FindSession {
    refresh_token: SecretString,
}

/// End sessions.
#[derive(Message)]
#[rtype(result = "Reply<u64>")]
struct EndSessions {
    ending: Ending,
    entry: Entry,
}

/// Write another password, and end the sessions of those who knew the one before.
#[derive(Message)]
#[rtype(result = "Reply<bool>")]
struct ReplacePassword(PasswordReplacement);

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
        let (sender, life) = watch::channel(());
        let address = SessionActor { decisions, checks: Checks::default(), _life: sender }.start();
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

/// See the module.
struct SessionActor {
    decisions: Decisions,
    checks: Checks,
    /// Dropped with the actor, which is how its death is noticed: a panic calls none of its methods.
    _life: watch::Sender<()>,
}

/// What the actor decides with, for the futures that it starts.
#[derive(Clone)]
struct Decisions {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
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
        let decisions = self.decisions.clone();
        Box::pin(async move { decisions.open(new).await })
    }
}

impl Handler<RefreshSession> for SessionActor {
    type Result = ResponseFuture<Reply<Renewal>>;

    fn handle(&mut self, message: RefreshSession, _: &mut Self::Context) -> Self::Result {
        let decisions = self.decisions.clone();
        Box::pin(async move { decisions.refresh(message.presented.expose_secret(), message.from).await })
    }
}

impl Handler<CheckSession> for SessionActor {
    type Result = ResponseFuture<Reply<account::Model>>;

    fn handle(&mut self, message: CheckSession, context: &mut Self::Context) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.checks.add(Check { id: message.id, account_id: message.account_id, answer });
        self.run_checks(context);
        Box::pin(async move { answered.await.map_err(|_| MailboxError::Closed)? })
    }
}

impl Handler<ListSessions> for SessionActor {
    type Result = ResponseFuture<Reply<Vec<Listed>>>;

    fn handle(&mut self, message: ListSessions, _: &mut Self::Context) -> Self::Result {
        let (db, lifetimes, now) =
            (self.decisions.db.clone(), self.decisions.lifetimes, self.decisions.clock.now());
        let ListSessions { account, before, limit } = message;
        Box::pin(async move { Ok(store::list(&db, account, before, limit, lifetimes, now).await?) })
    }
}

impl Handler<FindSession> for SessionActor {
    type Result = ResponseFuture<Reply<session::Model>>;

    fn handle(&mut self, message: FindSession, _: &mut Self::Context) -> Self::Result {
        let db = self.decisions.db.clone();
        let hash = refresh_token::digest(message.refresh_token.expose_secret());
        Box::pin(async move {
            let found = store::find_by_token(&db, hash).await?;
            found.ok_or_else(|| Rejection::NoRefreshToken.into())
        })
    }
}

impl Handler<EndSessions> for SessionActor {
    type Result = ResponseFuture<Reply<u64>>;

    fn handle(&mut self, message: EndSessions, _: &mut Self::Context) -> Self::Result {
        let decisions = self.decisions.clone();
        Box::pin(async move { decisions.end(message.ending, message.entry).await })
    }
}

impl Handler<ReplacePassword> for SessionActor {
    type Result = ResponseFuture<Reply<bool>>;

    fn handle(
        &mut self,
        ReplacePassword(replacement): ReplacePassword,
        _: &mut Self::Context,
    ) -> Self::Result {
        let decisions = self.decisions.clone();
        Box::pin(async move { decisions.replace_password(replacement).await })
    }
}

impl Handler<Ping> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Ping, _: &mut Self::Context) {}
}

impl SessionActor {
    /// Begins the queries that may begin.
    fn run_checks(&mut self, context: &mut Context<Self>) {
        while let Some(batch) = self.checks.next_batch() {
            let (db, now) = (self.decisions.db.clone(), self.decisions.clock.now());
            let query = async move {
                let found = store::find_with_accounts(&db, batch.sessions()).await;
                batch.answer(found, now);
            };
            context.spawn(query.into_actor(self).map(|(), actor, context| {
                actor.checks.ended();
                actor.run_checks(context);
            }));
        }
    }
}

impl Decisions {
    async fn open(&self, new: NewSession) -> Reply<Renewal> {
        let refresh_token = RefreshTokens::first()?;
        let hash = refresh_token::digest(refresh_token.expose_secret());
        let (who, from) = (Who::Owner(new.account_id), Some(new.from));
        let transaction = self.db.begin().await?;
        if !store::is_still_proven(&transaction, &new).await? {
            return Err(Rejection::NotProven.into());
        }
        let session = store::open(&transaction, new, hash, self.lifetimes, self.clock.now()).await?;
        let entry = Entry { who, what: Action::Login, from, result: Outcome::Success };
        self.audit.record(&transaction, entry).await?;
        transaction.commit().await?;
        Ok(Renewal { session, refresh_token })
    }

    async fn refresh(&self, presented: &str, from: ClientAddress) -> Reply<Renewal> {
        let refresh_token = self.refresh_tokens.successor(presented);
        let hashes = [presented, refresh_token.expose_secret()].map(refresh_token::digest);
        let [presented, successor] = hashes;
        let rotation = Rotation { presented, successor, from };
        let transaction = self.db.begin().await?;
        let outcome =
            store::rotate(&transaction, &self.audit, rotation, self.lifetimes, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(Renewal { session: outcome?, refresh_token })
    }

    async fn end(&self, ending: Ending, entry: Entry) -> Reply<u64> {
        let transaction = self.db.begin().await?;
        let ended = store::end(&transaction, ending, self.clock.now()).await?;
        if ended > 0 {
            self.audit.record(&transaction, entry).await?;
        }
        transaction.commit().await?;
        Ok(ended)
    }

    async fn replace_password(&self, replacement: PasswordReplacement) -> Reply<bool> {
        let (account, from, now) = (replacement.account, replacement.from, self.clock.now());
        let (done, ended, keep) = match replacement.proof {
            Proof::Password { session, .. } => {
                (Action::PasswordChange, Action::OtherSessionsEnd, Some(session))
            }
            Proof::MailToken(_) => (Action::PasswordReset, Action::AllSessionsEnd, None),
        };
        let entry =
            |what| Entry { who: Who::Owner(account), what, from: Some(from), result: Outcome::Success };
        let transaction = self.db.begin().await?;
        if !replace_password(&transaction, &replacement, now).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        self.audit.record(&transaction, entry(done)).await?;
        if store::end(&transaction, Ending::AllOf { account, keep }, now).await? > 0 {
            self.audit.record(&transaction, entry(ended)).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}
