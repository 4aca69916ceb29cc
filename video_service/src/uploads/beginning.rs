//! How a resumable upload begins: with its row, and the record of its video where there is none.

use std::num::NonZeroU64;

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use entity::video_db::upload::{self, UploadStatus};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    TransactionTrait,
};
use service_kit::problem::Problem;
use uuid::Uuid;

use super::metadata::Metadata;
use super::sender::Sender;
use super::staging;
use crate::content;
use crate::quota;
use crate::state::State;
use crate::videos;
use crate::videos::record::{filename, title, title_of_file};

/// What a client announces.
pub(super) struct Announced {
    /// In bytes.
    pub(super) length: u64,
    /// `Upload-Metadata` as it came, to be told again.
    pub(super) text: String,
    /// What it says.
    pub(super) metadata: Metadata,
}

/// The uploads of `account` that can still become something: those that have expired cannot, swept or not.
pub(crate) fn unfinished(account: Uuid, now: DateTime<Utc>) -> Condition {
    let to_come = upload::COLUMN.status.is_in([UploadStatus::Waiting, UploadStatus::Receiving]);
    let is_open = Condition::all().add(to_come).add(upload::COLUMN.expires_at.gt(now));
    let is_whole = upload::COLUMN.status.eq(UploadStatus::Verifying);
    Condition::all().add(upload::COLUMN.owner_id.eq(account)).add(Condition::any().add(is_open).add(is_whole))
}

/// Writes the row, and the record of the video where there is none.
///
/// # Errors
/// 429 where as many are unfinished as may be, 403 where there is no room for it, 404 where there is no such video.
pub(super) async fn begin(
    state: &State,
    sender: &Sender,
    announced: Announced,
) -> Result<upload::Model, Problem> {
    let Announced { length, text, metadata } = announced;
    let caller = &sender.caller;
    let video_id = match (sender.video, metadata.video_id) {
        (Some(only), Some(other)) if only.id != other => return Err(Problem::not_found("video")),
        (only, given) => only.map(|only| only.id).or(given),
    };
    let media_type = match &metadata.media_type {
        Some(given) => Some(videos::accepted(Some(given))?),
        None => None,
    };
    let filename = metadata.filename.as_deref().and_then(filename);
    let given_title = metadata.title.unwrap_or_else(|| title_of_file(filename.as_deref()));
    let title = title(&given_title)
        .map_err(|reason| Problem::malformed(format!("Upload-Metadata: `title` {reason}")))?;

    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    require_room(&transaction, state, caller.account_id, length, now).await?;
    let (video_id, made_record) = if let Some(id) = video_id {
        (videos::owned(&transaction, id, caller).await?.id, false)
    } else {
        let record = videos::new_record(caller, title, None, now);
        let id = record.id;
        videos::insert(&transaction, &record, state.quota).await?;
        (id, true)
    };
    let row = upload::Model {
        id: Uuid::now_v7(),
        owner_id: caller.account_id,
        video_id,
        made_record,
        replaces_version: sender.video.map(|only| only.version),
        status: UploadStatus::Waiting,
        length: i64::try_from(length).map_err(Problem::internal)?,
        offset: 0,
        hash_state: staging::empty_hash(),
        metadata: text,
        filename,
        media_type,
        analyze: metadata.analyze.unwrap_or(true),
        writer: None,
        reason: None,
        created_at: now,
        updated_at: now,
        expires_at: now + state.uploads.lifetime(),
    };
    upload::Entity::insert(row.clone().into_active_model()).exec_without_returning(&transaction).await?;
    transaction.commit().await?;
    Ok(row)
}

/// Refuses what is too much for the account, by itself or with its other uploads, which begin before or after this one.
async fn require_room(
    transaction: &impl ConnectionTrait,
    state: &State,
    account: Uuid,
    length: u64,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    content::take_turns(transaction, account).await?;
    let count = upload::Entity::find().filter(unfinished(account, now)).count(transaction).await?;
    if count >= state.uploads.max_unfinished_per_account.get() {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-uploads",
            "Too many uploads are unfinished",
        )
        .detail("finish or terminate one, or wait until it expires"));
    }
    if state.quota.room(transaction, account, now).await?.is_some_and(|room| length > room) {
        let limit = state.quota.max_bytes_per_account.map_or(0, NonZeroU64::get);
        return Err(quota::too_many_bytes(limit));
    }
    Ok(())
}
