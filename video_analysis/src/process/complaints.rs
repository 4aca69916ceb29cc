//! What a process says on standard error: read as it comes, and known to be nothing at any moment.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};

/// How much of a decoder's complaints is kept: enough to classify and to log, whatever it is fed.
const KEPT: usize = 16 * 1024;

/// The complaints of one process, which a thread reads away, so that their writer never waits.
pub(super) struct Complaints {
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

struct Shared {
    pipe: File,
    /// Held while something is taken from the pipe: what is in neither was not said.
    kept: Mutex<Vec<u8>>,
}

impl Complaints {
    pub(super) fn of(pipe: ChildStderr) -> Self {
        let shared = Arc::new(Shared { pipe: OwnedFd::from(pipe).into(), kept: Mutex::default() });
        let of_thread = Arc::clone(&shared);
        let reader = std::thread::spawn(move || {
            if let Err(error) = of_thread.read_away() {
                log::debug!("decoder's complaints are incomplete error={error}");
            }
        });
        Self { shared, reader }
    }

    /// Whether nothing at all was said up to now.
    pub(super) fn are_none(&self) -> bool {
        let kept = self.shared.lock();
        kept.is_empty() && rustix::io::ioctl_fionread(&self.shared.pipe).is_ok_and(|waiting| waiting == 0)
    }

    /// The beginning of all of them, once the process has ended.
    pub(super) fn finish(self) -> Vec<u8> {
        // A reader that died has kept what it had.
        drop(self.reader.join());
        std::mem::take(&mut *self.shared.lock())
    }
}

impl Shared {
    fn read_away(&self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let mut kept = self.lock();
            match (&self.pipe).read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    let room = KEPT - kept.len();
                    kept.extend(buffer.iter().take(read.min(room)));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
