//! The actor that asks User Service about tokens.

use std::sync::Arc;

use actix::prelude::*;
use service_kit::bearer::BearerToken;

use super::Caller;
use super::introspection::{AuthError, Introspector};

/// Questions that may wait for the actor to take them up. It answers none itself, so it is never long behind.
const MAILBOX: usize = 1024;

/// Whom does this token stand for?
#[derive(Message)]
#[rtype(result = "Result<Caller, AuthError>")]
struct WhoIs(BearerToken);

/// The asker of this thread. Clones address the same one.
#[derive(Clone)]
pub(crate) struct IntrospectionClient(Addr<Asker>);

impl IntrospectionClient {
    /// Starts the actor, in the arbiter that calls this. What has been learned is shared by all of them.
    pub(crate) fn start(introspector: Arc<Introspector>, client: awc::Client) -> Self {
        Self(Asker { introspector, client }.start())
    }

    /// Whom `token` stands for.
    ///
    /// # Errors
    /// [`AuthError`]; an actor that has died cannot say.
    pub(crate) async fn caller(&self, token: BearerToken) -> Result<Caller, AuthError> {
        let answer = self.0.send(WhoIs(token)).await;
        answer.unwrap_or_else(|error| Err(AuthError::Unavailable(format!("the asker: {error}"))))
    }
}

/// Asks in the name of all requests of its thread.
///
/// It owns the connections to User Service, which belong to their thread, and nothing else: verdicts and keys are in the
/// [`Introspector`], which all threads share. Handlers talk to it through [`IntrospectionClient`]. When it dies, nobody
/// can say who calls, and requests are answered with 503 until the process is started again.
struct Asker {
    introspector: Arc<Introspector>,
    client: awc::Client,
}

impl Actor for Asker {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<WhoIs> for Asker {
    type Result = ResponseFuture<Result<Caller, AuthError>>;

    fn handle(&mut self, WhoIs(token): WhoIs, _: &mut Self::Context) -> Self::Result {
        let (introspector, client) = (Arc::clone(&self.introspector), self.client.clone());
        Box::pin(async move { introspector.caller(&client, &token).await })
    }
}
