//! When to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Waits until the operator asks the process to end: SIGTERM, or SIGINT from a terminal.
///
/// # Errors
/// When the signals cannot be listened to.
pub async fn requested() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => log::info!("stopping signal=SIGTERM"),
        _ = interrupt.recv() => log::info!("stopping signal=SIGINT"),
    }
    Ok(())
}
