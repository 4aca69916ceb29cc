//! One attempt at one job: runs the engine beside the database and writes what comes of it.

use std::io::Read;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzEncoder;
use futures_util::FutureExt;
use sea_orm::{DatabaseConnection, DbErr};
use service_kit::clock::SharedClock;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use video_analysis::{ErrorKind, Execution, Observer, Options, Progress, Report};

use crate::blobs::BlobStore;
use crate::facts::Facts;
use crate::queue::preview::{self, FirstLook};
use crate::queue::{self, Claim, JobError, Success};
use crate::unnamed;
use crate::worker::HEARTBEAT;

/// What every attempt needs.
#[derive(Clone)]
pub struct Runner {
    /// Where jobs and reports are.
    pub db: DatabaseConnection,
    /// Where videos and posters are.
    pub blobs: BlobStore,
    /// The time.
    pub clock: SharedClock,
    /// Who holds the leases: one name a slot, so that no two slots ever hold one job.
    pub worker: String,
    /// How long a lease lasts without a heartbeat.
    pub lease: Duration,
    /// How long the engine may get no further.
    pub stall: Duration,
    /// Attempts before a retryable failure is final.
    pub max_attempts: u32,
    /// Before the second attempt.
    pub retry_backoff: Duration,
    /// How the engine runs.
    pub execution: Execution,
    /// Content of at least so many bytes is looked at before it is analysed.
    pub preview_min_bytes: u64,
}

/// What the engine made of a video.
struct Outcome {
    report: Report,
    /// Canonical JSON, compressed.
    curves: Vec<u8>,
    poster: Option<Vec<u8>>,
}

/// Why an attempt has no outcome.
enum Failure {
    /// The engine said so.
    Engine(video_analysis::Error),
    /// The engine got no further for so long.
    Stalled(Duration),
    /// The engine panicked: our fault, and the precise reason is in the log.
    Panic(String),
    /// The job's options are not what this version understands.
    Options(String),
    /// What the engine made could not be kept.
    Unwritten(String),
}

/// How the engine talks with the task that watches over it.
#[derive(Default)]
struct Wire {
    progress: Mutex<Option<Progress>>,
    /// Of the first look, whose progress is not that of the analysis.
    looking: Mutex<Option<Progress>>,
    canceled: AtomicBool,
}

impl Wire {
    fn last_progress(&self) -> Option<Progress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What changes while the engine gets further.
    fn position(&self) -> Position {
        (*self.looking.lock().unwrap_or_else(PoisonError::into_inner), self.last_progress())
    }
}

/// How far the first look and the analysis are.
type Position = (Option<Progress>, Option<Progress>);

/// The wire during the first look.
struct Looking<'a>(&'a Wire);

impl Observer for Looking<'_> {
    fn progress(&self, progress: Progress) {
        *self.0.looking.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn is_canceled(&self) -> bool {
        self.0.is_canceled()
    }
}

/// Watches for an engine that gets no further. A slow one that does is left alone, however long it takes.
struct Standstill {
    limit: Duration,
    last: Position,
    since: Instant,
    reached: bool,
}

impl Standstill {
    fn new(limit: Duration) -> Self {
        Self { limit, last: (None, None), since: Instant::now(), reached: false }
    }

    fn is_reached(&mut self, position: Position) -> bool {
        if position != self.last {
            (self.last, self.since) = (position, Instant::now());
        }
        self.reached |= self.since.elapsed() >= self.limit;
        self.reached
    }
}

impl Observer for Wire {
    fn progress(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::Relaxed)
    }
}

