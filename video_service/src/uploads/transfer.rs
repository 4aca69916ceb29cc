//! Bytes coming in: one piece of an upload.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sea_orm::DbErr;
use service_kit::problem::Problem;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::hold::{GLANCE, Hold, staging_key};
use super::protocol;
use super::staging::Staging;
use crate::digests::Expected;
use crate::speed::Speed;
use crate::state::State;
use crate::videos::storage_full;

/// How much is gathered before it is written: see `blobs`.
const PART: usize = 1024 * 1024;
/// How much may be lost by a power cut: bytes written and not yet recorded.
const UNRECORDED: u64 = 32 * 1024 * 1024;
/// The same, in time.
const UNRECORDED_FOR: Duration = Duration::from_secs(2);

/// Why a piece ended before its end.
enum Cut {
    /// The client broke off.
    Interrupted,
    /// It sends too slowly.
    TooSlow,
    /// Another request wants the upload.
    TakenOver,
    /// More came than was announced.
    TooMuch,
    /// The disk.
    Storage(std::io::Error),
}

/// Adds what `body` yields to the upload. What came before an interruption counts, unless it had a checksum.
///
/// # Errors
/// Why the piece ended early; 460 where its checksum is another.
pub(super) async fn receive<S, E>(
    state: &State,
    hold: &mut Hold,
    body: S,
    expected: &[Expected],
) -> Result<(), Problem>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    let all_or_nothing = !expected.is_empty();
    let mut writer = Writer::open(state, hold, expected).await?;
    let cut = copy(state, hold, body, &mut writer, !all_or_nothing).await;
    let keep = match &cut {
        Ok(()) => true,
        Err(Cut::Storage(_) | Cut::TooMuch) => false,
        Err(Cut::Interrupted | Cut::TooSlow | Cut::TakenOver) => !all_or_nothing,
    };
    let kept = if keep { writer.keep(state, hold).await } else { Ok(()) };
    // What is not recorded was never there: the next piece begins where this one did. Its bytes go at once, for nobody
    // counts them, and they may be what fills the disk.
    if !keep || kept.is_err() {
        writer.forget(hold.row.id).await;
    }
    kept?;
    cut.map_err(|cut| match cut {
        Cut::Interrupted => Problem::malformed("the upload broke off; it can be continued"),
        Cut::TooSlow => Problem::too_slow(),
        Cut::TakenOver => protocol::taken_over(),
        Cut::TooMuch => Problem::too_large(u64::try_from(hold.row.length).unwrap_or(0)),
        Cut::Storage(error) => storage_failed(&error),
    })
}

async fn copy<S, E>(
    state: &State,
    hold: &mut Hold,
    body: S,
    writer: &mut Writer,
    recording: bool,
) -> Result<(), Cut>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    let mut body = pin!(body);
    let mut glances = tokio::time::interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut speed = Speed::new(state.uploads.min_bytes_per_second, std::time::Instant::now());
    loop {
        tokio::select! {
            chunk = body.next() => {
                let Some(chunk) = chunk else { return Ok(()) };
                let chunk = chunk.map_err(|_| Cut::Interrupted)?;
                speed.add(chunk.len());
                if !writer.gather(chunk) {
                    return Err(Cut::TooMuch);
                }
                if writer.gathered >= PART {
                    writer.flush().await.map_err(Cut::Storage)?;
                }
            }
            _ = glances.tick() => {
                if !hold.is_undisputed(state).await {
                    return Err(Cut::TakenOver);
                }
                if speed.is_too_low(std::time::Instant::now()) {
                    return Err(Cut::TooSlow);
                }
            }
        }
        if recording && writer.is_record_due() {
            writer.flush().await.map_err(Cut::Storage)?;
            let hash_state = writer.sync().await.map_err(Cut::Storage)?;
            if let Err(error) = writer.record(state, hold, hash_state).await {
                // The next record makes up for it; the last one must succeed.
                log::warn!("an upload's progress was not recorded upload={} cause=\"{error}\"", hold.row.id);
            }
        }
    }
}

/// Gathers, writes and records, in this order. While one part is written and hashed, the next is gathered.
struct Writer {
    staging: Arc<Mutex<Staging>>,
    writing: Option<JoinHandle<std::io::Result<()>>>,
    parts: Vec<Bytes>,
    gathered: usize,
    /// Bytes of the upload that are written, or are being.
    written: u64,
    recorded: u64,
    recorded_at: Instant,
    length: u64,
}

