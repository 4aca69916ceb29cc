//! The links of a video, for its owner: `GET POST /videos/{id}/shares`, `DELETE /videos/{id}/shares/{share_id}`.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::video_db::share;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, SqlErr, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::json::OptionalJson;
use service_kit::page::{self, Page};
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::password::Password;
use super::record::{Share, ShareWithToken, address};
use super::visitor::not_found;
use super::{Shares, token};
use crate::auth::{Authorized, VideosRead, VideosWrite};
use crate::content;
use crate::state::State;
use crate::videos::owned;

/// A link to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewShare {
    /// From then on it leads nowhere: in a week where it is not given, at most in a year (`[shares]`).
    expires_at: Option<DateTime<Utc>>,
    /// What visitors have to know besides: 8 characters or more, at most 72 bytes.
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// How many links a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Share a video
///
/// Whoever has the answer's `url` may look at the video, its content, poster and newest report, whatever they are by then,
/// until the link expires or is deleted. Nothing can be changed by it.
#[utoipa::path(
    post, path = "/videos/{id}/shares", tag = "shares", params(("id" = Uuid, Path)),
    request_body = Option<NewShare>,
    responses(
        (status = 201, body = ShareWithToken, headers(("Location" = String))),
        (status = 409, description = "The video has as many links as it may"),
    ),
)]
pub(super) async fn create(
    state: web::Data<State>,
    shares: web::Data<Shares>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    OptionalJson(new): OptionalJson<NewShare>,
) -> Result<HttpResponse, Problem> {
    let video = owned(&state.db, *id, &auth.caller).await?;
    let now = state.clock.now();
    let expires_at = super::end(new.expires_at, shares.settings.life(), now)?;
    let password = new.password.map(Password::wanted).transpose();
    let password = password.map_err(|reason| Problem::invalid(vec![FieldError::new("/password", reason)]))?;
    // Hashing is not worth its time for who is refused anyway.
    require_room(&state.db, &shares, video.id, now).await?;
    let password_hash = match password {
        Some(password) => Some(shares.hasher.reserve()?.hash(password).await?),
        None => None,
    };
    let token = token::generate().map_err(Problem::internal)?;
    let row = share::Model {
        id: Uuid::now_v7(),
        video_id: video.id,
        token_hash: token::digest(token.expose_secret())
            .ok_or_else(|| Problem::internal("a new token is none"))?,
        password_hash,
        failures: 0,
        blocked_until: None,
        created_at: now,
        expires_at,
    };
    let db = state.db.begin().await?;
    content::take_turns(&db, video.owner_id).await?;
    require_room(&db, &shares, video.id, now).await?;
    let inserted = share::Entity::insert(row.clone().into_active_model()).exec_without_returning(&db);
    inserted.await.map_err(|error| not_written(&error))?;
    db.commit().await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, address(token.expose_secret())))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(ShareWithToken::new(row, &token)))
}

async fn require_room(
    db: &impl ConnectionTrait,
    shares: &Shares,
    video: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if that_count(video, now).count(db).await? < shares.settings.max_per_video.get() {
        return Ok(());
    }
    let title = "The video has as many share links as it may";
    Err(Problem::new(StatusCode::CONFLICT, "too-many-shares", title))
}

/// The video may have been deleted for good a moment ago.
fn not_written(error: &DbErr) -> Problem {
    match error.sql_err() {
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Problem::not_found("video"),
        _ => error.into(),
    }
}

/// List the links of a video
///
/// Newest first, without their tokens. Those that have expired are gone.
#[utoipa::path(
    get, path = "/videos/{id}/shares", tag = "shares", params(("id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<Share>, headers(("Link" = String)))),
)]
pub(super) async fn list(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let video = owned(&state.db, *id, &auth.caller).await?;
    let mut select = that_count(video.id, state.clock.now()).order_by_desc(share::COLUMN.id).limit(limit + 1);
    if let Some(cursor) = &query.cursor {
        select = select.filter(share::COLUMN.id.lt(page::from_cursor::<Uuid>(cursor)?));
    }
    let rows = select.all(&state.db).await?;
    let path = format!("/videos/{}/shares", video.id);
    Page::<Share>::of(rows, limit, |row| row.id)?.response(&path, &[("limit", limit.to_string())])
}

/// The links of a video that have not expired.
fn that_count(video: Uuid, now: DateTime<Utc>) -> Select<share::Entity> {
    share::Entity::find().filter(share::COLUMN.video_id.eq(video)).filter(share::COLUMN.expires_at.gt(now))
}

/// Delete a link
///
/// From here on it leads nowhere, and no grant for it counts. What is being played by it is played to its end.
#[utoipa::path(
    delete, path = "/videos/{id}/shares/{share_id}", tag = "shares",
    params(("id" = Uuid, Path), ("share_id" = Uuid, Path)),
    responses((status = 204)),
)]
pub(super) async fn delete(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (id, share) = path.into_inner();
    let video = owned(&state.db, id, &auth.caller).await?;
    let deleted = share::Entity::delete_many()
        .filter(share::COLUMN.id.eq(share))
        .filter(share::COLUMN.video_id.eq(video.id))
        .exec(&state.db)
        .await?;
    if deleted.rows_affected == 0 { Err(not_found()) } else { Ok(HttpResponse::NoContent().finish()) }
}
