//! One video: `GET` and `PATCH /videos/{id}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::video;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryFilter, TransactionTrait};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use service_kit::json::Json;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::checks::Checks;
use super::record::{self, Video, etag, etag_header, is_expected};
use super::{metadata, tags};
use crate::auth::{Authorized, VideosRead, VideosWrite};
use crate::revalidation::unchanged;
use crate::state::State;

/// What is to change; what is not named stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a value are three things to ask for")]
pub(super) struct Changes {
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "not_null")]
    title: Option<String>,
    /// At most 5000 characters; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// All tags it has from now on: at most 32, of 1 to 64 characters; null removes them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Option<Option<Vec<String>>>,
    /// 1 to 200 characters; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
    /// An object in place of the one there is: at most 16 KiB, nested at most 16 deep; null empties it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Option<Map<String, Value>>>,
}

/// A member may be absent; null is no value of it.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Tells null from absent.
#[expect(clippy::option_option, reason = "absent, null and a value are three things to ask for")]
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Changes {
    /// `before` as it is to be, or everything that is wrong with the changes.
    fn apply(self, before: video::Model) -> Result<video::Model, Problem> {
        let mut checks = Checks::default();
        let title = self.title.and_then(|text| checks.keep("/title", record::title(&text)));
        let description = self
            .description
            .map(|text| text.and_then(|text| checks.keep("/description", record::description(&text))));
        let tags = self.tags.map(|given| tags::parse(&given.unwrap_or_default(), checks.errors()));
        let external_id = self
            .external_id
            .map(|text| text.and_then(|text| checks.keep("/external_id", record::external_id(&text))));
        let metadata = self
            .metadata
            .map(Option::unwrap_or_default)
            .and_then(|members| checks.keep("/metadata", metadata::check(members)));
        checks.finish()?;
        Ok(video::Model {
            title: title.unwrap_or(before.title),
            description: description.unwrap_or(before.description),
            tags: tags.unwrap_or(before.tags),
            external_id: external_id.unwrap_or(before.external_id),
            metadata: metadata.unwrap_or(before.metadata),
            ..before
        })
    }
}

/// Read a video
#[utoipa::path(
    get, path = "/videos/{id}", tag = "videos", params(("id" = Uuid, Path)),
    responses((status = 200, body = Video)),
)]
pub(super) async fn read(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = super::owned(&state.reader, *id, &auth.caller).await?;
    let tag = etag(&row);
    let mut response = if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    } else {
        HttpResponse::Ok()
    };
    Ok(response.insert_header(etag_header(tag)).json(Video::from(row)))
}

/// Change a video's record
///
/// With `If-Match` only if it is still what the client saw.
#[utoipa::path(
    patch, path = "/videos/{id}", tag = "videos", params(("id" = Uuid, Path)), request_body = Changes,
    responses((status = 200, body = Video)),
)]
pub(super) async fn update(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    Json(changes): Json<Changes>,
) -> Result<HttpResponse, Problem> {
    // Until it is done or refused: what changes the record meanwhile, as the end of its analysis, is no reason to fail.
    loop {
        let before = super::owned(&state.db, *id, &auth.caller).await?;
        if !is_expected(&request, &etag(&before)) {
            return Err(changed_meanwhile());
        }
        let after = video::Model {
            revision: before.revision + 1,
            updated_at: state.clock.now(),
            ..changes.clone().apply(before.clone())?
        };
        if write(&state, &before, &after).await? {
            return Ok(HttpResponse::Ok().insert_header(etag_header(etag(&after))).json(Video::from(after)));
        }
    }
}

/// Writes what a client may change, where the record is still `before`.
async fn write(state: &State, before: &video::Model, after: &video::Model) -> Result<bool, Problem> {
    let db = state.db.begin().await?;
    let written = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(before.id))
        .filter(video::COLUMN.revision.eq(before.revision))
        .filter(video::COLUMN.trashed_at.is_null())
        .set(video::ActiveModel {
            title: Set(after.title.clone()),
            description: Set(after.description.clone()),
            tags: Set(after.tags.clone()),
            external_id: Set(after.external_id.clone()),
            metadata: Set(after.metadata.clone()),
            updated_at: Set(after.updated_at),
            revision: Set(after.revision),
            ..Default::default()
        })
        .exec(&db)
        .await
        .map_err(|error| super::not_written(&error))?;
    if written.rows_affected == 0 {
        return Ok(false);
    }
    super::write_aside(&db, after).await?;
    db.commit().await?;
    Ok(true)
}

pub(crate) fn changed_meanwhile() -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", "The video has changed meanwhile")
        .detail("read it again and decide anew")
}
