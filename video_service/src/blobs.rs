//! Where bytes are kept: uploaded videos and posters, over `object_store`.

mod reading;
mod writing;

use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResultPayload, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
};
use sha2::Digest;

pub use self::writing::{Bounds, ReceiveError};
use self::writing::{Hashes, write};
use crate::digests::Check;

/// Staged bytes that nobody has written to for so long belong to a process that died: a living one gives up after a minute.
const ABANDONED_AFTER: Duration = Duration::from_mins(10);

/// A store of blobs by key. Clones share it.
#[derive(Clone, Debug)]
pub struct BlobStore {
    store: Arc<LocalFileSystem>,
    root: PathBuf,
}

/// Bytes that have been received and that nobody can see yet. Dropped, they are removed.
pub struct Staged {
    upload: Box<dyn MultipartUpload>,
    /// Where they will be.
    pub key: String,
    /// How many there are.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// What else they must have.
    pub checks: Vec<Check>,
}

impl Staged {
    /// Removes them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discard(mut self) -> object_store::Result<()> {
        self.upload.abort().await
    }

    /// Makes them visible under their key. When this returns, the bytes and their name are on the disk.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn publish(&mut self) -> object_store::Result<()> {
        self.upload.complete().await.map(|_| ())
    }
}

/// Bytes that were staged by a process that died.
#[derive(Debug)]
pub struct Abandoned {
    /// Their file.
    pub path: PathBuf,
    /// How many there are.
    pub bytes: u64,
}

impl BlobStore {
    /// The store in a local directory, which is made where it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made or resolved.
    pub fn open(directory: &FilePath) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let root = directory.canonicalize()?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), root })
    }

    /// Receives what `content` yields, within `bounds`, in constant memory, to be published under `key`. `checks` are told of
    /// all bytes, and asked by nobody here.
    ///
    /// On any error, and when the future is dropped, what was written is removed.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub async fn receive<S, E>(
        &self,
        key: &str,
        content: S,
        bounds: Bounds,
        checks: Vec<Check>,
    ) -> Result<Staged, ReceiveError<E>>
    where
        S: Stream<Item = Result<Bytes, E>>,
    {
        let mut upload = self.store.put_multipart(&Path::from(key)).await?;
        match write(upload.as_mut(), content, bounds, checks).await {
            Ok((bytes, Hashes { sha256, checks })) => {
                let sha256 = sha256.finalize().into();
                Ok(Staged { upload, key: key.to_owned(), bytes, sha256, checks })
            }
            Err(error) => {
                upload.abort().await?;
                Err(error)
            }
        }
    }

    /// Stores `content` under `key`, durably.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put(&self, key: &str, content: Vec<u8>) -> object_store::Result<()> {
        self.store.put(&Path::from(key), content.into()).await.map(|_| ())
    }

    /// The bytes of `range`; all of them where it is `None`.
    ///
    /// # Errors
    /// When there is no such blob, or the store fails.
    pub async fn read(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> object_store::Result<BoxStream<'static, object_store::Result<Bytes>>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&Path::from(key), options).await?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => reading::stream(file, found.range),
            GetResultPayload::Stream(stream) => stream,
        })
    }

    /// The blobs in a folder, staged ones not among them.
    #[must_use]
    pub fn list(&self, folder: &str) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list(Some(&Path::from(folder)))
    }

    /// Gives a blob another key, in place of what was there. When this returns, the new name is on the disk.
    ///
    /// # Errors
    /// `NotFound` when there is no such blob; when the store fails.
    pub async fn rename(&self, from: &str, to: &str) -> object_store::Result<()> {
        self.store.rename(&Path::from(from), &Path::from(to)).await
    }

    /// How many bytes a blob has.
    ///
    /// # Errors
    /// When there is no such blob, or the store fails.
    pub async fn size(&self, key: &str) -> object_store::Result<u64> {
        Ok(self.store.head(&Path::from(key)).await?.size)
    }

    /// Whether there is such a blob, as far as can be said.
    pub async fn has(&self, key: &str) -> bool {
        self.size(key).await.is_ok()
    }

    /// Whether there is such a blob of so many bytes, as far as can be said.
    pub async fn has_whole(&self, key: &str, bytes: i64) -> bool {
        self.size(key).await.is_ok_and(|size| i64::try_from(size) == Ok(bytes))
    }

    /// Removes a blob; one that is gone already is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete(&self, key: &str) -> object_store::Result<()> {
        match self.store.delete(&Path::from(key)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes blobs that no record names any more. A failure is the operator's to know, not the client's: its request
    /// is done.
    pub async fn discard(&self, keys: impl IntoIterator<Item = String>) {
        for key in keys {
            if let Err(error) = self.delete(&key).await {
                log::error!("blob left behind key={key} cause=\"{error}\"");
            }
        }
    }

    /// What uploads left that a killed process was receiving.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn abandoned(&self) -> io::Result<Vec<Abandoned>> {
        let folder = self.root.join("videos");
        tokio::task::spawn_blocking(move || staged_in(&folder, ABANDONED_AFTER)).await?
    }

    /// Removes what uploads left that a killed process was receiving. Returns how many.
    ///
    /// # Errors
    /// When the directory cannot be read, or a file not be removed.
    pub async fn sweep(&self) -> io::Result<usize> {
        let abandoned = self.abandoned().await?;
        let files = abandoned.iter().map(|staged| staged.path.clone()).collect::<Vec<_>>();
        tokio::task::spawn_blocking(move || files.iter().try_for_each(std::fs::remove_file)).await??;
        Ok(abandoned.len())
    }

    /// The file that holds a blob, for the engine, which reads files.
    #[must_use]
    pub fn local_path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Whether the store can be written to.
    ///
    /// # Errors
    /// What stands against it.
    pub async fn check(&self) -> object_store::Result<()> {
        let key = format!("checks/{}", uuid::Uuid::new_v4());
        self.put(&key, Vec::new()).await?;
        self.delete(&key).await
    }
}

