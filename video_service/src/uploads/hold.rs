//! Taking an upload over: the request that came last holds it.
//!
//! Whoever wants an upload writes its name into the row, and waits for the lock. The holder looks at the row, finds
//! another name, records what it has, and lets go; a dead one has lost the lock with its life. So nobody is told to come
//! back later because of a connection that is dead at the other end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::video_db::upload::{self, UploadStatus};
use sea_orm::sea_query::Expr;
use sea_orm::{DbErr, EntityTrait, QueryFilter};
use service_kit::problem::Problem;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::finish::fail;
use super::loss::{LOST, is_lost};
use super::protocol;
use super::sender::Sender;
use super::staging::Lock;
use crate::state::State;

/// How often a holder looks whether somebody else wants the upload, and who waits, whether it is free.
pub(super) const GLANCE: Duration = Duration::from_millis(250);
/// How long a holder may take to let go: it writes out what it has.
const PATIENCE: Duration = Duration::from_secs(20);

/// An upload that this request holds.
pub(super) struct Hold {
    pub(super) row: upload::Model,
    pub(super) lock: Arc<Lock>,
}

/// An upload, wanted.
pub(super) enum Seized {
    /// It can be written.
    Open(Hold),
    /// It is ready or has failed: nobody writes to it any more.
    Ended(upload::Model),
}

/// The upload `id` of `sender`.
///
/// # Errors
/// 404 where there is none, or it is somebody else's.
pub(super) async fn owned(state: &State, id: Uuid, sender: &Sender) -> Result<upload::Model, Problem> {
    upload::Entity::find_by_id(id)
        .filter(upload::COLUMN.owner_id.eq(sender.caller.account_id))
        .one(&state.db)
        .await?
        .filter(|row| sender.video.is_none_or(|only| only.id == row.video_id))
        .ok_or_else(|| Problem::not_found("upload"))
}

/// What an upload is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be continued, which nobody can who comes too late.
    Continue,
    /// To be removed.
    Remove,
}

/// Takes an upload, from whoever holds it.
///
/// # Errors
/// 404, 410 where it has expired, 423 where another request came later still.
pub(super) async fn seize(state: &State, row: upload::Model, purpose: Purpose) -> Result<Seized, Problem> {
    if has_ended(&row, purpose, state.clock.now())? {
        return Ok(Seized::Ended(row));
    }
    let name = Uuid::new_v4();
    let named = upload::Entity::update_many()
        .filter(upload::COLUMN.id.eq(row.id))
        .col_expr(upload::Column::Writer, Expr::value(name))
        .exec(&state.db)
        .await?;
    if named.rows_affected == 0 {
        return Err(Problem::not_found("upload"));
    }
    let lock = wait_for_lock(lock_path(state, row.id)).await?;
    // What the one before has done is in the row by now.
    let row = upload::Entity::find_by_id(row.id).one(&state.db).await?;
    let row = row.ok_or_else(|| Problem::not_found("upload"))?;
    if has_ended(&row, purpose, state.clock.now())? {
        return Ok(Seized::Ended(row));
    }
    if row.writer != Some(name) {
        return Err(protocol::taken_over());
    }
    let hold = Hold { row, lock: Arc::new(lock) };
    if is_lost(&state.blobs, &hold.row).await {
        log::error!("the bytes of an upload are lost upload={} bytes={}", hold.row.id, hold.row.offset);
        return fail(state, hold, LOST.to_owned()).await.map(Seized::Ended);
    }
    Ok(Seized::Open(hold))
}

/// Whether nobody writes to an upload any more.
fn has_ended(row: &upload::Model, purpose: Purpose, now: DateTime<Utc>) -> Result<bool, Problem> {
    let is_late = purpose == Purpose::Continue && row.expires_at <= now;
    match row.status {
        UploadStatus::Ready | UploadStatus::Failed => Ok(true),
        UploadStatus::Expired => Err(protocol::gone()),
        UploadStatus::Waiting | UploadStatus::Receiving if is_late => Err(protocol::gone()),
        UploadStatus::Waiting | UploadStatus::Receiving | UploadStatus::Verifying => Ok(false),
    }
}

async fn wait_for_lock(path: PathBuf) -> Result<Lock, Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let wanted = path.clone();
        let taken = tokio::task::spawn_blocking(move || Lock::try_take(&wanted)).await;
        if let Some(lock) = taken.map_err(Problem::internal)?.map_err(Problem::internal)? {
            return Ok(lock);
        }
        if Instant::now() >= deadline {
            return Err(Problem::unavailable("the upload is being written to", 1));
        }
        sleep(GLANCE / 5).await;
    }
}

/// The folder of the blob store in which bytes are gathered.
pub(crate) const STAGING: &str = "uploads";

/// Where the bytes are gathered, as a key of the blob store.
pub(super) fn staging_key(id: Uuid) -> String {
    format!("{STAGING}/{id}")
}

pub(super) fn lock_path(state: &State, id: Uuid) -> PathBuf {
    state.blobs.local_path(&format!("{STAGING}/{id}.lock"))
}

impl Hold {
    /// Whether nobody else wants the upload. While the database cannot say, nobody does.
    pub(super) async fn is_undisputed(&self, state: &State) -> bool {
        let row = upload::Entity::find_by_id(self.row.id).one(&state.db).await;
        row.map_or(true, |row| row.is_some_and(|row| row.writer == self.row.writer))
    }

    /// Records how far the upload is. The bytes must be on the disk.
    pub(super) async fn record(
        &mut self,
        state: &State,
        offset: i64,
        hash_state: Vec<u8>,
    ) -> Result<(), DbErr> {
        let now = state.clock.now();
        let status =
            if offset == self.row.length { UploadStatus::Verifying } else { UploadStatus::Receiving };
        let expires_at = now + state.uploads.lifetime();
        upload::Entity::update_many()
            .filter(upload::COLUMN.id.eq(self.row.id))
            .col_expr(upload::Column::Offset, Expr::value(offset))
            .col_expr(upload::Column::HashState, Expr::value(hash_state.clone()))
            .col_expr(upload::Column::Status, Expr::value(status))
            .col_expr(upload::Column::UpdatedAt, Expr::value(now))
            .col_expr(upload::Column::ExpiresAt, Expr::value(expires_at))
            .exec(&state.db)
            .await?;
        self.row =
            upload::Model { offset, hash_state, status, updated_at: now, expires_at, ..self.row.clone() };
        Ok(())
    }

    /// Lets go of an upload for good, with what is left of it on the disk.
    pub(super) async fn remove_files(self, state: &State) {
        state.blobs.discard([staging_key(self.row.id)]).await;
        let id = self.row.id;
        match tokio::task::spawn_blocking(move || self.lock.remove()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::error!("lock left behind upload={id} cause=\"{error}\""),
            Err(error) => log::error!("lock left behind upload={id} cause=\"{error}\""),
        }
    }
}
