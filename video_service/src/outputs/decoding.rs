//! Decoding while a client waits.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use service_kit::problem::{FieldError, Problem};
use tokio::sync::Semaphore;
use video_analysis::{Error, ErrorKind, Execution, Limits};

/// How long one piece of work may take: a client that waits longer has gone.
const LONGEST: Duration = Duration::from_secs(50);
/// How long a request waits until others are done.
const PATIENCE: Duration = Duration::from_secs(10);

/// The right to decode on behalf of requests: for few at a time, for all of them share the machine with the analyses.
/// Clones share it.
#[derive(Clone)]
pub(crate) struct Decoding {
    execution: Execution,
    places: Arc<Semaphore>,
}

impl Decoding {
    /// With the limits and tools of analyses, for as many at a time as there are cores.
    pub(crate) fn new(execution: Execution) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let limits = Limits {
            cpu: Ord::min(execution.limits.cpu, LONGEST),
            wall: Ord::min(execution.limits.wall, LONGEST),
            ..execution.limits
        };
        Self { execution: Execution { limits, ..execution }, places: Arc::new(Semaphore::new(cores)) }
    }

    /// What `work` makes.
    ///
    /// # Errors
    /// 503 where others are not done in time, 500 where it panics; its own ones inside.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Execution) -> Result<T, Error> + Send + 'static,
    ) -> Result<Result<T, Error>, Problem> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| Problem::unavailable("too many pictures are asked for", 5))?;
        let place = place.map_err(Problem::internal)?;
        let execution = self.execution.clone();
        let working = tokio::task::spawn_blocking(move || {
            // Also when nobody waits any more: the decoder is still at work.
            let _place = place;
            work(&execution)
        });
        working.await.map_err(Problem::internal)
    }
}

/// Why the engine had nothing to give.
pub(super) fn refusal(error: &Error) -> Problem {
    match error.kind() {
        ErrorKind::Undecodable => Problem::not_found("picture"),
        ErrorKind::InvalidOptions => Problem::invalid(
            ["width", "height"].map(|side| FieldError::new(side, "must be 2 to 16384")).into(),
        ),
        _ if error.retryable() => Problem::unavailable("the picture cannot be decoded now", 5).cause(error),
        _ => Problem::new(StatusCode::CONFLICT, "not-decodable", "The content cannot be decoded")
            .detail(error.message())
            .cause(error),
    }
}
