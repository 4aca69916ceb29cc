//! Which worker this process is, across its restarts.
//!
//! A process takes the first free slot in a folder by locking its file, and is the worker whose id the file holds. A
//! process that takes a slot therefore knows that whoever had it before is dead, however it died, and that the jobs
//! leased to that id are its own to pick up at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

/// Most workers that share one data directory.
const SLOTS: usize = 1024;

/// A worker's id, held for as long as this lives.
#[derive(Debug)]
pub struct WorkerIdentity {
    id: String,
    /// Its lock ends with the process.
    _slot: File,
}

impl WorkerIdentity {
    /// Takes the first free slot in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be used, or every slot is taken.
    pub fn take(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for slot in 0..SLOTS {
            let path = folder.join(format!("{slot}.lock"));
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { id: id_in(&mut file)?, _slot: file }),
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other(format!("all {SLOTS} worker slots in {} are taken", folder.display())))
    }

    /// The id, as jobs name their lease's owner.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The id in a slot's file; a new one where there is none yet, or a crash cut it short.
fn id_in(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if let Ok(id) = Uuid::parse_str(&text) {
        return Ok(id.to_string());
    }
    let id = Uuid::new_v4().to_string();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(id.as_bytes())?;
    file.sync_all()?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_comes_back_is_the_same_one() {
        let folder = tempfile::tempdir().unwrap();
        let first = WorkerIdentity::take(folder.path()).unwrap().id().to_owned();
        assert_eq!(WorkerIdentity::take(folder.path()).unwrap().id(), first);
    }

    #[test]
    fn two_workers_at_a_time_are_two() {
        let folder = tempfile::tempdir().unwrap();
        let first = WorkerIdentity::take(folder.path()).unwrap();
        let second = WorkerIdentity::take(folder.path()).unwrap();
        assert_ne!(first.id(), second.id());
    }
}
