//! New content for a video that is there.

use chrono::{DateTime, Utc};
use entity::video_db::analysis::Priority;
use entity::video_db::video::{self, VideoStatus};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, TransactionTrait,
};
use service_kit::problem::Problem;
use uuid::Uuid;
use video_analysis::Options;

use super::changed_meanwhile;
use crate::content::{self, Arrived};
use crate::facts::Facts;
use crate::queue::{self, EnqueueError, NewJob};
use crate::state::State;
use crate::webhooks::{self, EventType, Subject};

/// What may be replaced, decided in the transaction that replaces it: of two that mean the same content one is too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// Whatever is there.
    Any,
    /// The content of this version, or the lack of any: what a ticket was made for, or a client has seen.
    Version(i32),
    /// What the record was in this revision, which a client has seen.
    Revision(i32),
}

/// A video that has got content, once `transaction` is committed.
pub(crate) struct Replaced {
    pub(crate) transaction: DatabaseTransaction,
    /// The record as it is then.
    pub(crate) video: video::Model,
    /// Blobs that nobody names any more then.
    pub(crate) unnamed: Vec<String>,
}

/// Makes content a video's, and queues its analysis.
///
/// # Errors
/// 404 where there is no such video, 412 where it is not what `replaces` says, 403 where the account's quota is used up.
pub(crate) async fn replace_content(
    state: &State,
    id: Uuid,
    replaces: Replaces,
    content: Arrived,
    analyze: bool,
) -> Result<Replaced, Problem> {
    let now = state.clock.now();
    let db = state.db.begin().await?;
    let before = take(&db, id, replaces).await?;
    // What was found in the old content is not known of the new.
    let before = Facts::default().of_record(before);
    let key = content::keep(&db, &state.blobs, before.owner_id, &content, now).await?;
    // After that, so that equal content in place of equal content is never without a name.
    let released = content::release(&db, before.blob_key.as_ref(), now).await?;
    state.quota.check_bytes(&db, before.owner_id).await?;
    let unneeded = (key != content.key).then(|| content.key.clone());
    let after = video::Model {
        status: VideoStatus::Ready,
        version: before.version + 1,
        filename: content.filename.or(before.filename),
        media_type: Some(content.media_type),
        bytes: Some(content.bytes),
        sha256: Some(hex::encode(content.sha256)),
        blob_key: Some(key),
        updated_at: now,
        ..before
    };
    video::Entity::update(after.clone().into_active_model().reset_all()).exec(&db).await?;
    content::write_version(&db, &after).await?;
    queue::cancel(&db, id, now).await?;
    announce(&db, &after, now).await?;
    if analyze {
        enqueue(&db, &after, now).await?;
    }
    let unnamed = released.into_iter().chain(unneeded).collect();
    Ok(Replaced { transaction: db, video: after, unnamed })
}

/// The record, which nobody else changes until the transaction ends.
async fn take(db: &DatabaseTransaction, id: Uuid, replaces: Replaces) -> Result<video::Model, Problem> {
    // The update comes first: it makes two uploads to one video take turns on PostgreSQL as well.
    let updated = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(id))
        .filter(video::COLUMN.trashed_at.is_null())
        .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
        .exec(db)
        .await?;
    let video = video::Entity::find_by_id(id).one(db).await?;
    let (1, Some(video)) = (updated.rows_affected, video) else {
        return Err(Problem::not_found("video"));
    };
    let is_it = match replaces {
        Replaces::Any => true,
        Replaces::Version(version) => video.version == version,
        Replaces::Revision(revision) => video.revision == revision + 1,
    };
    if is_it { Ok(video) } else { Err(changed_meanwhile()) }
}

/// Tells webhooks that the content of `video` is there.
pub(super) async fn announce(
    db: &impl ConnectionTrait,
    video: &video::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let subject = Subject { video_id: video.id, analysis_id: None };
    webhooks::publish(db, video.owner_id, EventType::VideoReady, subject, now).await
}

/// Queues the analysis that an upload starts by itself.
pub(super) async fn enqueue(
    db: &impl ConnectionTrait,
    video: &video::Model,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let options = Options::default();
    let new = NewJob {
        video_id: video.id,
        version: video.version,
        owner_id: video.owner_id,
        options: &options,
        priority: Priority::default(),
    };
    match queue::enqueue(db, new, now).await {
        Ok(_) => Ok(()),
        Err(error @ (EnqueueError::UnderWay | EnqueueError::Gone)) => {
            Err(Problem::internal(format!("content just stored cannot be analysed: {error}")))
        }
        Err(EnqueueError::Database(error)) => Err(error.into()),
    }
}
