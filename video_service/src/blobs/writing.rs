//! Bytes of a sender, on their way into the store: bounded, hashed and written a part at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::{MultipartUpload, PutPayload};
use sha2::{Digest, Sha256};

use crate::digests::Check;
use crate::speed::Speed;

/// How much is gathered before it is hashed and written, in bytes: large enough that a write's cost is the disk's,
/// small enough that many uploads at a time stay small.
const PART: usize = 1024 * 1024;

/// What has been gathered is written after so long, too: of a slow sender as well it can be told that it lives.
const WRITTEN_AFTER: Duration = Duration::from_mins(1);

/// How long a sender may send nothing before it is taken for gone.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// What is taken from a sender.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most bytes.
    pub max_bytes: u64,
    /// The lowest speed.
    pub min_bytes_per_second: u64,
}

/// Why nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E> {
    /// More bytes came than are allowed.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// Nothing came for too long, or too little.
    #[error("too little came")]
    TooSlow,
    /// The sender stopped, or broke off.
    #[error("interrupted: {0}")]
    Interrupted(E),
    /// The store failed.
    #[error("storage: {0}")]
    Storage(#[from] object_store::Error),
}

/// What is computed of bytes while they come.
pub(super) struct Hashes {
    pub(super) sha256: Sha256,
    pub(super) checks: Vec<Check>,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        for check in &mut self.checks {
            check.update(bytes);
        }
    }
}

/// Writes all parts; how many bytes there were, and their hashes.
pub(super) async fn write<S, E>(
    upload: &mut dyn MultipartUpload,
    content: S,
    bounds: Bounds,
    checks: Vec<Check>,
) -> Result<(u64, Hashes), ReceiveError<E>>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    let mut hashes = Hashes { sha256: Sha256::new(), checks };
    let mut content = std::pin::pin!(content);
    let mut bytes = 0_u64;
    let mut part = Vec::new();
    let mut gathered = 0;
    let mut written = Instant::now();
    let mut speed = Speed::new(bounds.min_bytes_per_second, Instant::now());
    loop {
        let next = tokio::time::timeout(IDLE_TIMEOUT, content.next()).await;
        let Some(chunk) = next.map_err(|_| ReceiveError::TooSlow)? else { break };
        let chunk = chunk.map_err(ReceiveError::Interrupted)?;
        gathered += chunk.len();
        bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if bytes > bounds.max_bytes {
            return Err(ReceiveError::TooLarge(bounds.max_bytes));
        }
        speed.add(chunk.len());
        if speed.is_too_low(Instant::now()) {
            return Err(ReceiveError::TooSlow);
        }
        part.push(chunk);
        if gathered >= PART || written.elapsed() >= WRITTEN_AFTER {
            (gathered, written) = (0, Instant::now());
            hashes = write_part(upload, hashes, std::mem::take(&mut part)).await?;
        }
    }
    Ok((bytes, write_part(upload, hashes, part).await?))
}

/// Hashes and writes a part at the same time, neither on the thread that answers requests.
async fn write_part(
    upload: &mut dyn MultipartUpload,
    mut hashes: Hashes,
    part: Vec<Bytes>,
) -> object_store::Result<Hashes> {
    let hashing = {
        let part = part.clone();
        tokio::task::spawn_blocking(move || {
            for chunk in &part {
                hashes.update(chunk);
            }
            hashes
        })
    };
    let (written, hashes) = futures_util::join!(upload.put_part(PutPayload::from_iter(part)), hashing);
    let hashes = hashes.map_err(|source| object_store::Error::JoinError { source })?;
    written.map(|()| hashes)
}
