//! What handlers work with.

use sea_orm::DatabaseConnection;
use service_kit::clock::SharedClock;

use crate::blobs::BlobStore;
use crate::settings::EventSettings;
use crate::worker::AnalysisWorkers;

/// Shared by all handlers.
#[derive(Clone)]
pub(crate) struct State {
    /// Records.
    pub(crate) db: DatabaseConnection,
    /// Bytes.
    pub(crate) blobs: BlobStore,
    /// The workers of this process; none where it only serves.
    pub(crate) workers: AnalysisWorkers,
    /// The time.
    pub(crate) clock: SharedClock,
    /// Streams of events.
    pub(crate) events: EventSettings,
    /// Largest upload.
    pub(crate) max_upload_bytes: u64,
}
