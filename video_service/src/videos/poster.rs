//! `GET /videos/{id}/poster.jpg`: the picture that stands for a video.

use actix_web::body::BodyStream;
use actix_web::http::header::EntityTag;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::video;
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::auth::{Authorized, VideosRead};
use crate::queue;
use crate::revalidation::{kept, unchanged};
use crate::state::State;

/// Which poster.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PosterQuery {
    /// Of this version of the content; of the present one where it is not given.
    version: Option<i32>,
}

/// Fetch a video's poster
///
/// The one that the newest successful analysis of its content chose, or of the version that is asked for; 404 until there is
/// one, and for sound without pictures.
#[utoipa::path(
    get, path = "/videos/{id}/poster.jpg", tag = "videos", params(("id" = Uuid, Path), PosterQuery),
    responses(
        (status = 200, content_type = "image/jpeg"),
    ),
)]
pub(super) async fn poster(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<PosterQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let video = super::owned(&state.reader, *id, &auth.caller).await?;
    respond(&state, &video, query.version.unwrap_or(video.version), &request).await
}

/// The poster of a version of `video`; whoever asks may have it.
///
/// # Errors
/// 404 where there is none.
pub(crate) async fn respond(
    state: &State,
    video: &video::Model,
    version: i32,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    // The newest one that was asked for a poster.
    let analysis = queue::newest_with_poster(&state.db, video.id, version).await?;
    let found = analysis.and_then(|analysis| Some((analysis.id, analysis.poster_key?)));
    let (analysis, key) =
        found.ok_or_else(|| Problem::not_found("poster: no finished analysis of the video has one"))?;

    // A poster is made once for an analysis and never changes.
    let tag = EntityTag::new_strong(analysis.simple().to_string());
    if let Some(answer) = unchanged(request, &tag) {
        return Ok(answer);
    }
    let content =
        state.blobs.read(&key, None).await.map_err(|error| Problem::internal(format!("storage: {error}")))?;
    Ok(kept(tag).content_type(mime::IMAGE_JPEG).body(BodyStream::new(content)))
}