impl Writer {
    async fn open(state: &State, hold: &Hold, expected: &[Expected]) -> Result<Self, Problem> {
        let (row, lock) = (&hold.row, Arc::clone(&hold.lock));
        let path = state.blobs.local_path(&staging_key(row.id));
        let number = |value: i64| u64::try_from(value).map_err(Problem::internal);
        let (offset, length) = (number(row.offset)?, number(row.length)?);
        let hash_state = row.hash_state.clone();
        let checks = expected.iter().map(Expected::check).collect();
        let open = move || Staging::open(&path, lock, offset, &hash_state, checks);
        let opened = tokio::task::spawn_blocking(open).await;
        let staging = opened.map_err(Problem::internal)?.map_err(|error| storage_failed(&error))?;
        Ok(Self {
            staging: Arc::new(Mutex::new(staging)),
            writing: None,
            parts: Vec::new(),
            gathered: 0,
            written: offset,
            recorded: offset,
            recorded_at: Instant::now(),
            length,
        })
    }

    /// `false` where it is more than was announced.
    fn gather(&mut self, chunk: Bytes) -> bool {
        self.gathered += chunk.len();
        self.parts.push(chunk);
        let total =
            u64::try_from(self.gathered).map_or(u64::MAX, |gathered| self.written.saturating_add(gathered));
        total <= self.length
    }

    /// Begins to write what is gathered, once what came before is written.
    async fn flush(&mut self) -> std::io::Result<()> {
        self.settle().await?;
        let parts = std::mem::take(&mut self.parts);
        self.written += u64::try_from(std::mem::take(&mut self.gathered)).unwrap_or(u64::MAX);
        self.writing = Some(self.blocking(move |staging| staging.append(&parts)));
        Ok(())
    }

    /// Waits for what is being written.
    async fn settle(&mut self) -> std::io::Result<()> {
        match self.writing.take() {
            Some(writing) => writing.await?,
            None => Ok(()),
        }
    }

    fn is_record_due(&self) -> bool {
        let unrecorded = self.written - self.recorded;
        unrecorded >= UNRECORDED
            || (unrecorded > 0 || self.gathered > 0) && self.recorded_at.elapsed() >= UNRECORDED_FOR
    }

    /// Brings what is written to the disk. Returns the state of the hash.
    async fn sync(&mut self) -> std::io::Result<Vec<u8>> {
        self.settle().await?;
        self.blocking(|staging| staging.sync()).await?
    }

    /// Brings what is on the disk into the row.
    async fn record(&mut self, state: &State, hold: &mut Hold, hash_state: Vec<u8>) -> Result<(), DbErr> {
        let offset = i64::try_from(self.written).unwrap_or(i64::MAX);
        hold.record(state, offset, hash_state).await?;
        (self.recorded, self.recorded_at) = (self.written, Instant::now());
        Ok(())
    }

    /// Writes out, checks and records what has come.
    async fn keep(&mut self, state: &State, hold: &mut Hold) -> Result<(), Problem> {
        self.flush().await.map_err(|error| storage_failed(&error))?;
        let hash_state = self.sync().await.map_err(|error| storage_failed(&error))?;
        if !self.has_its_checksums() {
            return Err(protocol::checksum_mismatch());
        }
        Ok(self.record(state, hold, hash_state).await?)
    }

    /// Gives back the disk's room of what is not recorded.
    async fn forget(&mut self, upload: Uuid) {
        // What could not be written has been told of; here it only must have ended.
        let _ = self.settle().await;
        let recorded = self.recorded;
        let cut = self.blocking(move |staging| staging.cut(recorded)).await;
        if let Err(error) = cut.unwrap_or_else(|error| Err(error.into())) {
            log::error!("bytes of a refused piece left behind upload={upload} cause=\"{error}\"");
        }
    }

    fn has_its_checksums(&self) -> bool {
        self.staging.lock().unwrap_or_else(PoisonError::into_inner).has_its_checksums()
    }

    fn blocking<T, F>(&self, work: F) -> JoinHandle<std::io::Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Staging) -> std::io::Result<T> + Send + 'static,
    {
        let staging = Arc::clone(&self.staging);
        tokio::task::spawn_blocking(move || work(&mut staging.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn storage_failed(error: &std::io::Error) -> Problem {
    storage_full(matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
        .cause(format!("storage: {error}"))
}
