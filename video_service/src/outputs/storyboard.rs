//! `GET /videos/{id}/storyboard.vtt` and its sprites: what a player shows above its seek bar.

use std::sync::Arc;

use actix_web::http::header::EntityTag;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::video;
use moka::future::Cache;
use service_kit::problem::Problem;
use uuid::Uuid;
use video_analysis::{Execution, Observer, Storyboard, preview};

use super::Decoding;
use super::decoding::refusal;
use crate::auth::{Authorized, VideosRead};
use crate::revalidation::{kept, unchanged};
use crate::state::State;
use crate::videos;
use crate::videos::playback::no_content;

/// Bytes of sprites that are remembered: those of some hundred films. What is forgotten is made again.
const REMEMBERED: u64 = 64 * 1024 * 1024;

/// Storyboards that were asked for, by the SHA-256 of their content. Clones share them; one that many ask for is made once.
#[derive(Clone)]
pub(crate) struct Storyboards(Cache<String, Arc<Storyboard>>);

impl Storyboards {
    /// None yet.
    pub(crate) fn new() -> Self {
        let bytes = |_: &String, board: &Arc<Storyboard>| {
            let bytes = board.sprites.iter().map(Vec::len).sum::<usize>();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(REMEMBERED).weigher(bytes).build())
    }

    /// That of a video's content.
    async fn of(
        &self,
        state: &State,
        decoding: &Decoding,
        video: &video::Model,
    ) -> Result<Arc<Storyboard>, Problem> {
        let (key, sha256) = content_of(video)?;
        let input = state.blobs.local_path(key);
        let make = async {
            let look = move |execution: &Execution, client: &dyn Observer| preview(&input, execution, client);
            let made = decoding.run(video.owner_id, look).await?;
            let (_, board) = made.map_err(|error| refusal(&error))?;
            Ok(Arc::new(board))
        };
        self.0.try_get_with_by_ref(sha256, make).await.map_err(|problem: Arc<Problem>| (*problem).clone())
    }
}

/// Fetch a storyboard
///
/// A WebVTT file whose cues name a part of a sprite each, `storyboard/0.jpg#xywh=160,90,160,90`: thumbnails of keyframes, at most
/// one for each second and 500 in all, with their exact times. It needs no analysis.
#[utoipa::path(
    get, path = "/videos/{id}/storyboard.vtt", tag = "videos", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "text/vtt"), (status = 409, description = "The content cannot be decoded")),
)]
pub(super) async fn index(
    state: web::Data<State>,
    decoding: web::Data<Decoding>,
    storyboards: web::Data<Storyboards>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let video = videos::owned(&state.reader, *id, &auth.caller).await?;
    let (_, sha256) = content_of(&video)?;
    let tag = EntityTag::new_strong(format!("{sha256}-storyboard"));
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let board = storyboards.of(&state, &decoding, &video).await?;
    Ok(kept(tag)
        .content_type("text/vtt; charset=utf-8")
        .body(board.web_vtt(|sprite| format!("storyboard/{sprite}.jpg"))))
}

/// Fetch a sprite of a storyboard
#[utoipa::path(
    get, path = "/videos/{id}/storyboard/{sprite}.jpg", tag = "videos",
    params(("id" = Uuid, Path), ("sprite" = u32, Path)),
    responses((status = 200, content_type = "image/jpeg"), (status = 409, description = "The content cannot be decoded")),
)]
pub(super) async fn sprite(
    state: web::Data<State>,
    decoding: web::Data<Decoding>,
    storyboards: web::Data<Storyboards>,
    auth: Authorized<VideosRead>,
    path: web::Path<(Uuid, usize)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, number) = path.into_inner();
    let video = videos::owned(&state.reader, id, &auth.caller).await?;
    let (_, sha256) = content_of(&video)?;
    let tag = EntityTag::new_strong(format!("{sha256}-storyboard-{number}"));
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let board = storyboards.of(&state, &decoding, &video).await?;
    let jpeg = board.sprites.get(number).ok_or_else(|| Problem::not_found("sprite"))?.clone();
    Ok(kept(tag).content_type(mime::IMAGE_JPEG).body(jpeg))
}

fn content_of(video: &video::Model) -> Result<(&str, &str), Problem> {
    match (&video.blob_key, &video.sha256) {
        (Some(key), Some(sha256)) => Ok((key, sha256)),
        _ => Err(no_content()),
    }
}
