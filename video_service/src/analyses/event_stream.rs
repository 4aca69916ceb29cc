//! A stream of server-sent events to one listener.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use bytes::Bytes;
use entity::video_db::analysis::AnalysisStatus;
use futures_util::{Stream, stream};
use sea_orm::DatabaseConnection;
use service_kit::problem::Problem;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use uuid::Uuid;

use super::events::EventId;
use super::record::Analysis;
use crate::auth::{Lasting, VideosRead};
use crate::progress::{Change, Listener, Topic};
use crate::state::State;
use crate::videos::owned;

/// Says nothing, so that proxies and clients see that the stream lives (a comment).
const HEARTBEAT: &[u8] = b":\n\n";
/// What a listener is told that is let go before the end: to come again in a second.
const COME_AGAIN: &[u8] = b"retry: 1000\n\n";

/// What one listener is told.
pub(super) struct EventStream {
    db: DatabaseConnection,
    auth: Lasting<VideosRead>,
    topic: Topic,
    listener: Listener,
    pulse: Interval,
    /// Events not yet sent.
    pending: VecDeque<Bytes>,
    /// The newest state of each analysis that was told.
    told: HashMap<Uuid, i64>,
    /// Nothing follows what is pending.
    ended: bool,
}

/// Whether `last_seen` is the end of the newest analysis.
pub(super) fn is_the_end_known(newest: &Change, last_seen: Option<EventId>) -> bool {
    newest.analysis.finished_at.is_some() && last_seen == Some(EventId::of(newest))
}

impl EventStream {
    /// A stream that has told nothing yet.
    pub(super) fn new(state: &State, auth: Lasting<VideosRead>, topic: Topic, listener: Listener) -> Self {
        let heartbeat = Duration::from_secs(state.events.heartbeat_seconds.get());
        let mut pulse = tokio::time::interval_at(Instant::now() + heartbeat, heartbeat);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            db: state.db.clone(),
            auth,
            topic,
            listener,
            pulse,
            // The head of the answer goes out with the first bytes of its body.
            pending: VecDeque::from([Bytes::from_static(HEARTBEAT)]),
            told: HashMap::new(),
            ended: false,
        }
    }

    /// With `changes` told at once.
    ///
    /// # Errors
    /// 500 where one cannot be told.
    pub(super) fn beginning_with(
        mut self,
        changes: impl IntoIterator<Item = Change>,
    ) -> Result<Self, Problem> {
        for change in changes {
            self.tell(&change)?;
        }
        Ok(self)
    }

    /// For a listener that knows the newest state.
    pub(super) fn for_who_knows(mut self, state: EventId) -> Self {
        self.told.insert(state.analysis, state.revision);
        self
    }

    /// The body of the answer.
    pub(super) fn into_bytes(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, async |mut stream| stream.next().await.map(|bytes| (Ok(bytes), stream)))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                change = self.listener.recv() => self.hear(change),
                _ = self.pulse.tick() => {
                    self.ended = self.is_over().await;
                    self.pending.push_back(Bytes::from_static(if self.ended { COME_AGAIN } else { HEARTBEAT }));
                }
            }
        }
    }

    fn hear(&mut self, change: Option<Arc<Change>>) {
        let Some(change) = change else { return self.let_go() };
        if let Err(problem) = self.tell(&change) {
            log::error!("an event cannot be told cause=\"{problem}\"");
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        self.pending.push_back(Bytes::from_static(COME_AGAIN));
        self.ended = true;
    }

    /// Queues the event of a change, unless it was told already.
    fn tell(&mut self, change: &Change) -> Result<(), Problem> {
        let row = &change.analysis;
        let of_one_video = matches!(self.topic, Topic::Video(_));
        // The end of an earlier analysis would end the stream of the one that follows. Identifiers are in order of time.
        let is_old = of_one_video && self.told.keys().any(|id| *id > row.id);
        if is_old || self.told.get(&row.id).is_some_and(|told| *told >= row.revision) {
            return Ok(());
        }
        let name = match row.status {
            AnalysisStatus::Queued | AnalysisStatus::Running => "progress",
            AnalysisStatus::Succeeded => "succeeded",
            AnalysisStatus::Failed => "failed",
            AnalysisStatus::Canceled => "canceled",
        };
        let data = serde_json::to_string(&Analysis::new(row.clone(), None)?).map_err(Problem::internal)?;
        let event = format!("id: {}\nevent: {name}\ndata: {data}\n\n", EventId::of(change));
        self.pending.push_back(event.into());
        self.told.insert(row.id, row.revision);
        self.ended = of_one_video && row.finished_at.is_some();
        Ok(())
    }

    /// Whether there is nothing more to be told, or not to this listener: its token has ended, or the video is gone.
    async fn is_over(&self) -> bool {
        if self.auth.has_ended().await {
            return true;
        }
        match self.topic {
            // A database that cannot say does not end it.
            Topic::Video(id) => {
                let video = owned(&self.db, id, &self.auth.caller).await;
                video.is_err_and(|problem| problem.status_code() == StatusCode::NOT_FOUND)
            }
            Topic::Account(_) => false,
        }
    }
}
