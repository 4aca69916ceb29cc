//! What handlers work with.

use sea_orm::DatabaseConnection;
use service_kit::clock::SharedClock;

use crate::blobs::BlobStore;
use crate::settings::{EventSettings, UploadSettings};
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
    /// Uploads.
    pub(crate) uploads: UploadSettings,
}
