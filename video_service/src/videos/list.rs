//! `GET /videos`: the caller's library, filtered and sorted, in pages.

use std::fmt::Write;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::video;
use sea_orm::sea_query::{self, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryTrait, Statement};
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
use service_kit::query::Query;
use uuid::Uuid;

use super::cursor::{Place, Question};
use super::filter::ListQuery;
use super::record::Video;
use super::rows;
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
    let backend = state.reader.get_database_backend();
    // One more than the page, which tells whether there is a next one.
    let select = select(owner, &query, after, limit + 1, backend)?;
    let rows = state.reader.query_all_raw(select).await?;
    let mut rows = rows.iter().map(rows::record).collect::<Result<Vec<_>, _>>()?;

    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > full;
    rows.truncate(full);
    let last = rows.last().filter(|_| has_more);
    let next_cursor = last.map(|row| question.cursor(&query.order().place(row))).transpose()?;
    let items = rows.into_iter().map(Video::from).collect();
    Page { items, next_cursor }.response("/videos", &question.parameters())
}

/// The first `limit` videos of `owner` that `query` asks for, in its order, from behind `after`.
///
/// # Errors
/// Filters that make no sense; a place that is none in this order.
fn select(
    owner: Uuid,
    query: &ListQuery,
    after: Option<Place>,
    limit: u64,
    backend: DbBackend,
) -> Result<Statement, Problem> {
    let condition = query.condition(owner, after.as_ref(), backend)?;
    let videos = video::Entity::find().filter(video::COLUMN.owner_id.eq(owner)).filter(condition);
    let sort = query.order();
    let mut videos = match after {
        Some(after) => videos.filter(sort.behind(after, backend).ok_or_else(invalid_cursor)?),
        None => videos,
    }
    .into_query();
    if query.searches() && backend == DbBackend::Postgres {
        let page = first_of_found(videos, sort, limit, backend);
        videos = video::Entity::find().filter(video::Column::Id.in_subquery(page)).into_query();
    }
    sort.order(&mut videos, backend);
    let mut page = backend.build(&videos);
    // Written out: of a parameter PostgreSQL assumes that a tenth of the library is wanted, and plans each page anew.
    write!(page.sql, " LIMIT {limit}").map_err(Problem::internal)?;
    Ok(page)
}

/// The identifiers of the first of `videos`, all of which are found before they are sorted. PostgreSQL takes every word that
/// is searched by its beginning for frequent: left alone it would go through the library in its order and look into each
/// text until a page is full, and through all of it for a rare word.
fn first_of_found(
    mut videos: SelectStatement,
    sort: Sort,
    limit: u64,
    backend: DbBackend,
) -> SelectStatement {
    // What can be sorted by; an OFFSET is what PostgreSQL does not plan across.
    let keys =
        [video::Column::Id, video::Column::Title, video::Column::DurationSeconds, video::Column::Bytes];
    videos.clear_selects().columns(keys.map(|key| (video::Entity, key))).offset(0);
    let mut page = sea_query::Query::select();
    page.column((video::Entity, video::Column::Id)).from_subquery(videos, video::Entity).limit(limit);
    sort.order(&mut page, backend);
    page
}

fn invalid_cursor() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-cursor", "The cursor is not one of this list")
        .detail("ask with the filters and the order it came with, or without a cursor")
}

#[cfg(test)]
mod plans;
