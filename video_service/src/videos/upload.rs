//! Bytes coming in: `PUT /videos/{id}/content`, and what multipart creation shares with it.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use bytes::Bytes;
use entity::video_db::video;
use futures_util::Stream;
use mime::Mime;
use serde::Deserialize;
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use service_kit::task;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::changed_meanwhile;
use super::record::{Video, etag, etag_header, is_expected};
use super::replace::{Replaced, Replaces, replace_content};
use crate::auth::{Authorized, VideosWrite};
use crate::blobs::{Bounds, ReceiveError, Staged, is_full};
use crate::content::{self, Arrived};
use crate::digests::{self, Check, Expected};
use crate::quota;
use crate::state::State;
use crate::unnamed;

/// What uploads may call themselves; the engine looks for itself.
const ACCEPTED: &str = "video/*, audio/*, application/octet-stream, application/mp4, application/mxf, \
                        application/ogg or application/x-matroska";
/// The subtypes of `application/` among them.
const ACCEPTED_APPLICATIONS: [&str; 5] = ["octet-stream", "mp4", "mxf", "ogg", "x-matroska"];

/// How an upload is treated.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    /// Whether its analysis begins by itself.
    #[serde(default = "yes")]
    analyze: bool,
}

fn yes() -> bool {
    true
}

/// Content that has been received and belongs to no record yet. Dropped, it is gone.
pub(super) struct Content {
    pub(super) staged: Staged,
    pub(super) filename: Option<String>,
    pub(super) media_type: String,
}

impl Content {
    /// Makes it visible under its key.
    ///
    /// # Errors
    /// When the database or the store fails.
    pub(super) async fn publish(mut self, state: &State) -> Result<Arrived, Problem> {
        let written = unnamed::write_down(&state.db, [&self.staged.key], state.clock.now()).await;
        if let Err(error) = written {
            self.staged.discard().await.map_err(|error| storage_failed(&error))?;
            return Err(error.into());
        }
        self.staged.publish().await.map_err(|error| storage_failed(&error))?;
        Ok(Arrived {
            key: self.staged.key.clone(),
            bytes: i64::try_from(self.staged.bytes).map_err(Problem::internal)?,
            sha256: self.staged.sha256,
            filename: self.filename,
            media_type: self.media_type,
        })
    }
}

