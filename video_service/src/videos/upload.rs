//! Bytes coming in: `PUT /videos/{id}/content`, and what multipart creation shares with it.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use entity::video_db::analysis::Priority;
use entity::video_db::video::{self, VideoStatus};
use futures_util::Stream;
use mime::Mime;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, TransactionTrait,
};
use serde::Deserialize;
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use service_kit::task;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use video_analysis::Options;

use super::record::{Video, etag, etag_header};
use crate::auth::{Authorized, VideosWrite};
use crate::blobs::{ReceiveError, Staged, is_full};
use crate::facts::Facts;
use crate::queue::{self, EnqueueError, NewJob};
use crate::state::State;
use crate::webhooks::{self, EventType, Subject};

/// What uploads may call themselves; the engine looks for itself.
const ACCEPTED: &str = "video/*, audio/*, application/octet-stream, application/mp4, application/mxf, \
                        application/ogg or application/x-matroska";
/// The subtypes of `application/` among them.
const ACCEPTED_APPLICATIONS: [&str; 5] = ["octet-stream", "mp4", "mxf", "ogg", "x-matroska"];

/// How an upload is treated.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
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

/// Upload a video's bytes
///
/// The body is the file itself. When the answer comes, the bytes are on the disk. Content that is there already is
/// replaced, its unfinished analysis canceled. `Content-Digest` or `Repr-Digest` (RFC 9530, sha-256) is checked.
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
    let media_type =
        accepted(request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()))?;
    let coding = request.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding != "identity") {
        return Err(
            Problem::unsupported_media_type(ACCEPTED).detail("send the content without Content-Encoding")
        );
    }
    let before = super::owned(&state.db, *id, &auth.caller).await?;
    refuse_by_announced_length(&request, state.uploads.max_bytes.get())?;
    let expected = announced_digest(&request)?;

    let staged = receive(&state, before.id, body).await?;
    verify(&staged, expected)?;
    let content = Content { staged, filename: None, media_type };
    let (row, replaced) =
        task::to_its_end(attach(state.get_ref().clone(), before.id, content, query.analyze)).await?;
    let mut response = if replaced { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(response.insert_header(etag_header(etag(&row))).json(Video::from(row)))
}

/// Receives the content of a video, which must not be empty.
pub(super) async fn receive<S, E>(state: &State, video_id: Uuid, content: S) -> Result<Staged, Problem>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: std::fmt::Display,
{
    // One folder for all: a folder a video would stay behind, empty, when its upload is refused.
    let key = format!("videos/{video_id}-{}", Uuid::now_v7());
    let received = state.blobs.receive(&key, content, state.uploads.max_bytes.get()).await;
    let staged = received.map_err(|error| match error {
        ReceiveError::TooLarge(limit) => Problem::too_large(limit),
        ReceiveError::TooSlow => Problem::too_slow(),
        ReceiveError::Interrupted(error) => Problem::malformed("the upload broke off").cause(error),
        ReceiveError::Storage(error) => storage_failed(&error),
    })?;
    if staged.bytes == 0 {
        return Err(Problem::invalid(vec![FieldError::new("", "the content is empty")]));
    }
    Ok(staged)
}

/// 507 where the store is full, which the operator can change; else our fault.
pub(crate) fn storage_failed(error: &object_store::Error) -> Problem {
    storage_full(is_full(error)).cause(format!("storage: {error}"))
}

