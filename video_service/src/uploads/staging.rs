//! The file in which an upload gathers its bytes, and the hash that goes along.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};

use crate::digests::Check;

/// A staging file, open for appending. Its methods block.
pub(super) struct Staging {
    file: File,
    /// Held for as long as anything may still be written, also on behalf of a request that is gone.
    _lock: Arc<Lock>,
    hash: Sha256,
    /// Of the bytes since it was opened, where the client sent digests of them.
    checks: Vec<Check>,
}

/// The state of the hash of an upload without bytes.
pub(super) fn empty_hash() -> Vec<u8> {
    Sha256::new().serialize().to_vec()
}

impl Staging {
    /// Opens the file at `path` with exactly `offset` bytes: what was written beyond them was never acknowledged.
    pub(super) fn open(
        path: &Path,
        lock: Arc<Lock>,
        offset: u64,
        hash_state: &[u8],
        checks: Vec<Check>,
    ) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        if file.metadata()?.len() < offset {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bytes that were stored are gone"));
        }
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the state of the hash cannot be read");
        let state = SerializedState::<Sha256>::try_from(hash_state).map_err(|_| invalid())?;
        let hash = Sha256::deserialize(&state).map_err(|_| invalid())?;
        Ok(Self { file, _lock: lock, hash, checks })
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        for chunk in chunks {
            self.file.write_all(chunk)?;
            self.hash.update(chunk);
            for check in &mut self.checks {
                check.update(chunk);
            }
        }
        Ok(())
    }

    /// Waits until the bytes are on the disk. Returns the state of the hash.
    pub(super) fn sync(&self) -> io::Result<Vec<u8>> {
        self.file.sync_data()?;
        Ok(self.hash.clone().serialize().to_vec())
    }

    /// Gives back what is beyond the first `bytes`. Nothing is added after that.
    pub(super) fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    /// Whether the piece has the digests that it was sent with.
    pub(super) fn has_its_checksums(&self) -> bool {
        self.checks.iter().all(Check::is_met)
    }
}

/// The SHA-256 of everything, from the state after the last byte.
pub(super) fn digest(hash_state: &[u8]) -> Option<[u8; 32]> {
    let state = SerializedState::<Sha256>::try_from(hash_state).ok()?;
    Some(Sha256::deserialize(&state).ok()?.finalize().into())
}

/// The right to touch an upload's bytes, among all requests and processes of this machine: a lock that ends with its
/// holder, however that ends.
pub(super) struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes it; `None` while somebody else holds it.
    pub(super) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file, path: path.to_owned() })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes the lock's file, once there is nothing left to be locked.
    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digests::Expected;

    fn lock(folder: &Path) -> Arc<Lock> {
        Arc::new(Lock::try_take(&folder.join("lock")).unwrap().unwrap())
    }

    #[test]
    fn a_hash_goes_on_where_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, lock) = (folder.path().join("a"), lock(folder.path()));
        let mut first = Staging::open(&path, Arc::clone(&lock), 0, &empty_hash(), Vec::new()).unwrap();
        first.append(&[Bytes::from_static(b"one "), Bytes::from_static(b"two ")]).unwrap();
        let state = first.sync().unwrap();
        first.append(&[Bytes::from_static(b"never acknowledged")]).unwrap();
        let mut second = Staging::open(&path, lock, 8, &state, Vec::new()).unwrap();
        second.append(&[Bytes::from_static(b"three")]).unwrap();
        let state = second.sync().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one two three");
        assert_eq!(digest(&state).unwrap(), <[u8; 32]>::from(Sha256::digest(b"one two three")));
    }

    #[test]
    fn a_piece_is_told_from_another_by_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let (path, lock) = (folder.path().join("a"), lock(folder.path()));
        for (piece, same) in [("this", true), ("that", false)] {
            let checks = vec![Expected::Sha256(Sha256::digest("this").to_vec()).check()];
            let mut staging = Staging::open(&path, Arc::clone(&lock), 0, &empty_hash(), checks).unwrap();
            staging.append(&[Bytes::from_static(piece.as_bytes())]).unwrap();
            assert_eq!(staging.has_its_checksums(), same);
        }
    }

    #[test]
    fn bytes_that_are_gone_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, lock) = (folder.path().join("a"), lock(folder.path()));
        assert!(Staging::open(&path, lock, 1, &empty_hash(), Vec::new()).is_err());
    }

    #[test]
    fn one_at_a_time_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        Lock::try_take(&path).unwrap().unwrap().remove().unwrap();
        assert!(!path.exists());
    }
}