impl Runner {
    /// Runs a claimed job to its end, or until `stopping` turns true, the lease is lost or the attempt fails.
    ///
    /// # Errors
    /// When the database fails; the job's lease then lapses and another worker takes it.
    pub async fn run(&self, claim: Claim, mut stopping: watch::Receiver<bool>) -> Result<(), DbErr> {
        let job = claim.analysis.id;
        log::info!("analysis started analysis={job} attempt={}", claim.analysis.attempts);
        let wire = Arc::new(Wire::default());
        let (shown, look) = oneshot::channel();
        // Ended, it has nothing to say any more.
        let mut look = pin!(look.fuse());
        // A database that cannot say is no reason to do without the analysis.
        let wants_look = self.wants_look(&claim).await.unwrap_or(false);
        let mut engine = {
            let (wire, input) = (Arc::clone(&wire), self.blobs.local_path(&claim.blob_key));
            let (options, execution) = (claim.analysis.options.clone(), self.execution.clone());
            tokio::task::spawn_blocking(move || {
                if wants_look && let Some(look) = first_look(&input, &execution, &wire) {
                    // Nobody waits for it where the service stops.
                    shown.send(look).unwrap_or_default();
                }
                let options: Options =
                    serde_json::from_value(options).map_err(|error| Failure::Options(error.to_string()))?;
                analyze(&input, &options, &execution, &wire).map_err(Failure::Engine)
            })
        };

        let mut standstill = Standstill::new(self.stall);
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let outcome = loop {
            tokio::select! {
                outcome = &mut engine => break outcome,
                Ok(look) = &mut look => self.show(job, look).await,
                _ = beat.tick() => {
                    if !self.keep(job, &wire).await || standstill.is_reached(wire.position()) {
                        wire.canceled.store(true, Ordering::Relaxed);
                    }
                }
                _ = stopping.wait_for(|stopping| *stopping), if !wire.is_canceled() => {
                    wire.canceled.store(true, Ordering::Relaxed);
                }
            }
        };
        let outcome = match outcome.unwrap_or_else(|panic| Err(Failure::Panic(panic.to_string()))) {
            Err(Failure::Engine(error)) if error.kind() == ErrorKind::Canceled && standstill.reached => {
                Err(Failure::Stalled(self.stall))
            }
            outcome => outcome,
        };
        self.write(&claim, outcome, *stopping.borrow()).await
    }

    /// Whether a first look is worth its time: not at what is analysed as soon, or has been before.
    async fn wants_look(&self, claim: &Claim) -> Result<bool, DbErr> {
        let Claim { analysis, blob_key } = claim;
        let bytes = self.blobs.size(blob_key).await.unwrap_or_default();
        Ok(bytes >= self.preview_min_bytes
            && preview::of(&self.db, analysis.id).await?.is_none()
            && queue::newest_succeeded(&self.db, analysis.video_id, analysis.version).await?.is_none())
    }

    /// Keeps a first look for whoever asks. Without it the analysis is as good.
    async fn show(&self, job: uuid::Uuid, look: FirstLook) {
        if let Err(error) = preview::show(&self.db, job, &self.worker, look, self.clock.now()).await {
            log::warn!("preview is not kept analysis={job} cause=\"{error}\"");
        }
    }

    /// Renews the lease. Only a database that says so makes a job lost; one that cannot be asked does not.
    async fn keep(&self, job: uuid::Uuid, wire: &Wire) -> bool {
        let progress = wire.last_progress();
        let now = self.clock.now();
        match queue::heartbeat(&self.db, job, &self.worker, progress, now, self.lease).await {
            Ok(kept) => kept,
            Err(error) => {
                log::warn!("heartbeat failed analysis={job} cause=\"{error}\"");
                true
            }
        }
    }

    async fn write(
        &self,
        claim: &Claim,
        outcome: Result<Outcome, Failure>,
        stopping: bool,
    ) -> Result<(), DbErr> {
        let job = claim.analysis.id;
        let outcome = match outcome {
            Ok(outcome) => self.write_report(claim, outcome).await,
            Err(failure) => Err(failure),
        };
        let error = match outcome {
            Ok(()) => return Ok(()),
            Err(Failure::Engine(error)) if error.kind() == ErrorKind::Canceled => {
                if stopping {
                    queue::release(&self.db, job, &self.worker, self.clock.now()).await?;
                }
                log::info!("analysis stopped analysis={job} released={stopping}");
                return Ok(());
            }
            // The video may have been deleted under the engine: then its complaint is about nothing.
            Err(_) if !self.keep(job, &Wire::default()).await => {
                log::info!("analysis ended for nobody analysis={job}");
                return Ok(());
            }
            Err(failure) => failure.into_job_error(job),
        };
        let attempts_left = claim.analysis.attempts < i32::try_from(self.max_attempts).unwrap_or(i32::MAX);
        let retry_after = (error.retryable && attempts_left)
            .then(|| queue::backoff(self.retry_backoff, claim.analysis.attempts));
        queue::fail(&self.db, job, &self.worker, &error, retry_after, self.clock.now()).await
    }