/// Upload a video's bytes
///
/// The body is the file itself. When the answer comes, the bytes are on the disk. Content that is there already is
/// replaced by a new version, its unfinished analysis canceled; analyses that have ended stay with their
/// version. With `If-Match` only if the record is still what the client saw. `Content-Digest` and `Repr-Digest` (RFC 9530,
/// sha-256 and sha-512) are checked. With `If-None-Match: *` only where there is no content yet.
#[utoipa::path(
    put, path = "/videos/{id}/content", tag = "videos", params(("id" = Uuid, Path), UploadQuery),
    request_body(content = inline(String), content_type = "application/octet-stream"),
    responses(
        (status = 201, body = Video, description = "The first content of this video"),
        (status = 200, body = Video, description = "New content in place of the old"),
    ),
)]
pub(super) async fn put_content(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    Query(query): Query<UploadQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let before = super::owned(&state.db, *id, &auth.caller).await?;
    require_expected(&request, &before)?;
    let replaces = if request.headers().contains_key(header::IF_MATCH) {
        Replaces::Revision(before.revision)
    } else if request.headers().contains_key(header::IF_NONE_MATCH) {
        Replaces::Version(before.version)
    } else {
        Replaces::Any
    };
    let row = put(&state, before, replaces, query, &request, body, async || Ok(())).await?;
    let mut response = if row.version > 1 { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(response.insert_header(etag_header(etag(&row))).json(Video::from(row)))
}

/// 412 where the record, or its having no content yet, is not what the client says that it must be (RFC 9110 §13.1).
pub(crate) fn require_expected(request: &HttpRequest, before: &video::Model) -> Result<(), Problem> {
    let only_first = request.headers().get(header::IF_NONE_MATCH).is_some_and(|tags| tags == "*");
    if is_expected(request, &etag(before)) && !(only_first && before.version > 0) {
        Ok(())
    } else {
        Err(changed_meanwhile())
    }
}

/// Makes a request's body the content of `before`, which is the sender's. `may_still` is asked when all has arrived.
///
/// # Errors
/// Why the bytes are not taken; nothing of them is kept then.
pub(crate) async fn put(
    state: &web::Data<State>,
    before: video::Model,
    replaces: Replaces,
    query: UploadQuery,
    request: &HttpRequest,
    body: web::Payload,
    may_still: impl AsyncFnOnce() -> Result<(), Problem>,
) -> Result<video::Model, Problem> {
    let media_type =
        accepted(request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()))?;
    let coding = request.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding != "identity") {
        return Err(
            Problem::unsupported_media_type(ACCEPTED).detail("send the content without Content-Encoding")
        );
    }
    // Not the whole would be taken for the whole (RFC 9110 §14.5).
    if request.headers().contains_key(header::CONTENT_RANGE) {
        return Err(Problem::malformed(
            "content is put whole, without Content-Range; `/uploads` takes pieces",
        ));
    }
    let announced = digests::in_headers(request.headers())?;
    let room = Room::of(state, before.owner_id, before.bytes).await?;
    room.refuse_by_announced_length(request)?;

    let staged = receive(state, before.id, before.owner_id, room, &announced, body).await?;
    may_still().await?;
    let content = Content { staged, filename: None, media_type };
    task::to_its_end(attach(state.get_ref().clone(), before.id, replaces, content, query.analyze)).await
}

/// How many bytes may come.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Of one video.
    max_bytes: u64,
    /// Of the account, besides what it has.
    quota: Option<u64>,
    /// What the account may have in all, to say so.
    limit: u64,
}

impl Room {
    /// What `account` may send, in place of `replaced` bytes.
    pub(super) async fn of(state: &State, account: Uuid, replaced: Option<i64>) -> Result<Self, Problem> {
        let replaced = replaced.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        let quota = state.quota.room(&state.db, account, state.clock.now()).await?;
        Ok(Self {
            max_bytes: state.uploads.max_bytes.get(),
            quota: quota.map(|room| room.saturating_add(replaced)),
            limit: state.quota.max_bytes_per_account.map_or(u64::MAX, std::num::NonZeroU64::get),
        })
    }

    fn bytes(self) -> u64 {
        self.quota.map_or(self.max_bytes, |quota| Ord::min(quota, self.max_bytes))
    }

    fn check(self, bytes: u64) -> Result<(), Problem> {
        if bytes > self.max_bytes {
            Err(Problem::too_large(self.max_bytes))
        } else if self.quota.is_some_and(|quota| bytes > quota) {
            Err(quota::too_many_bytes(self.limit))
        } else {
            Ok(())
        }
    }

    /// Refuses before a byte is read what says itself that it is too large.
    pub(super) fn refuse_by_announced_length(self, request: &HttpRequest) -> Result<(), Problem> {
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        announced.and_then(|text| text.parse::<u64>().ok()).map_or(Ok(()), |bytes| self.check(bytes))
    }
}

