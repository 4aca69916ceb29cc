//! What a link shows to whoever has it: `GET /shares/{token}`, its content, poster and analysis.

use actix_web::http::header::{self, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::{analysis_report, video};
use sea_orm::EntityTrait;
use service_kit::problem::Problem;

use super::record::SharedVideo;
use super::shown_anywhere;
use super::visitor::{Opening, Visitor};
use crate::queue;
use crate::revalidation::{kept, unchanged};
use crate::state::State;
use crate::videos::{playback, poster as posters};

/// Look at a shared video
///
/// Needs no token but the link's.
#[utoipa::path(
    get, path = "/shares/{token}", tag = "shares", params(("token" = String, Path), Opening), security(()),
    responses(
        (status = 200, body = SharedVideo),
        (status = 403, description = "The link has a password"),
    ),
)]
pub(super) async fn read(visitor: Visitor) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(SharedVideo::new(visitor.video, visitor.expires_at))
}

/// Play a shared video
///
/// As its owner does: whole or in one range.
#[utoipa::path(
    get, path = "/shares/{token}/content", tag = "shares", params(("token" = String, Path), Opening), security(()),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "The whole"),
        (status = 206, content_type = "application/octet-stream", description = "The range that was asked for"),
        (status = 403, description = "The link has a password"),
    ),
)]
pub(super) async fn content(
    state: web::Data<State>,
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    // What its owner calls the file is no stranger's business.
    let video = video::Model { filename: None, ..visitor.video };
    playback::respond(&state, video, &request).await.map(shown_anywhere)
}

/// Fetch a shared video's poster
#[utoipa::path(
    get, path = "/shares/{token}/poster.jpg", tag = "shares", params(("token" = String, Path), Opening), security(()),
    responses(
        (status = 200, content_type = "image/jpeg"),
        (status = 403, description = "The link has a password"),
    ),
)]
pub(super) async fn poster(
    state: web::Data<State>,
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    posters::respond(&state, &visitor.video, visitor.video.version, &request).await.map(shown_anywhere)
}

/// Read a shared video's report
///
/// That of its newest analysis that has succeeded; 404 until there is one.
#[utoipa::path(
    get, path = "/shares/{token}/analysis", tag = "shares", params(("token" = String, Path), Opening), security(()),
    responses(
        (status = 200, body = video_analysis::Report),
        (status = 403, description = "The link has a password"),
    ),
)]
pub(super) async fn analysis(
    state: web::Data<State>,
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let newest = queue::newest_succeeded(&state.db, visitor.video.id, visitor.video.version)
        .await?
        .ok_or_else(no_report)?;
    // A report is written once and never changes.
    let tag = EntityTag::new_strong(newest.id.simple().to_string());
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let report =
        analysis_report::Entity::find_by_id(newest.id).one(&state.db).await?.ok_or_else(no_report)?;
    Ok(kept(tag).content_type(mime::APPLICATION_JSON).body(report.body))
}

fn no_report() -> Problem {
    Problem::not_found("report: the video has no finished analysis")
}