    async fn write_report(&self, claim: &Claim, outcome: Outcome) -> Result<(), Failure> {
        let job = claim.analysis.id;
        let body = outcome.report.canonical_json().map_err(Failure::Engine)?;
        let body = String::from_utf8(body).map_err(|error| Failure::Unwritten(format!("report: {error}")))?;
        let poster_key = match outcome.poster {
            Some(jpeg) => {
                // Each attempt has its own: another may end while this one does.
                let key = format!("posters/{job}-{}.jpg", claim.analysis.attempts);
                let kept = unnamed::write_down(&self.db, [&key], self.clock.now()).await;
                kept.map_err(|error| Failure::Unwritten(format!("database: {error}")))?;
                let kept = self.blobs.put(&key, jpeg).await;
                kept.map_err(|error| Failure::Unwritten(format!("poster: {error}")))?;
                Some(key)
            }
            None => None,
        };
        let now = self.clock.now();
        let frames = outcome.report.frames;
        let success = Success {
            video_id: claim.analysis.video_id,
            report: body,
            curves: outcome.curves,
            frames,
            poster_key: poster_key.clone(),
            facts: Facts::of(&outcome.report),
        };
        let succeeded = queue::succeed(&self.db, job, &self.worker, success, now).await;
        if succeeded.map_err(|error| Failure::Unwritten(format!("database: {error}")))? {
            log::info!("analysis succeeded analysis={job} frames={frames}");
        } else {
            log::info!("analysis finished for nobody analysis={job}");
            unnamed::remove(&self.db, &self.blobs, poster_key.as_slice()).await;
        }
        Ok(())
    }
}

/// A first look at the keyframes. What is wrong with the file the analysis will say.
fn first_look(input: &std::path::Path, execution: &Execution, wire: &Wire) -> Option<FirstLook> {
    let (preview, board) = video_analysis::preview(input, execution, &Looking(wire)).ok()?;
    let body = String::from_utf8(preview.canonical_json().ok()?).ok()?;
    Some(FirstLook { body, sprites: board.sprites })
}

/// The report, and the picture that stands for the video where there is one.
fn analyze(
    input: &std::path::Path,
    options: &Options,
    execution: &Execution,
    wire: &Wire,
) -> Result<Outcome, video_analysis::Error> {
    let (report, curves) = video_analysis::analyze_with_curves(input, options, execution, wire)?;
    let poster = match report.poster {
        Some(_) => Some(video_analysis::poster_jpeg(input, &report, execution, wire)?),
        None => None,
    };
    Ok(Outcome { report, curves: compressed(&curves.canonical_json()?), poster })
}

fn compressed(json: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(json, Compression::fast());
    let mut bytes = Vec::new();
    // From memory to memory: nothing can fail.
    encoder.read_to_end(&mut bytes).unwrap_or_default();
    bytes
}

impl Failure {
    /// What the video's owner may know; the rest goes to the log.
    fn into_job_error(self, job: uuid::Uuid) -> JobError {
        match self {
            Self::Engine(error) => {
                log::warn!("analysis failed analysis={job} cause=\"{error}\"");
                JobError {
                    kind: error.code().to_owned(),
                    message: error.message().to_owned(),
                    retryable: error.retryable(),
                }
            }
            Self::Stalled(limit) => {
                log::warn!("analysis stalled analysis={job} seconds={}", limit.as_secs());
                JobError {
                    kind: "stalled".to_owned(),
                    message: "The analysis got no further.".to_owned(),
                    retryable: true,
                }
            }
            Self::Panic(reason) => {
                log::error!("analysis panicked analysis={job} cause=\"{reason}\"");
                JobError {
                    kind: "internal".to_owned(),
                    message: "Something went wrong on our side.".to_owned(),
                    retryable: false,
                }
            }
            Self::Unwritten(reason) => {
                log::error!("analysis cannot be kept analysis={job} cause=\"{reason}\"");
                JobError {
                    kind: ErrorKind::Io.code().to_owned(),
                    message: "What was found could not be stored.".to_owned(),
                    retryable: true,
                }
            }
            Self::Options(reason) => {
                log::error!("analysis has unreadable options analysis={job} cause=\"{reason}\"");
                JobError {
                    kind: ErrorKind::InvalidOptions.code().to_owned(),
                    message: ErrorKind::InvalidOptions.message().to_owned(),
                    retryable: false,
                }
            }
        }
    }
}