/// Receives the content of a video, which must not be empty, and must have the digests that it was announced with.
pub(super) async fn receive<S, E>(
    state: &State,
    video_id: Uuid,
    account: Uuid,
    room: Room,
    announced: &[Expected],
    content: S,
) -> Result<Staged, Problem>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: std::fmt::Display,
{
    // One folder for all: a folder a video would stay behind, empty, when its upload is refused.
    let key = format!("videos/{video_id}-{}", Uuid::now_v7());
    let _place = state.receiving.enter(account)?;
    let bounds = Bounds { max_bytes: room.bytes(), min_bytes_per_second: state.uploads.min_bytes_per_second };
    // SHA-256 is computed of all content anyhow.
    let (sha256, others): (Vec<_>, Vec<_>) =
        announced.iter().partition(|digest| matches!(digest, Expected::Sha256(_)));
    let checks = others.into_iter().map(Expected::check).collect();
    let received = state.blobs.receive(&key, content, bounds, checks).await;
    let staged = received.map_err(|error| match error {
        ReceiveError::TooLarge(limit) => {
            room.check(limit.saturating_add(1)).err().unwrap_or_else(|| Problem::too_large(limit))
        }
        ReceiveError::TooSlow => Problem::too_slow(),
        ReceiveError::Interrupted(error) => Problem::malformed("the upload broke off").cause(error),
        ReceiveError::Storage(error) => storage_failed(&error),
    })?;
    let found = Expected::Sha256(staged.sha256.to_vec());
    let refusal = if staged.bytes == 0 {
        Problem::invalid(vec![FieldError::new("", "the content is empty")])
    } else if sha256.into_iter().any(|digest| *digest != found) || !staged.checks.iter().all(Check::is_met) {
        digests::mismatch()
    } else {
        return Ok(staged);
    };
    // Dropped, they would be gone as well, but later than the answer.
    staged.discard().await.map_err(|error| storage_failed(&error))?;
    Err(refusal)
}

/// 507 where the store is full, which the operator can change; else our fault.
pub(crate) fn storage_failed(error: &object_store::Error) -> Problem {
    storage_full(is_full(error)).cause(format!("storage: {error}"))
}

/// The answer to a failure of the store.
pub(crate) fn storage_full(is_full: bool) -> Problem {
    if is_full {
        Problem::insufficient_storage()
    } else {
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Whether a refusal says that the video is not any more what was to be replaced.
pub(crate) fn is_changed(problem: &Problem) -> bool {
    problem.status_code() == StatusCode::PRECONDITION_FAILED
}

/// Whether a refusal says that there is no such video.
pub(crate) fn is_not_found(problem: &Problem) -> bool {
    problem.status_code() == StatusCode::NOT_FOUND
}

/// Publishes content, makes it a video's, and queues its analysis.
async fn attach(
    state: State,
    id: Uuid,
    replaces: Replaces,
    received: Content,
    analyze: bool,
) -> Result<video::Model, Problem> {
    let arrived = received.publish(&state).await?;
    let key = arrived.key.clone();
    match replace_content(&state, id, replaces, arrived, analyze).await {
        Ok(Replaced { transaction, video, unnamed }) => {
            content::commit(transaction, &state, key).await?;
            state.workers.wake();
            unnamed::remove(&state.db, &state.blobs, &unnamed).await;
            Ok(video)
        }
        Err(problem) => {
            unnamed::remove(&state.db, &state.blobs, &[key]).await;
            Err(problem)
        }
    }
}

/// The media type of an upload, where it is one that is taken.
pub(crate) fn accepted(content_type: Option<&str>) -> Result<String, Problem> {
    let parsed: Option<Mime> = content_type.and_then(|text| text.parse().ok());
    let kind = parsed.ok_or_else(|| Problem::unsupported_media_type(ACCEPTED))?;
    let taken = match kind.type_() {
        mime::VIDEO | mime::AUDIO => true,
        mime::APPLICATION => ACCEPTED_APPLICATIONS.contains(&kind.subtype().as_str()),
        _ => false,
    };
    if taken { Ok(kind.essence_str().to_owned()) } else { Err(Problem::unsupported_media_type(ACCEPTED)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_video_audio_and_plain_bytes_are_taken() {
        for taken in ["video/mp4", "audio/mpeg", "application/octet-stream", "application/mxf; x=y"] {
            assert!(accepted(Some(taken)).is_ok(), "{taken}");
        }
        for refused in
            [None, Some("text/html"), Some("application/json"), Some("nonsense"), Some("image/png")]
        {
            assert!(accepted(refused).is_err(), "{refused:?}");
        }
    }
}