/// The answer to a failure of the store.
pub(crate) fn storage_full(is_full: bool) -> Problem {
    if is_full {
        Problem::of_status(StatusCode::INSUFFICIENT_STORAGE).detail("there is no room for this video")
    } else {
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Whether a refusal says that there is no such video.
pub(crate) fn is_not_found(problem: &Problem) -> bool {
    problem.status_code() == StatusCode::NOT_FOUND
}

/// Publishes content, makes it a video's, and queues its analysis. Returns the record and whether there was content
/// before.
async fn attach(
    state: State,
    id: Uuid,
    mut content: Content,
    analyze: bool,
) -> Result<(video::Model, bool), Problem> {
    content.staged.publish().await.map_err(|error| storage_failed(&error))?;
    let key = content.staged.key.clone();
    let arrived = Arrived {
        key: key.clone(),
        bytes: i64::try_from(content.staged.bytes).map_err(Problem::internal)?,
        sha256: content.staged.sha256,
        filename: content.filename,
        media_type: content.media_type,
    };
    match replace_content(&state, id, arrived, analyze).await {
        Ok((transaction, row, old_key)) => {
            // Where a commit fails nobody knows whether it happened: the bytes stay, rather orphaned than lost.
            transaction.commit().await?;
            state.workers.wake();
            let replaced = old_key.is_some();
            state.blobs.discard(old_key).await;
            Ok((row, replaced))
        }
        Err(problem) => {
            state.blobs.discard([key]).await;
            Err(problem)
        }
    }
}

/// Content that is in the store, under its key.
pub(crate) struct Arrived {
    pub(crate) key: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: [u8; 32],
    pub(crate) filename: Option<String>,
    pub(crate) media_type: String,
}

/// Makes content a video's, and queues its analysis.
///
/// Returns a transaction to be committed, the record as it then is, and the key of the content that was there before.
pub(crate) async fn replace_content(
    state: &State,
    id: Uuid,
    content: Arrived,
    analyze: bool,
) -> Result<(DatabaseTransaction, video::Model, Option<String>), Problem> {
    let now = state.clock.now();
    let db = state.db.begin().await?;
    // The update comes first: it makes two uploads to one video take turns on PostgreSQL as well.
    let updated = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(id))
        .filter(video::COLUMN.trashed_at.is_null())
        .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
        .exec(&db)
        .await?;
    let before = video::Entity::find_by_id(id).one(&db).await?;
    let (1, Some(before)) = (updated.rows_affected, before) else {
        return Err(Problem::not_found("video"));
    };
    // What was found in the old content is not known of the new.
    let before = Facts::default().of_record(before);
    let after = video::Model {
        status: VideoStatus::Ready,
        filename: content.filename.or(before.filename),
        media_type: Some(content.media_type),
        bytes: Some(content.bytes),
        sha256: Some(hex::encode(content.sha256)),
        blob_key: Some(content.key),
        updated_at: now,
        ..before
    };
    video::Entity::update(after.clone().into_active_model().reset_all()).exec(&db).await?;
    queue::cancel(&db, id, now).await?;
    announce(&db, &after, now).await?;
    if analyze {
        enqueue(&db, &after, now).await?;
    }
    Ok((db, after, before.blob_key))
}

/// Tells webhooks that the content of `video` is there.
pub(super) async fn announce(
    db: &impl ConnectionTrait,
    video: &video::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let subject = Subject { video_id: video.id, analysis_id: None };
    webhooks::publish(db, video.owner_id, EventType::VideoReady, subject, now).await
}

/// Queues the analysis that an upload starts by itself.
pub(super) async fn enqueue(
    db: &impl ConnectionTrait,
    video: &video::Model,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let options = Options::default();
    let new = NewJob {
        video_id: video.id,
        owner_id: video.owner_id,
        options: &options,
        priority: Priority::default(),
    };
    match queue::enqueue(db, new, now).await {
        Ok(_) => Ok(()),
        Err(EnqueueError::UnderWay) => {
            Err(Problem::internal("an analysis is under way of content just stored"))
        }
        Err(EnqueueError::Database(error)) => Err(error.into()),
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

/// Refuses before a byte is read what says itself that it is too large.
pub(super) fn refuse_by_announced_length(request: &HttpRequest, limit: u64) -> Result<(), Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.and_then(|text| text.parse::<u64>().ok()) {
        Some(bytes) if bytes > limit => Err(Problem::too_large(limit)),
        _ => Ok(()),
    }
}

/// The SHA-256 that the client says its content has (RFC 9530 §2 and §3).
fn announced_digest(request: &HttpRequest) -> Result<Option<[u8; 32]>, Problem> {
    let malformed = |name: &str| {
        Problem::malformed(format!("{name} must have the form sha-256=:<base64>: with a digest of 32 bytes"))
    };
    for name in ["content-digest", "repr-digest"] {
        let Some(value) = request.headers().get(name) else { continue };
        let text = value.to_str().map_err(|_| malformed(name))?;
        // Digests by other algorithms are ignored, as the standard wants.
        let Some(encoded) = text.split(',').find_map(|member| member.trim().strip_prefix("sha-256=")) else {
            continue;
        };
        let encoded = encoded.strip_prefix(':').and_then(|text| text.strip_suffix(':'));
        let digest = encoded.and_then(|text| BASE64_STANDARD.decode(text).ok());
        let digest = digest.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        return digest.ok_or_else(|| malformed(name)).map(Some);
    }
    Ok(None)
}

fn verify(staged: &Staged, expected: Option<[u8; 32]>) -> Result<(), Problem> {
    match expected {
        Some(digest) if digest != staged.sha256 => Err(Problem::invalid(vec![FieldError::new(
            "",
            "the content does not have the digest it came with",
        )])),
        _ => Ok(()),
    }
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
