//! `GET /videos/{id}/thumbnail`: any picture of a video.

use actix_web::http::header::EntityTag;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::IntoParams;
use uuid::Uuid;
use video_analysis::{Execution, Observer, Size, frame_jpeg};

use super::Decoding;
use super::decoding::refusal;
use crate::auth::{Authorized, VideosRead};
use crate::queue;
use crate::revalidation::{kept, unchanged};
use crate::state::State;
use crate::videos;
use crate::videos::playback::no_content;

/// Which picture, and how large.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ThumbnailQuery {
    /// Its number, counted from 0 as in reports.
    frame: u64,
    /// Pixels across, 2 to 8192; the height follows. As the video has them where neither is given.
    width: Option<u32>,
    /// Pixels down. With both, the picture fits into them.
    height: Option<u32>,
}

/// Fetch a picture
///
/// Any one of the video, to the frame, as a JPEG in display aspect ratio and rotation. It is decoded when it is asked for.
#[utoipa::path(
    get, path = "/videos/{id}/thumbnail", tag = "videos", params(("id" = Uuid, Path), ThumbnailQuery),
    responses(
        (status = 200, content_type = "image/jpeg"),
        (status = 404, description = "There is no such picture"),
        (status = 409, description = "The content cannot be decoded"),
    ),
)]
pub(super) async fn thumbnail(
    state: web::Data<State>,
    decoding: web::Data<Decoding>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<ThumbnailQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let video = videos::owned(&state.reader, *id, &auth.caller).await?;
    let (Some(key), Some(sha256)) = (&video.blob_key, &video.sha256) else { return Err(no_content()) };
    let ThumbnailQuery { frame, width, height } = query;
    // The same bytes and the same wish are the same picture.
    let [across, down] = [width, height].map(Option::unwrap_or_default);
    let tag = EntityTag::new_strong(format!("{sha256}-{frame}-{across}x{down}"));
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    // What is known to be beyond the end is not looked for; who was asked for sound alone counted no frames.
    let analysed = queue::newest_succeeded(&state.reader, video.id, video.version).await?;
    let frames = analysed.and_then(|analysis| u64::try_from(analysis.frames_done).ok());
    if frames.is_some_and(|frames| frames > 0 && frame >= frames) {
        return Err(Problem::not_found("picture"));
    }
    let input = state.blobs.local_path(key);
    let size = Size { width, height };
    let work = move |execution: &Execution, client: &dyn Observer| {
        frame_jpeg(&input, frame, size, execution, client)
    };
    let jpeg = decoding.run(video.owner_id, work).await?;
    Ok(kept(tag).content_type(mime::IMAGE_JPEG).body(jpeg.map_err(|error| refusal(&error))?))
}
