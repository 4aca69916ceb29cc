//! `GET /videos`: the caller's library, newest first.

use actix_web::{HttpResponse, web};
use entity::video_db::video;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::IntoParams;
use uuid::Uuid;

use super::record::{Status, Video};
use crate::auth::{Authorized, VideosRead};
use crate::state::State;

/// Which part of the library.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// How many videos a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only videos of this status.
    status: Option<Status>,
}

/// List videos
///
/// Newest first, in pages that stay as they are when videos are added.
#[utoipa::path(
    get, path = "/videos", tag = "videos", params(ListQuery),
    responses(
        (status = 200, body = Page<Video>, headers(("Link" = String))),
    ),
)]
pub(super) async fn list(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let mut select = video::Entity::find()
        .filter(video::COLUMN.owner_id.eq(auth.caller.account_id))
        .order_by_desc(video::COLUMN.id)
        // One more than the page, which tells whether there is a next one.
        .limit(limit + 1);
    let mut filters = vec![("limit", limit.to_string())];
    if let Some(status) = query.status {
        select = select.filter(video::COLUMN.status.eq(video::VideoStatus::from(status)));
        filters.push(("status", status.name().to_owned()));
    }
    if let Some(cursor) = &query.cursor {
        select = select.filter(video::COLUMN.id.lt(page::from_cursor::<Uuid>(cursor)?));
    }
    let mut items: Vec<Video> = select.all(&state.db).await?.into_iter().map(Video::from).collect();

    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > full;
    items.truncate(full);
    let last = items.last().filter(|_| has_more);
    let next_cursor = last.map(|video| page::to_cursor(&video.id)).transpose()?;
    Page { items, next_cursor }.response("/videos", &filters)
}
