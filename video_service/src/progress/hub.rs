//! The progress hub.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use chrono::{DateTime, Utc};
use sea_orm::{DatabaseConnection, DbErr};
use service_kit::clock::SharedClock;
use service_kit::problem::Problem;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::changes::{self, Change, OVERLAP, Topic};
use crate::settings::EventSettings;
use crate::worker::HEARTBEAT;

/// How often changes are looked for: as often as workers write them.
const INTERVAL: Duration = HEARTBEAT;
/// How many changes a listener may be behind before it is dropped.
const BACKLOG: usize = 64;
/// When somebody who found no place may ask again, in seconds.
const RETRY_AFTER: u64 = 10;

/// Whoever listens takes changes from here. It ends when the listener was too slow, or the service stops.
pub(crate) type Listener = mpsc::Receiver<Arc<Change>>;

/// Somebody wants to listen.
#[derive(Message)]
#[rtype(result = "Result<Listener, NoPlace>")]
struct Listen {
    topic: Topic,
    account: Uuid,
}

/// It is time to look for changes.
#[derive(Message)]
#[rtype(result = "()")]
struct Look;

/// The look, begun at a moment, ended.
#[derive(Message)]
#[rtype(result = "()")]
struct Looked(DateTime<Utc>, Result<Vec<Change>, DbErr>);

/// Let all listeners go, and take no more.
#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

/// Why somebody cannot listen.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum NoPlace {
    #[error("too many listen to progress right now")]
    Full,
    #[error("this account listens to progress too many times already")]
    Account,
    #[error("the service stops")]
    Stopping,
}

/// The hub of this process. Clones address the same one.
#[derive(Clone)]
pub(crate) struct ProgressHub(Addr<Hub>);

impl ProgressHub {
    /// Starts it.
    pub(crate) fn start(db: DatabaseConnection, clock: SharedClock, settings: EventSettings) -> Self {
        let since = clock.now();
        let hub = Hub {
            db,
            clock,
            settings,
            listeners: HashMap::new(),
            accounts: HashMap::new(),
            since,
            seen: HashMap::new(),
            looking: false,
            stopping: false,
        };
        Self(hub.start())
    }

    /// What changes from now on; what changed a moment ago may come as well.
    ///
    /// # Errors
    /// 503 where there is no place for another listener.
    pub(crate) async fn listen(&self, topic: Topic, account: Uuid) -> Result<Listener, Problem> {
        let place = self.0.send(Listen { topic, account }).await.map_err(Problem::internal)?;
        place.map_err(|reason| Problem::unavailable(&reason.to_string(), RETRY_AFTER))
    }

    /// Whether it lives.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.connected()
    }

    /// Lets all listeners go: an answer without an end would keep the service from stopping.
    pub(crate) async fn stop(&self) {
        if let Err(error) = self.0.send(Stop).await {
            log::error!("listeners were not let go cause=\"{error}\"");
        }
    }
}

/// Looks for changes of analyses while anybody listens: one query each time, however many listen. It owns the list of
/// listeners, nothing else; when it dies, they are let go, and ask again.
struct Hub {
    db: DatabaseConnection,
    clock: SharedClock,
    settings: EventSettings,
    listeners: HashMap<Topic, Vec<Place>>,
    /// How many of them each account has.
    accounts: HashMap<Uuid, usize>,
    /// When the last look began.
    since: DateTime<Utc>,
    /// What the last looks found, by analysis: its revision, and when it was written.
    seen: HashMap<Uuid, (i64, DateTime<Utc>)>,
    looking: bool,
    stopping: bool,
}

/// A listener's end of the wire.
struct Place {
    account: Uuid,
    changes: mpsc::Sender<Arc<Change>>,
}

impl Hub {
    fn place_for(&mut self, account: Uuid) -> Result<(), NoPlace> {
        if self.stopping {
            return Err(NoPlace::Stopping);
        }
        if self.accounts.values().sum::<usize>() >= self.settings.max_listeners.get() {
            return Err(NoPlace::Full);
        }
        let mine = self.accounts.entry(account).or_default();
        if *mine >= self.settings.max_listeners_per_account.get() {
            return Err(NoPlace::Account);
        }
        *mine += 1;
        Ok(())
    }

    /// Forgets those who have gone.
    fn prune(&mut self) {
        self.accounts.clear();
        for places in self.listeners.values_mut() {
            places.retain(|place| !place.changes.is_closed());
            for place in places {
                *self.accounts.entry(place.account).or_default() += 1;
            }
        }
        self.listeners.retain(|_, places| !places.is_empty());
    }

    /// Whether a change was not seen before.
    fn is_news(&mut self, analysis: &entity::video_db::analysis::Model) -> bool {
        let state = (analysis.revision, analysis.updated_at);
        self.seen.insert(analysis.id, state).is_none_or(|before| before.0 < analysis.revision)
    }

    fn tell(&mut self, change: Change) {
        let topics = [Topic::Video(change.analysis.video_id), Topic::Account(change.owner_id)];
        let change = Arc::new(change);
        for topic in topics {
            if let Some(places) = self.listeners.get_mut(&topic) {
                // Who is too far behind is let go: asked again, it gets the newest state at once.
                places.retain(|place| place.changes.try_send(Arc::clone(&change)).is_ok());
            }
        }
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(INTERVAL, |_, ctx| ctx.notify(Look));
    }
}

impl Handler<Listen> for Hub {
    type Result = Result<Listener, NoPlace>;

    fn handle(&mut self, Listen { topic, account }: Listen, _: &mut Self::Context) -> Self::Result {
        self.place_for(account)?;
        let (changes, listener) = mpsc::channel(BACKLOG);
        self.listeners.entry(topic).or_default().push(Place { account, changes });
        Ok(listener)
    }
}

impl Handler<Look> for Hub {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Self::Context) {
        self.prune();
        if self.looking {
            return;
        }
        let now = self.clock.now();
        if self.listeners.is_empty() {
            self.since = now;
            self.seen.clear();
            return;
        }
        self.looking = true;
        let (db, since) = (self.db.clone(), self.since);
        let look = async move { Looked(now, changes::since(&db, None, since).await) };
        ctx.spawn(look.into_actor(self).map(|looked, _, ctx| ctx.notify(looked)));
    }
}

impl Handler<Looked> for Hub {
    type Result = ();

    fn handle(&mut self, Looked(began, found): Looked, _: &mut Self::Context) {
        self.looking = false;
        let found = match found {
            Ok(found) => found,
            // The next look reaches back to the last one that saw something: nothing is missed.
            Err(error) => return log::warn!("changes cannot be looked for cause=\"{error}\""),
        };
        for change in found {
            if self.is_news(&change.analysis) {
                self.tell(change);
            }
        }
        self.since = began;
        self.seen.retain(|_, (_, written)| *written > began - OVERLAP);
    }
}

impl Handler<Stop> for Hub {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Self::Context) {
        self.stopping = true;
        self.listeners.clear();
    }
}
