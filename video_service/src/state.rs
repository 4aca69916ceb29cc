//! What handlers work with.

use chrono::TimeDelta;
use sea_orm::DatabaseConnection;
use service_kit::clock::SharedClock;

use crate::auth::Standing;
use crate::blobs::BlobStore;
use crate::quota::Quota;
use crate::receiving::Receiving;
use crate::settings::{EventSettings, UploadSettings};
use crate::uploads::Tickets;
use crate::worker::AnalysisWorkers;

/// Shared by all handlers.
#[derive(Clone)]
pub(crate) struct State {
    /// Records.
    pub(crate) db: DatabaseConnection,
    /// The same, for handlers that only read: this thread's own connections.
    pub(crate) reader: DatabaseConnection,
    /// Bytes.
    pub(crate) blobs: BlobStore,
    /// The workers of this process; none where it only serves.
    pub(crate) workers: AnalysisWorkers,
    /// The time.
    pub(crate) clock: SharedClock,
    /// Streams of events.
    pub(crate) events: EventSettings,
    /// How long deleted videos can be restored; not at all where it is zero.
    pub(crate) trash_window: TimeDelta,
    /// Uploads.
    pub(crate) uploads: UploadSettings,
    /// How much an account may keep.
    pub(crate) quota: Quota,
    /// Upload tickets.
    pub(crate) tickets: Tickets,
    /// How accounts stand.
    pub(crate) standing: Standing,
    /// The requests that bring bytes.
    pub(crate) receiving: Receiving,
}
