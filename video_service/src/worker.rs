//! The analysis worker.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use sea_orm::DbErr;
use tokio::sync::watch;

use crate::job::Runner;
use crate::queue::{self, Abandoned, Claim};

/// How often a running job writes its progress, renews its lease and learns that it was canceled: often enough for a
/// bar that moves and a cancel within two seconds, seldom enough not to be felt by the database.
pub const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long stopping waits for jobs to be put back; killing a decoder takes far less.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Look for work: somebody has queued some, or it is time to look.
#[derive(Message)]
#[rtype(result = "()")]
struct LookForWork;

/// The search for work ended.
#[derive(Message)]
#[rtype(result = "()")]
struct SearchEnded(Result<Option<Claim>, DbErr>);

/// The job at hand ended, well or not.
#[derive(Message)]
#[rtype(result = "()")]
struct JobEnded(Result<(), DbErr>);

/// End the job at hand and start no other; answered when the slot is empty.
#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

/// The workers of this process. Clones address the same ones.
#[derive(Clone, Default)]
pub struct AnalysisWorkers(Arc<[Addr<AnalysisWorker>]>);

impl AnalysisWorkers {
    /// Starts one worker a slot, named `<runner.worker>/<slot>`; every one looks for work at once, then whenever it is told to, and every `poll`.
    #[must_use]
    pub fn start(slots: usize, runner: &Runner, poll: Duration) -> Self {
        let named = |slot| Runner { worker: format!("{}/{slot}", runner.worker), ..runner.clone() };
        Self((0..slots).map(|slot| AnalysisWorker::new(named(slot), poll).start()).collect())
    }

    /// Says that there is work. Only a hint: what it is about is in the database already.
    pub fn wake(&self) {
        for worker in self.0.iter() {
            worker.do_send(LookForWork);
        }
    }

    /// Whether every worker lives.
    #[must_use]
    pub fn are_alive(&self) -> bool {
        self.0.iter().all(Addr::connected)
    }

    /// Ends the jobs at hand, which go back into the queue, and waits until they have.
    pub async fn stop(&self) {
        let stops = self.0.iter().map(|worker| worker.send(Stop).timeout(STOP_TIMEOUT));
        for outcome in futures_util::future::join_all(stops).await {
            if let Err(error) = outcome {
                log::error!("a worker did not stop in time; its job's lease will lapse cause=\"{error}\"");
            }
        }
    }
}

/// Works on one analysis at a time.
///
/// It owns its slot, nothing else: the queue is in the database, the engine runs on a blocking thread, the job is
/// watched over by a task outside the mailbox. Handlers talk to it through [`AnalysisWorkers`]. When it dies, its job's
/// lease lapses and the job is claimed by another worker, or by this process's successor at its start.
struct AnalysisWorker {
    runner: Runner,
    poll: Duration,
    slot: Slot,
    /// Turns true when the service stops; jobs listen to it.
    stopping: watch::Sender<bool>,
    /// Answered when the slot is empty for good.
    stopped: Vec<tokio::sync::oneshot::Sender<()>>,
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// Nothing.
    Idle,
    /// Asking the queue; `again` where it was told meanwhile that there is more.
    Searching { again: bool },
    /// Running a job.
    Busy,
}

impl AnalysisWorker {
    fn new(runner: Runner, poll: Duration) -> Self {
        Self { runner, poll, slot: Slot::Idle, stopping: watch::Sender::new(false), stopped: Vec::new() }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// The slot is empty: look for the next job, or say that there will be none.
    fn next(&mut self, ctx: &mut Context<Self>) {
        self.slot = Slot::Idle;
        if self.is_stopping() {
            self.stopped.drain(..).for_each(|waiting| {
                // Whoever asked may have given up waiting.
                waiting.send(()).unwrap_or_default();
            });
        } else {
            ctx.notify(LookForWork);
        }
    }
}

impl Actor for AnalysisWorker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(LookForWork);
        // A worker that misses its hints still finds its work: other processes' hints do not reach it anyhow.
        ctx.run_interval(self.poll, |_, ctx| ctx.notify(LookForWork));
    }
}

impl Handler<LookForWork> for AnalysisWorker {
    type Result = ();

    fn handle(&mut self, _: LookForWork, ctx: &mut Self::Context) {
        match self.slot {
            Slot::Idle if !self.is_stopping() => {
                self.slot = Slot::Searching { again: false };
                let runner = self.runner.clone();
                let search = async move { SearchEnded(find_work(&runner).await) };
                ctx.spawn(search.into_actor(self).map(|ended, _, ctx| ctx.notify(ended)));
            }
            Slot::Searching { .. } => self.slot = Slot::Searching { again: true },
            Slot::Idle | Slot::Busy => {}
        }
    }
}

impl Handler<SearchEnded> for AnalysisWorker {
    type Result = ();

    fn handle(&mut self, SearchEnded(found): SearchEnded, ctx: &mut Self::Context) {
        let again = self.slot == Slot::Searching { again: true };
        match found {
            Ok(Some(claim)) => {
                self.slot = Slot::Busy;
                let (runner, stopping) = (self.runner.clone(), self.stopping.subscribe());
                let job = async move { JobEnded(runner.run(claim, stopping).await) };
                ctx.spawn(job.into_actor(self).map(|ended, _, ctx| ctx.notify(ended)));
            }
            Ok(None) if again || self.is_stopping() => self.next(ctx),
            Ok(None) => self.slot = Slot::Idle,
            Err(error) => {
                log::error!("no work could be claimed cause=\"{error}\"");
                self.slot = Slot::Idle;
                if self.is_stopping() {
                    self.next(ctx);
                }
            }
        }
    }
}

impl Handler<JobEnded> for AnalysisWorker {
    type Result = ();

    fn handle(&mut self, JobEnded(outcome): JobEnded, ctx: &mut Self::Context) {
        if let Err(error) = outcome {
            log::error!("a job's end could not be written; its lease will lapse cause=\"{error}\"");
        }
        self.next(ctx);
    }
}

impl Handler<Stop> for AnalysisWorker {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) -> Self::Result {
        self.stopping.send_replace(true);
        let (done, stopped) = tokio::sync::oneshot::channel();
        self.stopped.push(done);
        if self.slot == Slot::Idle {
            self.next(ctx);
        }
        Box::pin(async move { stopped.await.unwrap_or_default() })
    }
}

/// Frees what dead workers left, then claims the next job.
async fn find_work(runner: &Runner) -> Result<Option<Claim>, DbErr> {
    let now = runner.clock.now();
    let recovered = queue::recover(&runner.db, Abandoned::LapsedAt(now), runner.max_attempts, now).await?;
    if recovered > 0 {
        log::warn!("leases lapsed count={recovered}");
    }
    queue::claim(&runner.db, &runner.worker, now, runner.lease).await
}
