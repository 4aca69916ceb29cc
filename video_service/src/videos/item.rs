//! One video: `GET`, `PATCH` and `DELETE /videos/{id}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::{analysis, video};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, ExprTrait, QueryFilter, TransactionTrait};
use serde::{Deserialize, Deserializer};
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use service_kit::task;
use utoipa::ToSchema;
use uuid::Uuid;

use super::record::{self, Video, etag, etag_header, is_expected, is_unchanged};
use crate::auth::{Authorized, VideosRead, VideosWrite};
use crate::state::State;

/// What is to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a text are three things to ask for")]
pub(super) struct Changes {
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "not_null")]
    title: Option<String>,
    /// At most 5000 characters; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
}

/// A member may be absent; null is not a text.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Tells null from absent.
#[expect(clippy::option_option, reason = "absent, null and a text are three things to ask for")]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
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
    let row = super::owned(&state.db, *id, &auth.caller).await?;
    let tag = etag(&row);
    let mut response = if is_unchanged(&request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header(etag_header(tag)).finish());
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
    let before = super::owned(&state.db, *id, &auth.caller).await?;
    if !is_expected(&request, &etag(&before)) {
        return Err(changed_meanwhile());
    }
    let mut wrong = Vec::new();
    let mut keep = |pointer: &str, outcome: Result<String, String>| {
        outcome.map_err(|detail| wrong.push(FieldError::new(pointer, detail))).ok()
    };
    let title = changes.title.and_then(|text| keep("/title", record::title(&text)));
    let description = changes
        .description
        .map(|text| text.and_then(|text| keep("/description", record::description(&text))));
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let after = video::Model {
        title: title.unwrap_or_else(|| before.title.clone()),
        description: description.unwrap_or_else(|| before.description.clone()),
        revision: before.revision + 1,
        updated_at: state.clock.now(),
        ..before.clone()
    };
    // Conditional on the revision that was read: of two changes at a time, one is told to look again.
    let written = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(before.id))
        .filter(video::COLUMN.revision.eq(before.revision))
        .col_expr(video::Column::Title, Expr::value(after.title.clone()))
        .col_expr(video::Column::Description, Expr::value(after.description.clone()))
        .col_expr(video::Column::UpdatedAt, Expr::value(after.updated_at))
        .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
        .exec(&state.db)
        .await?;
    if written.rows_affected == 0 {
        return Err(changed_meanwhile());
    }
    Ok(HttpResponse::Ok().insert_header(etag_header(etag(&after))).json(Video::from(after)))
}

/// Delete a video
///
/// With its bytes, its analyses, their reports and posters. A running analysis ends.
#[utoipa::path(
    delete, path = "/videos/{id}", tag = "videos", params(("id" = Uuid, Path)),
    responses((status = 204)),
)]
pub(super) async fn delete(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = super::owned(&state.db, *id, &auth.caller).await?;
    if !is_expected(&request, &etag(&row)) {
        return Err(changed_meanwhile());
    }
    task::to_its_end(remove(state.get_ref().clone(), row.id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes the record and all that belongs to it, then the bytes that nobody names any more.
pub(crate) async fn remove(state: State, id: Uuid) -> Result<(), Problem> {
    let transaction = state.db.begin().await?;
    let analyses =
        analysis::Entity::find().filter(analysis::COLUMN.video_id.eq(id)).all(&transaction).await?;
    // Read again inside the transaction: an upload may have replaced the content since.
    let video = video::Entity::find_by_id(id).one(&transaction).await?;
    video::Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;

    let posters = analyses.into_iter().filter_map(|analysis| analysis.poster_key);
    state.blobs.discard(video.and_then(|video| video.blob_key).into_iter().chain(posters)).await;
    Ok(())
}

fn changed_meanwhile() -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", "The video has changed meanwhile")
        .detail("read it again and decide anew")
}
