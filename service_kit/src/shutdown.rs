//! When to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The operator's wishes for an end: SIGTERM, and SIGINT from a terminal. As soon as there is one of these, a signal no
/// longer ends the process but waits here: make it before telling anybody that the service runs.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits until one has arrived, since listening began.
    pub async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => log::info!("stopping signal=SIGTERM"),
            _ = self.interrupt.recv() => log::info!("stopping signal=SIGINT"),
        }
    }
}