/// Whether an error says that there is no room left.
#[must_use]
pub fn is_full(error: &object_store::Error) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

/// Staged files of which `age` has passed since the last write. `LocalFileSystem` names a staged file after its key, with
/// `#` and a number.
fn staged_in(folder: &FilePath, age: Duration) -> io::Result<Vec<Abandoned>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut staged = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains('#') {
            let file = entry.metadata()?;
            // One that is of the future is young.
            let idle = file.modified()?.elapsed().unwrap_or_default();
            if idle >= age {
                staged.push(Abandoned { path: entry.path(), bytes: file.len() });
            }
        }
    }
    Ok(staged)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use futures_util::{StreamExt, TryStreamExt, stream};
    use service_kit::clock::{Clock, SystemClock};
    use sha2::Sha256;

    use super::*;

    fn chunks(count: usize) -> impl Stream<Item = Result<Bytes, &'static str>> {
        stream::iter((0..count).map(|_| Ok(Bytes::from(vec![7; 700_000]))))
    }

    fn bounds(max_bytes: u64) -> Bounds {
        Bounds { max_bytes, min_bytes_per_second: 0 }
    }

    fn files_below(folder: &FilePath) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
    }

    #[actix_web::test]
    async fn what_was_stored_is_read_back_whole_and_in_ranges() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let mut staged = store.receive("a/b", chunks(4), bounds(u64::MAX), Vec::new()).await.unwrap();
        assert_eq!(staged.bytes, 2_800_000);
        assert!(store.read("a/b", None).await.is_err(), "not yet published");
        staged.publish().await.unwrap();
        assert_eq!(staged.sha256, <[u8; 32]>::from(Sha256::digest(vec![7; 2_800_000])));
        let range: Vec<Bytes> = store.read("a/b", Some(10..20)).await.unwrap().try_collect().await.unwrap();
        assert_eq!(range.concat(), vec![7; 10]);
        assert_eq!(std::fs::metadata(store.local_path("a/b")).unwrap().len(), 2_800_000);
    }

    #[actix_web::test]
    async fn an_interrupted_upload_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let broken = chunks(2).chain(stream::iter([Err("gone")]));
        let outcome = store.receive("a", broken, bounds(u64::MAX), Vec::new()).await;
        assert!(matches!(outcome, Err(ReceiveError::Interrupted("gone"))));
        assert_eq!(files_below(folder.path()), 0);
    }

    #[actix_web::test]
    async fn an_upload_over_the_limit_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let outcome = store.receive("a", chunks(3), bounds(2_000_000), Vec::new()).await;
        assert!(matches!(outcome, Err(ReceiveError::TooLarge(2_000_000))));
        assert_eq!(files_below(folder.path()), 0);
    }

    #[actix_web::test]
    async fn what_a_killed_process_was_receiving_is_swept_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let videos = folder.path().join("videos");
        store.put("videos/whole", vec![1]).await.unwrap();
        std::fs::write(videos.join("half#1"), [1]).unwrap();
        assert_eq!(store.sweep().await.unwrap(), 0, "somebody may still be writing");
        let long_ago = std::time::SystemTime::from(SystemClock.now()) - ABANDONED_AFTER;
        File::options().write(true).open(videos.join("half#1")).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(store.sweep().await.unwrap(), 1);
        assert_eq!(files_below(folder.path()), 1);
    }

    #[test]
    fn a_full_disk_is_told_from_other_faults() {
        let error = |kind: io::ErrorKind| object_store::Error::Generic {
            store: "test",
            source: Box::new(io::Error::from(kind)),
        };
        assert!(is_full(&error(io::ErrorKind::StorageFull)));
        assert!(!is_full(&error(io::ErrorKind::PermissionDenied)));
    }

    #[actix_web::test]
    async fn deleting_what_is_gone_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        store.check().await.unwrap();
        store.delete("nothing").await.unwrap();
    }
}
