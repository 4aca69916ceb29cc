//! The actor and what it is told: [`Sessions`](super::Sessions) sends these messages.

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

use super::Reply;
use super::checks::{Check, Checks};
use super::error::Rejection;
use super::refresh_token::{self, RefreshTokens};
use super::store::{self, Ending, Lifetimes, Listed, NewSession, Rotation};
use crate::account::{PasswordReplacement, Proof, replace_password};
use crate::audit::{Action, Audit, Entry, Outcome, Who};

/// Messages that wait. Each leaves the mailbox as soon as it is read, so this is for bursts: more than the requests
/// that a few workers can have in flight; beyond it, senders wait.
const MAILBOX_CAPACITY: usize = 1024;

/// Open a session for an account.
#[derive(Message)]
#[rtype(result = "Reply<Renewal>")]
pub(super) struct OpenSession(pub(super) NewSession);

/// Exchange a refresh token for its successor.
#[derive(Message)]
#[rtype(result = "Reply<Renewal>")]
pub(super) struct RefreshSession {
    pub(super) presented: SecretString,
    pub(super) from: ClientAddress,
}

/// Find the account of a session that lives.
#[derive(Message)]
#[rtype(result = "Reply<account::Model>")]
pub(super) struct CheckSession {
    pub(super) id: Uuid,
    pub(super) account_id: Uuid,
}

/// List the sessions of an account that live.
#[derive(Message)]
#[rtype(result = "Reply<Vec<Listed>>")]
pub(super) struct ListSessions {
    pub(super) account: Uuid,
    pub(super) before: Option<Uuid>,
    pub(super) limit: u64,
}

/// Find the session of a refresh token.
#[derive(Message)]
#[rtype(result = "Reply<session::Model>")]
pub(super) struct FindSession {
    pub(super) refresh_token: SecretString,
}

/// End sessions.
#[derive(Message)]
#[rtype(result = "Reply<u64>")]
pub(super) struct EndSessions {
    pub(super) ending: Ending,
    pub(super) entry: Entry,
}

/// Write another password, and end the sessions of those who knew the one before.
#[derive(Message)]
#[rtype(result = "Reply<bool>")]
pub(super) struct ReplacePassword(pub(super) PasswordReplacement);

/// Say that you are there.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

/// A session and the refresh token that is now its current one.
pub(super) struct Renewal {
    pub(super) session: session::Model,
    pub(super) refresh_token: SecretString,
}

/// See the module above.
pub(super) struct SessionActor {
    decisions: Decisions,
    checks: Checks,
    /// Dropped with the actor, which is how its death is noticed: a panic calls none of its methods.
    _life: watch::Sender<()>,
}

/// What the actor decides with, for the futures that it starts.
#[derive(Clone)]
pub(super) struct Decisions {
    pub(super) db: DatabaseConnection,
    pub(super) clock: SharedClock,
    pub(super) audit: Audit,
    pub(super) refresh_tokens: RefreshTokens,
    pub(super) lifetimes: Lifetimes,
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
    /// Starts it on the arbiter of the caller; what is received ends with it.
    pub(super) fn start_with(decisions: Decisions) -> (Addr<Self>, watch::Receiver<()>) {
        let (sender, life) = watch::channel(());
        (Self { decisions, checks: Checks::default(), _life: sender }.start(), life)
    }

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
