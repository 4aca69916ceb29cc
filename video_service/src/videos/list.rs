//! `GET /videos`: the caller's library, filtered and sorted, in pages.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::video;
use sea_orm::sea_query::Condition;
use sea_orm::{DbBackend, EntityTrait, QueryFilter, QuerySelect, Select};
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
use service_kit::query::Query;
use uuid::Uuid;

use super::cursor::{Place, Question};
use super::filter::ListQuery;
use super::record::Video;
use super::sort::Sort;
use crate::auth::{Authorized, VideosRead};
use crate::state::State;

/// List videos
///
/// Newest first, or in the order of `sort`, in pages that stay as they are when videos are added. All filters that are
/// given must hold. A cursor belongs to the filters and the order it came with.
#[utoipa::path(
    get, path = "/videos", tag = "videos", params(ListQuery),
    responses(
        (status = 200, body = Page<Video>, headers(("Link" = String))),
        (status = 400, description = "The cursor is not one of this list with these filters in this order"),
    ),
)]
pub(super) async fn list(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    request: HttpRequest,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let owner = auth.caller.account_id;
    let question = Question::of(owner, request.query_string());
    let after = match &query.cursor {
        Some(cursor) => Some(question.place(cursor).ok_or_else(invalid_cursor)?),
        None => None,
    };
    let backend = state.db.get_database_backend();
    let sort = query.sort.unwrap_or_default();
    let select =
        select(owner, query.condition(owner, backend)?, sort, after, backend).ok_or_else(invalid_cursor)?;
    // One more than the page, which tells whether there is a next one.
    let mut rows = select.limit(limit + 1).all(&state.db).await?;

    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > full;
    rows.truncate(full);
    let last = rows.last().filter(|_| has_more);
    let next_cursor = last.map(|row| question.cursor(&sort.place(row))).transpose()?;
    let items = rows.into_iter().map(Video::from).collect();
    Page { items, next_cursor }.response("/videos", &question.parameters())
}

/// The videos of `owner` that meet `condition`, from behind `after`. `None`: that is no place in this order.
fn select(
    owner: Uuid,
    condition: Condition,
    sort: Sort,
    after: Option<Place>,
    backend: DbBackend,
) -> Option<Select<video::Entity>> {
    let videos = video::Entity::find().filter(video::COLUMN.owner_id.eq(owner)).filter(condition);
    sort.apply(videos, after, backend)
}

fn invalid_cursor() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-cursor", "The cursor is not one of this list")
        .detail("ask with the filters and the order it came with, or without a cursor")
}

#[cfg(test)]
mod plans;
