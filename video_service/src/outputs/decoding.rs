//! Decoding while a client waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use actix_web::http::StatusCode;
use service_kit::problem::{FieldError, Problem};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;
use video_analysis::{Error, ErrorKind, Execution, Limits, Observer, Progress};

/// How long one piece of work may take: a client that waits longer has gone.
const LONGEST: Duration = Duration::from_secs(50);
/// How long a request waits until others are done.
const PATIENCE: Duration = Duration::from_secs(10);

/// The right to decode on behalf of requests: for few at a time, for all of them share the machine with the analyses, and
/// for half of these of any one account, so that others have theirs. Clones share it.
#[derive(Clone)]
pub(crate) struct Decoding {
    execution: Execution,
    places: Arc<Semaphore>,
    /// Of one account.
    share: usize,
    shares: Arc<Mutex<HashMap<Uuid, Weak<Semaphore>>>>,
}

impl Decoding {
    /// With the limits and tools of analyses, for as many at a time as there are cores, and two at least.
    pub(crate) fn new(execution: Execution) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let places = Ord::max(cores, 2);
        let limits = Limits {
            cpu: Ord::min(execution.limits.cpu, LONGEST),
            wall: Ord::min(execution.limits.wall, LONGEST),
            ..execution.limits
        };
        Self {
            execution: Execution { limits, ..execution },
            places: Arc::new(Semaphore::new(places)),
            share: places / 2,
            shares: Arc::default(),
        }
    }

    /// What `work` makes for `account`. It is canceled when nobody waits any more.
    ///
    /// # Errors
    /// 503 where others are not done in time, 500 where it panics; its own ones inside.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        account: Uuid,
        work: impl FnOnce(&Execution, &dyn Observer) -> Result<T, Error> + Send + 'static,
    ) -> Result<Result<T, Error>, Problem> {
        let places = tokio::time::timeout(PATIENCE, self.enter(account)).await;
        let places = places.map_err(|_| Problem::unavailable("too many pictures are asked for", 5))?;
        let places = places.map_err(Problem::internal)?;
        let execution = self.execution.clone();
        let waiting = Arc::new(());
        let client = Client(Arc::downgrade(&waiting));
        let working = tokio::task::spawn_blocking(move || {
            // Until the decoder has ended, also when nobody waits any more.
            let _places = places;
            work(&execution, &client)
        });
        let made = working.await;
        drop(waiting);
        made.map_err(Problem::internal)
    }

    /// A place of the account's own, then one of all.
    async fn enter(&self, account: Uuid) -> Result<[OwnedSemaphorePermit; 2], AcquireError> {
        let own = self.share_of(account).acquire_owned().await?;
        Ok([own, Arc::clone(&self.places).acquire_owned().await?])
    }

    fn share_of(&self, account: Uuid) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&account).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.share));
        shares.insert(account, Arc::downgrade(&share));
        share
    }
}

/// Whoever waits for a picture: gone with the request.
struct Client(Weak<()>);

impl Observer for Client {
    fn progress(&self, _: Progress) {}

    fn is_canceled(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Why the engine had nothing to give.
pub(super) fn refusal(error: &Error) -> Problem {
    match error.kind() {
        ErrorKind::Undecodable => Problem::not_found("picture"),
        ErrorKind::InvalidOptions => Problem::invalid(
            ["width", "height"].map(|side| FieldError::new(side, "must be 2 to 8192")).into(),
        ),
        _ if error.retryable() => Problem::unavailable("the picture cannot be decoded now", 5).cause(error),
        _ => Problem::new(StatusCode::CONFLICT, "not-decodable", "The content cannot be decoded")
            .detail(error.message())
            .cause(error),
    }
}
