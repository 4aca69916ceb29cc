//! `GET /videos/{id}/versions`: what a video's content has been.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::video_db::video_version;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::{Authorized, VideosRead};
use crate::state::State;

/// Most versions in one answer.
const LIMIT: u64 = 200;

/// Versions of a video's content.
#[derive(Serialize, ToSchema)]
pub(super) struct Versions {
    /// The newest first; at most 200.
    items: Vec<Version>,
}

/// What is, or was, a video's content. Its bytes go when others take their place; its analyses stay.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "`version` is its name everywhere")]
struct Version {
    /// Its number, from 1: `GET /videos/{id}/analysis?version=` has its analysis.
    version: i32,
    /// SHA-256 of it, in hexadecimal.
    sha256: String,
    /// Its size.
    bytes: i64,
    /// The name of the uploaded file.
    filename: Option<String>,
    /// The media type that the uploader declared.
    media_type: Option<String>,
    /// When it became the content.
    created_at: DateTime<Utc>,
}

/// List the versions of a video's content
#[utoipa::path(
    get, path = "/videos/{id}/versions", tag = "videos", params(("id" = Uuid, Path)),
    responses((status = 200, body = Versions)),
)]
pub(super) async fn list(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let video = super::owned(&state.db, *id, &auth.caller).await?;
    let rows = video_version::Entity::find()
        .filter(video_version::Column::VideoId.eq(video.id))
        .order_by_desc(video_version::Column::Version)
        .limit(LIMIT)
        .all(&state.db)
        .await?;
    let items = rows.into_iter().map(|row| Version {
        version: row.version,
        sha256: row.sha256,
        bytes: row.bytes,
        filename: row.filename,
        media_type: row.media_type,
        created_at: row.created_at,
    });
    Ok(HttpResponse::Ok().json(Versions { items: items.collect() }))
}
