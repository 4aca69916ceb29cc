//! Deleted videos: `DELETE /videos/{id}`, `POST /videos/{id}/restore`, and their end when nobody restores them.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::video_db::{analysis, video};
use sea_orm::sea_query::Expr;
use sea_orm::{
    Condition, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, QueryFilter, QuerySelect, TransactionTrait,
};
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::query::Query;
use service_kit::task;
use utoipa::IntoParams;
use uuid::Uuid;

use super::item::changed_meanwhile;
use super::record::{Video, etag, etag_header, is_expected};
use crate::auth::{Authorized, VideosWrite};
use crate::content;
use crate::queue;
use crate::state::State;
use crate::unnamed;
use crate::uploads;
use crate::webhooks::{self, EventType, Subject};

/// Videos purged between two looks at the database.
const BATCH: u64 = 100;

/// How a video is deleted.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteQuery {
    /// `true`: for good and at once, also from the trash.
    #[serde(default)]
    permanent: bool,
}

/// Delete a video
///
/// It goes to the trash, from where it can be restored for a while, and its unfinished analysis is canceled. After that,
/// or at once with `permanent=true`, it goes with its bytes, its analyses, their reports and posters.
#[utoipa::path(
    delete, path = "/videos/{id}", tag = "videos", params(("id" = Uuid, Path), DeleteQuery),
    responses((status = 204)),
)]
pub(super) async fn delete(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    Query(query): Query<DeleteQuery>,
) -> Result<HttpResponse, Problem> {
    // Until it is done or refused: what changes the record meanwhile, as the end of its analysis, is no reason to fail.
    loop {
        let owned = video::Entity::find_by_id(*id).filter(video::COLUMN.owner_id.eq(auth.caller.account_id));
        let row = owned.one(&state.db).await?.ok_or_else(not_found)?;
        if row.trashed_at.is_some() && !query.permanent {
            return Err(not_found());
        }
        if !is_expected(&request, &etag(&row)) {
            return Err(changed_meanwhile());
        }
        let done = if query.permanent || state.trash_window.is_zero() {
            let state = state.get_ref().clone();
            let unchanged = Condition::all().add(video::COLUMN.revision.eq(row.revision));
            task::to_its_end(async move { remove_with_uploads(&state, row.id, unchanged).await }).await?
        } else {
            trash(&state, &row, state.clock.now()).await?
        };
        if done {
            return Ok(HttpResponse::NoContent().finish());
        }
    }
}

/// Moves `row` to the trash; `false` where it is another one by now.
async fn trash(state: &State, row: &video::Model, now: DateTime<Utc>) -> Result<bool, Problem> {
    let db = state.db.begin().await?;
    // The video first, as in all that changes it and its analysis.
    let trashed = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(row.id))
        .filter(video::COLUMN.revision.eq(row.revision))
        .filter(video::COLUMN.trashed_at.is_null())
        .col_expr(video::Column::TrashedAt, Expr::value(now))
        .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
        .exec(&db)
        .await?;
    if trashed.rows_affected == 0 {
        return Ok(false);
    }
    queue::cancel(&db, row.id, now).await?;
    announce(&db, row, now).await?;
    db.commit().await?;
    Ok(true)
}

/// Tells webhooks that `video` has left the library: when it goes to the trash, and not again when it goes from there.
async fn announce(db: &DatabaseTransaction, video: &video::Model, now: DateTime<Utc>) -> Result<(), DbErr> {
    let subject = Subject { video_id: video.id, analysis_id: None };
    webhooks::publish(db, video.owner_id, EventType::VideoDeleted, subject, now).await
}

/// Restore a deleted video
///
/// As it was; an analysis that was canceled can be started again.
#[utoipa::path(
    post, path = "/videos/{id}/restore", tag = "videos", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Video),
        (status = 409, description = "Another video has got its `external_id` meanwhile"),
    ),
)]
pub(super) async fn restore(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let restored = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(*id))
        .filter(video::COLUMN.owner_id.eq(auth.caller.account_id))
        .filter(video::COLUMN.trashed_at.gt(purged_until(&state)))
        .col_expr(video::Column::TrashedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
        .exec(&state.db)
        .await
        .map_err(|error| super::not_written(&error))?;
    if restored.rows_affected == 0 {
        return Err(Problem::not_found("video in the trash"));
    }
    let row = super::owned(&state.db, *id, &auth.caller).await?;
    Ok(HttpResponse::Ok().insert_header(etag_header(etag(&row))).json(Video::from(row)))
}

/// Deletes for good what has been in the trash for too long; how many videos.
pub(crate) async fn purge(state: &State) -> Result<usize, Problem> {
    let mut count = 0;
    loop {
        let overdue = Condition::all().add(video::COLUMN.trashed_at.lte(purged_until(state)));
        let videos = video::Entity::find().filter(overdue.clone()).limit(BATCH).all(&state.db).await?;
        if videos.is_empty() {
            return Ok(count);
        }
        for video in videos {
            // Not where it was restored meanwhile.
            count += usize::from(remove_with_uploads(state, video.id, overdue.clone()).await?);
        }
    }
}

/// What was deleted until then cannot be restored.
fn purged_until(state: &State) -> DateTime<Utc> {
    state.clock.now().checked_sub_signed(state.trash_window).unwrap_or(DateTime::UNIX_EPOCH)
}

/// As [`remove`], and what is on its way to it as well.
async fn remove_with_uploads(state: &State, id: Uuid, condition: Condition) -> Result<bool, Problem> {
    let removed = remove(state, id, condition).await?;
    if removed {
        uploads::fail_those_of_video(state, id).await?;
    }
    Ok(removed)
}

/// Removes a record that meets `condition` and all that belongs to it, then the bytes that nobody names any more.
/// Whether there was one.
pub(crate) async fn remove(state: &State, id: Uuid, condition: Condition) -> Result<bool, Problem> {
    let transaction = state.db.begin().await?;
    // The video first, and held: an upload that replaces its content or an analysis that ends either has by now, and is read
    // below, or finds it gone.
    let video = video::Entity::find_by_id(id).lock_exclusive().one(&transaction).await?;
    let analyses =
        analysis::Entity::find().filter(analysis::COLUMN.video_id.eq(id)).all(&transaction).await?;
    let video_is_it = Condition::all().add(video::COLUMN.id.eq(id)).add(condition);
    let removed = video::Entity::delete_many().filter(video_is_it).exec(&transaction).await?;
    if removed.rows_affected == 0 {
        return Ok(false);
    }
    if let Some(video) = video.as_ref().filter(|video| video.trashed_at.is_none()) {
        announce(&transaction, video, state.clock.now()).await?;
    }
    let content = video.as_ref().and_then(|video| video.blob_key.as_ref());
    let now = state.clock.now();
    let content = content::release(&transaction, content, now).await?;
    let posters: Vec<_> = analyses.into_iter().filter_map(|analysis| analysis.poster_key).collect();
    unnamed::write_down(&transaction, &posters, now).await?;
    transaction.commit().await?;

    let unnamed: Vec<_> = content.into_iter().chain(posters).collect();
    unnamed::remove(&state.db, &state.blobs, &unnamed).await;
    Ok(true)
}

fn not_found() -> Problem {
    Problem::not_found("video")
}
