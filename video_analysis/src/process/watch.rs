//! Watches over the processes of one analysis: kills them all when it is canceled, takes too long, or has failed.

use std::process::Child;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{Error, ErrorKind};
use crate::observer::Observer;

/// How often the observer is asked: cancellation is to be felt well within a second.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Why an analysis is stopped from outside its decoders.
#[derive(Debug)]
enum Stop {
    Canceled,
    WallTime,
    Output,
    /// A part of it failed, and with it the whole.
    Failed(Error),
}

/// The processes of one analysis, and whether they are to die.
pub(crate) struct Watch {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// Leaders of process groups, all spawned and none reaped: their numbers cannot have been given to others.
    running: Vec<Pid>,
    stop: Option<Stop>,
    finished: bool,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::default()), wake: Condvar::new() }
    }

    /// Returns after [`Watch::finish`]; meanwhile enforces the deadline and asks the observer. To be run in a thread.
    pub(crate) fn run(&self, deadline: Instant, observer: &dyn Observer) {
        let mut state = self.lock();
        while !state.finished {
            if state.stop.is_none() {
                drop(state);
                // Asked without the lock: the observer is not our code.
                let canceled = observer.is_canceled();
                state = self.lock();
                if canceled {
                    state.kill_all(Stop::Canceled);
                } else if Instant::now() >= deadline {
                    state.kill_all(Stop::WallTime);
                }
            }
            if !state.finished {
                state = self.wake.wait_timeout(state, ASK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Ends [`Watch::run`].
    pub(crate) fn finish(&self) {
        self.lock().finished = true;
        self.wake.notify_all();
    }

    /// The decoders wrote more than they may.
    pub(crate) fn stop_for_output(&self) {
        self.lock().kill_all(Stop::Output);
    }

    /// A part of the analysis failed, and there is no use in the others.
    pub(crate) fn stop_for(&self, failure: &Error) {
        self.lock().kill_all(Stop::Failed(failure.clone()));
    }

    /// Whether the analysis may go on.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.lock().stop {
            None => Ok(()),
            Some(Stop::Failed(failure)) => Err(failure.clone()),
            Some(Stop::Canceled) => Err(Error::new(ErrorKind::Canceled, "canceled by the observer")),
            Some(Stop::WallTime) => Err(Error::new(ErrorKind::LimitsExceeded, "wall time limit")),
            Some(Stop::Output) => Err(Error::new(ErrorKind::LimitsExceeded, "decoded output limit")),
        }
    }

    /// Takes a child under watch; it dies at once when the analysis is already stopped.
    pub(crate) fn add(&self, child: &Child) {
        let pid = pid_of(child);
        let mut state = self.lock();
        state.running.extend(pid);
        if state.stop.is_some() {
            state.running.iter().copied().for_each(kill);
        }
    }

    /// Kills a child that is still under watch.
    pub(crate) fn kill(&self, child: &Child) {
        let pid = pid_of(child);
        self.lock().running.iter().copied().filter(|running| Some(*running) == pid).for_each(kill);
    }

    /// Leaves a child alone, which the caller is about to reap.
    pub(crate) fn remove(&self, child: &Child) {
        let pid = pid_of(child);
        self.lock().running.retain(|running| Some(*running) != pid);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn kill_all(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
        self.running.iter().copied().for_each(kill);
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// The only error is that the group is gone already.
fn kill(pid: Pid) {
    if let Err(error) = kill_process_group(pid, Signal::KILL) {
        log::debug!("decoder was gone before it was killed error={error}");
    }
}
