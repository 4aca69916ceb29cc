//! `GET /videos/{id}/analysis/preview/{sprite}.jpg`: the pictures of a first look.

use actix_web::http::header::EntityTag;
use actix_web::{HttpRequest, HttpResponse, web};
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::auth::{Authorized, VideosRead};
use crate::queue::{self, preview};
use crate::revalidation::{kept, unchanged};
use crate::state::State;
use crate::videos::owned;

/// Fetch thumbnails of a preview
///
/// Many in one picture, which the `thumbnails` of an analysis's `preview` name by its number and their place in it. It is gone
/// when the report is there.
#[utoipa::path(
    get, path = "/videos/{id}/analysis/preview/{sprite}.jpg", tag = "analyses",
    params(("id" = Uuid, Path), ("sprite" = i32, Path)),
    responses((status = 200, content_type = "image/jpeg")),
)]
pub(super) async fn sprite(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    path: web::Path<(Uuid, i32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, number) = path.into_inner();
    let video = owned(&state.reader, id, &auth.caller).await?;
    let absent = || Problem::not_found("picture of a preview");
    let job = queue::newest(&state.reader, id, video.version).await?.ok_or_else(absent)?;
    let jpeg = preview::sprite(&state.reader, job.id, number).await?.ok_or_else(absent)?;
    // A preview is made once for an analysis.
    let tag = EntityTag::new_strong(format!("{}-{number}", job.id.simple()));
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    Ok(kept(tag).content_type(mime::IMAGE_JPEG).body(jpeg))
}
