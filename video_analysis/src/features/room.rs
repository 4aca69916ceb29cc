//! Room for features: some of it in memory, the rest in a file that has no name, so that nothing is left of it however
//! the process ends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Frame, packed};
use crate::execution::Execution;
use crate::numeric::len;

/// Pictures that are written and read together: some 200 KB, which no system call is too dear for.
const CHUNK: usize = 256;

/// What the decoders of one film share.
pub(crate) struct Room {
    directory: PathBuf,
    /// How many more pictures may stay in memory.
    left: AtomicUsize,
    chunk: usize,
    /// Made when it is needed.
    file: Mutex<Option<Arc<File>>>,
    /// Where the next chunk goes.
    end: AtomicU64,
}

/// Pictures in a file, which is gone with the last that is in it.
#[derive(Debug, Clone)]
pub(super) struct Shelved {
    file: Arc<File>,
    offset: u64,
    bytes: usize,
}

impl Room {
    pub(crate) fn new(execution: &Execution) -> Self {
        let in_memory = execution.pictures_in_memory;
        Self {
            directory: execution.temporary.clone(),
            left: AtomicUsize::new(in_memory),
            // Where little may be in memory, little is written and read at once.
            chunk: CHUNK.min(in_memory).max(1),
            file: Mutex::new(None),
            end: AtomicU64::new(0),
        }
    }

    /// How many pictures are to be kept at once.
    pub(super) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Whether some pictures may stay in memory.
    pub(super) fn take(&self, pictures: usize) -> bool {
        let less = |left: usize| left.checked_sub(pictures);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    pub(super) fn shelve(&self, frames: &[Frame]) -> io::Result<Shelved> {
        let mut bytes = Vec::new();
        for frame in frames {
            packed::pack(frame, &mut bytes);
        }
        let file = self.file()?;
        let offset = self.end.fetch_add(len(bytes.len()), Ordering::Relaxed);
        file.write_all_at(&bytes, offset)?;
        Ok(Shelved { file, offset, bytes: bytes.len() })
    }

    fn file(&self) -> io::Result<Arc<File>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.as_ref() {
            return Ok(Arc::clone(file));
        }
        let new = Arc::new(tempfile::tempfile_in(&self.directory)?);
        *file = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl Shelved {
    /// Reads the pictures back in place of what `frames` has. `bytes` is only there not to be allocated anew.
    pub(super) fn read(&self, frames: &mut Vec<Frame>, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.resize(self.bytes, 0);
        self.file.read_exact_at(bytes, self.offset)?;
        frames.clear();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            frames.push(packed::unpack(&mut rest).ok_or(io::ErrorKind::InvalidData)?);
        }
        Ok(())
    }
}
