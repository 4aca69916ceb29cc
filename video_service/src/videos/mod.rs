//! Videos: their records and their bytes.

mod by_digest;
mod checks;
mod create;
mod cursor;
mod filter;
mod form;
mod item;
mod list;
mod metadata;
pub(crate) mod playback;
pub(crate) mod poster;
pub(crate) mod record;
mod replace;
mod rows;
mod search;
mod sort;
mod tags;
pub(crate) mod trash;
mod upload;
mod versions;

use actix_web::http::{Method, StatusCode};
use chrono::{DateTime, Utc};
use entity::video_db::video::{self, Tags};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryTrait, SqlErr};
use serde_json::{Map, Value};
use service_kit::endpoint::Endpoint;
use service_kit::problem::{FieldError, Problem};
use utoipa::OpenApi;
use uuid::Uuid;

pub(crate) use self::item::changed_meanwhile;
pub(crate) use self::replace::{Replaced, Replaces, replace_content};
pub(crate) use self::trash::remove;
pub(crate) use self::upload::{
    UploadQuery, accepted, is_changed, is_not_found, put, require_expected, storage_failed, storage_full,
};
use crate::auth::Caller;
use crate::quota::Quota;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    create::create,
    list::list,
    item::read,
    item::update,
    trash::delete,
    trash::restore,
    upload::put_content,
    playback::content,
    poster::poster,
    by_digest::look,
    versions::list,
))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/videos", list::list).with_query(),
        Endpoint::new(Method::POST, "/videos", create::create),
        Endpoint::new(Method::GET, "/videos/content-by-digest/{sha256}", by_digest::look),
        Endpoint::new(Method::GET, "/videos/{id}", item::read),
        Endpoint::new(Method::PATCH, "/videos/{id}", item::update),
        Endpoint::new(Method::DELETE, "/videos/{id}", trash::delete).with_query(),
        Endpoint::new(Method::POST, "/videos/{id}/restore", trash::restore),
        Endpoint::new(Method::GET, "/videos/{id}/content", playback::content),
        Endpoint::new(Method::PUT, "/videos/{id}/content", upload::put_content).with_query(),
        Endpoint::new(Method::GET, "/videos/{id}/versions", versions::list),
        Endpoint::new(Method::GET, "/videos/{id}/poster.jpg", poster::poster).with_query(),
    ]
}

/// The video `id` of `caller`.
///
/// # Errors
/// 404 where there is none, it is in the trash, or it is somebody else's: which of these is nobody's business.
pub(crate) async fn owned(
    db: &impl ConnectionTrait,
    id: Uuid,
    caller: &Caller,
) -> Result<video::Model, Problem> {
    let video = video::Entity::find_by_id(id)
        .filter(video::COLUMN.owner_id.eq(caller.account_id))
        .filter(video::COLUMN.trashed_at.is_null());
    // Not `one`, whose LIMIT is a parameter: SQLite prepares a statement again for every value of it.
    let video = db.get_database_backend().build(&video.into_query());
    let video = video::Entity::find().from_raw_sql(video).one(db).await?;
    video.ok_or_else(|| Problem::not_found("video"))
}

/// Writes a new record with all that is kept beside it: to be called in a transaction.
///
/// # Errors
/// 409 where its owner has another video of this `external_id`, 403 where it has as many as it may.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    row: &video::Model,
    quota: Quota,
) -> Result<(), Problem> {
    let record = row.clone().into_active_model();
    video::Entity::insert(record).exec_without_returning(db).await.map_err(|error| not_written(&error))?;
    write_aside(db, row).await?;
    quota.check_videos(db, row.owner_id).await
}

/// Writes what filters and searches look at besides the record.
async fn write_aside(db: &impl ConnectionTrait, row: &video::Model) -> Result<(), DbErr> {
    tags::write(db, row).await?;
    search::write(db, row).await
}

/// Why a record was not written: the database decides what is there once only.
fn not_written(error: &DbErr) -> Problem {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Problem::new(StatusCode::CONFLICT, "external-id-exists", "Another video has this external_id")
                .errors(vec![FieldError::new("/external_id", "is that of another video of yours")])
        }
        _ => Problem::from(error),
    }
}

/// A new record of `caller`, waiting for its bytes; not written yet.
pub(crate) fn new_record(
    caller: &Caller,
    title: String,
    description: Option<String>,
    now: DateTime<Utc>,
) -> video::Model {
    video::Model {
        id: Uuid::now_v7(),
        owner_id: caller.account_id,
        title,
        description,
        status: video::VideoStatus::Waiting,
        filename: None,
        media_type: None,
        bytes: None,
        sha256: None,
        blob_key: None,
        revision: 1,
        created_at: now,
        updated_at: now,
        tags: Tags::default(),
        external_id: None,
        metadata: Value::Object(Map::new()),
        trashed_at: None,
        duration_seconds: None,
        width: None,
        height: None,
        frame_rate: None,
        video_codec: None,
        audio_codec: None,
        shots: None,
        fades: None,
        black: None,
        silence: None,
        integrated_lufs: None,
        range_lu: None,
        true_peak_dbtp: None,
        version: 0,
    }
}
