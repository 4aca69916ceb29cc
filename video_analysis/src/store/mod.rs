//! Features that outlive their analysis, so that the next one of the same bytes need not decode.
//!
//! A folder of files, one for what two analyses must have in common to share features. Any number of processes may use it: a
//! file is written aside and renamed, so it is there whole or not at all, and one that is gone is decoded again. Nothing
//! is synced: a file that a crash of the machine spoilt fails its checksum and is removed.

mod file;
pub(crate) mod record;
mod stretches;

use std::collections::BTreeSet;
use std::fs::{DirBuilder, DirEntry, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use sha2::{Digest as _, Sha256};

use crate::features::{Footage, Room, Sound};
use crate::report::Input;
pub(crate) use record::Kept;
pub(crate) use stretches::{KeptStretch, Stretches};

/// How the names of whole files end, and of those that are being written.
const WHOLE: &str = ".features";
/// The same of stretches of a film that is not whole yet.
const STRETCH: &str = ".stretch";
const PART: &str = ".part";
/// What has not been written to for so long belongs to a process that died.
const ABANDONED_AFTER: Duration = Duration::from_hours(1);

/// A bounded folder of features; what was used longest ago goes first. Clones mean the same folder.
///
/// A report made from it has the same bytes as one made by decoding. It is keyed by the content's digest, the versions of
/// engine and decoder, and the analysed streams; the thresholds of detectors do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureCache {
    directory: PathBuf,
    max_bytes: u64,
}

/// What features belong to.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    name: String,
    digest: [u8; 32],
}

impl Key {
    /// `video` and `audio` are the streams that are analysed.
    pub(crate) fn new(input: &Input, decoder: &str, video: Option<u32>, audio: &[u32]) -> Self {
        let Input { sha256, bytes } = input;
        let of = (file::FORMAT, env!("CARGO_PKG_VERSION"), decoder, sha256, bytes, video, audio);
        let digest: [u8; 32] = Sha256::digest(format!("{of:?}")).into();
        // The size comes first, for who does not know the digest yet.
        let name = format!("{bytes}-{sha256}-{}{WHOLE}", hex::encode(digest.get(..8).unwrap_or_default()));
        Self { name, digest }
    }
}

impl FeatureCache {
    /// Features in `directory`, which is made when it is needed: at most `max_bytes` of them.
    #[must_use]
    pub fn new(directory: PathBuf, max_bytes: u64) -> Self {
        Self { directory, max_bytes }
    }

    /// Removes what is too much, and what processes left that were killed.
    ///
    /// # Errors
    /// When the folder can be neither made nor read.
    pub fn tidy(&self) -> io::Result<()> {
        self.make()?;
        let mut whole = Vec::new();
        for entry in self.entries()? {
            // Another process may have removed it meanwhile.
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if has_ending(&entry, WHOLE) || has_ending(&entry, STRETCH) {
                whole.push((modified, entry.path(), metadata.len()));
            } else if has_ending(&entry, PART) && modified.elapsed().is_ok_and(|age| age > ABANDONED_AFTER) {
                remove(&entry.path());
            }
        }
        whole.sort();
        let mut total: u64 = whole.iter().map(|(.., bytes)| bytes).sum();
        for (_, path, bytes) in whole {
            if total <= self.max_bytes {
                break;
            }
            remove(&path);
            total -= bytes;
        }
        Ok(())
    }

    /// The SHA-256 digests, in hexadecimal, of the contents of which there are features.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn digests(&self) -> io::Result<BTreeSet<String>> {
        Ok(self.entries()?.filter_map(|entry| digest_of(&entry)).collect())
    }

    /// Removes all features of a content.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn forget(&self, sha256: &str) -> io::Result<()> {
        let of_it = |entry: &DirEntry| digest_of(entry).is_some_and(|digest| digest == sha256);
        self.entries()?.filter(of_it).for_each(|entry| remove(&entry.path()));
        Ok(())
    }

    /// Whether there are features of any content of this size.
    pub(crate) fn has_any_of_size(&self, bytes: u64) -> bool {
        let begins = format!("{bytes}-");
        self.entries().is_ok_and(|mut entries| {
            entries.any(|entry| entry.file_name().to_string_lossy().starts_with(&begins))
        })
    }

    /// What is kept; nothing where that is not usable.
    pub(crate) fn load(&self, key: &Key, room: &Room) -> Kept {
        let path = self.directory.join(&key.name);
        let read = File::open(&path).and_then(|file| {
            let kept = file::read(&file, &key.digest, |mut input| record::read(&mut input, room))?;
            mark_used(&file);
            Ok(kept)
        });
        usable(read, &path).unwrap_or_default()
    }

    /// Keeps features in place of what was there. That it fails is no reason for an analysis to fail.
    pub(crate) fn keep(&self, key: &Key, footage: Option<&Footage>, sounds: Option<&[Sound]>) {
        self.put(&key.name, &key.digest, |mut out| record::write(&mut out, footage, sounds));
    }

    /// Has a file written aside and renamed; whether it is there.
    fn put(
        &self,
        name: &str,
        digest: &[u8; 32],
        features: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> bool {
        let kept = self.make().and_then(|()| {
            let part = tempfile::Builder::new().prefix(name).suffix(PART).tempfile_in(&self.directory)?;
            file::write(part.as_file(), digest, self.max_bytes, features)?;
            part.persist(self.directory.join(name))?;
            self.tidy()
        });
        kept.inspect_err(|error| log::warn!("features are not kept file={name} cause=\"{error}\"")).is_ok()
    }

    fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)
    }

    fn entries(&self) -> io::Result<impl Iterator<Item = DirEntry>> {
        Ok(std::fs::read_dir(&self.directory)?.filter_map(Result::ok))
    }
}

/// What was read, where something was. A file that is no use is removed.
fn usable<T>(read: io::Result<T>, path: &Path) -> Option<T> {
    match read {
        Ok(kept) => return Some(kept),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if is_of_the_machine(&error) => {
            log::warn!("features are not read file={} cause=\"{error}\"", path.display());
        }
        Err(error) => {
            log::warn!("features are unusable and removed file={} cause=\"{error}\"", path.display());
            remove(path);
        }
    }
    None
}

/// Whether the machine has no room, and nothing is wrong with the file.
fn is_of_the_machine(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | PermissionDenied)
}

fn has_ending(entry: &DirEntry, ending: &str) -> bool {
    entry.file_name().to_string_lossy().ends_with(ending)
}

fn digest_of(entry: &DirEntry) -> Option<String> {
    let name = entry.file_name().into_string().ok()?;
    let stem = name.strip_suffix(WHOLE).or_else(|| name.strip_suffix(STRETCH))?;
    let digest = stem.split('-').nth(1)?;
    (digest.len() == 64).then(|| digest.to_owned())
}

/// Its time of modification is when it was used last.
fn mark_used(file: &File) {
    let special = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let now = Timestamps { last_access: special(UTIME_OMIT), last_modification: special(UTIME_NOW) };
    if let Err(error) = rustix::fs::futimens(file, &now) {
        log::debug!("features are not marked as used cause=\"{error}\"");
    }
}

/// Another process may have been quicker.
fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("features are not removed file={} cause=\"{error}\"", path.display());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
