//! `GET /videos/content-by-digest/{sha256}`: what the caller need not send again.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use service_kit::problem::{FieldError, Problem};
use utoipa::ToSchema;

use crate::auth::{Authorized, VideosRead};
use crate::content;
use crate::state::State;

/// Bytes that are here already.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnContent {
    /// SHA-256 of them, in hexadecimal.
    sha256: String,
    /// How many there are.
    bytes: i64,
    /// How many of the caller's videos have them, the trash included.
    videos: i32,
}

/// Ask whether content is here already
///
/// Of the caller's own: 404 for what only others have. `HEAD` answers without a body. What is here becomes another
/// video's content by `POST /videos` with `sha256`, and is kept once.
#[utoipa::path(
    get, path = "/videos/content-by-digest/{sha256}", tag = "videos", params(("sha256" = String, Path)),
    responses((status = 200, body = OwnContent)),
)]
pub(super) async fn look(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    sha256: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let sha256 =
        digest(&sha256).map_err(|reason| Problem::invalid(vec![FieldError::new("sha256", reason)]))?;
    let found = content::at_hand(&state.db, &state.blobs, auth.caller.account_id, &sha256).await?;
    let found = found.ok_or_else(|| Problem::not_found("content"))?;
    Ok(HttpResponse::Ok().json(OwnContent { sha256, bytes: found.bytes, videos: found.videos }))
}

/// A SHA-256 as it is kept: in lower case.
pub(super) fn digest(text: &str) -> Result<String, String> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 32 => Ok(hex::encode(bytes)),
        _ => Err("must be a SHA-256 in hexadecimal: 64 digits".to_owned()),
    }
}
