//! Bytes coming in: `PUT /videos/{id}/content`, and what multipart creation shares with it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use entity::video_db::video::{self, VideoStatus};
use futures_util::Stream;
use mime::Mime;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, TransactionTrait};
use serde::Deserialize;
use service_kit::problem::{FieldError, Problem};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use video_analysis::Options;

use super::record::{Video, etag, etag_header};
use crate::auth::{Authorized, VideosWrite};
use crate::blobs::{ReceiveError, Stored};
use crate::queue::{self, EnqueueError};
use crate::state::State;

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

/// Content that is stored and belongs to no record yet.
pub(super) struct Content {
    pub(super) key: String,
    pub(super) stored: Stored,
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
    query: web::Query<UploadQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let media_type =
        accepted(request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()))?;
    let before = super::owned(&state.db, *id, &auth.caller).await?;
    refuse_by_announced_length(&request, state.max_upload_bytes)?;
    let expected = announced_digest(&request)?;

    let stored = store(&state, before.id, body).await?;
    let content = Content { key: stored.0, stored: stored.1, filename: None, media_type };
    if let Err(problem) = verify(&content.stored, expected) {
        state.blobs.discard([content.key]).await;
        return Err(problem);
    }
    let (row, replaced) = attach(&state, before.id, content, query.analyze).await?;
    let mut response = if replaced { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(response.insert_header(etag_header(etag(&row))).json(Video::from(row)))
}

/// Stores `content` for a video under a new key; the key and what was stored.
pub(super) async fn store<S, E>(
    state: &State,
    video_id: Uuid,
    content: S,
) -> Result<(String, Stored), Problem>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: std::fmt::Display,
{
    let key = format!("videos/{video_id}/{}", Uuid::now_v7());
    let stored =
        state.blobs.receive(&key, content, state.max_upload_bytes).await.map_err(|error| match error {
            ReceiveError::TooLarge(limit) => Problem::too_large(limit),
            ReceiveError::Interrupted(error) => Problem::malformed("the upload broke off").cause(error),
            ReceiveError::Storage(error) => Problem::internal(format!("storage: {error}")),
        })?;
    if stored.bytes == 0 {
        state.blobs.discard([key]).await;
        return Err(Problem::invalid(vec![FieldError::new("", "the content is empty")]));
    }
    Ok((key, stored))
}

/// Makes stored content a video's, and queues its analysis. Returns the record and whether there was content before.
/// On an error the content is gone again.
async fn attach(
    state: &State,
    id: Uuid,
    content: Content,
    analyze: bool,
) -> Result<(video::Model, bool), Problem> {
    let key = content.key.clone();
    match replace_content(state, id, content, analyze).await {
        Ok((row, old_key)) => {
            let replaced = old_key.is_some();
            state.blobs.discard(old_key).await;
            state.workers.wake();
            Ok((row, replaced))
        }
        Err(problem) => {
            state.blobs.discard([key]).await;
            Err(problem)
        }
    }
}

/// In one transaction; returns the record and the key of the content that was there before.
async fn replace_content(
    state: &State,
    id: Uuid,
    content: Content,
    analyze: bool,
) -> Result<(video::Model, Option<String>), Problem> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let bytes = i64::try_from(content.stored.bytes).map_err(Problem::internal)?;
    // The update comes first: it makes two uploads to one video take turns on PostgreSQL as well.
    let updated = video::Entity::update_many()
        .filter(video::COLUMN.id.eq(id))
        .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
        .exec(&transaction)
        .await?;
    let before = video::Entity::find_by_id(id).one(&transaction).await?;
    let (1, Some(before)) = (updated.rows_affected, before) else {
        transaction.rollback().await?;
        return Err(Problem::not_found("video"));
    };
    let filename = content.filename.or(before.filename);
    video::Entity::update_many()
        .filter(video::COLUMN.id.eq(id))
        .col_expr(video::Column::Status, Expr::value(VideoStatus::Ready))
        .col_expr(video::Column::Filename, Expr::value(filename))
        .col_expr(video::Column::MediaType, Expr::value(content.media_type))
        .col_expr(video::Column::Bytes, Expr::value(bytes))
        .col_expr(video::Column::Sha256, Expr::value(hex::encode(content.stored.sha256)))
        .col_expr(video::Column::BlobKey, Expr::value(content.key))
        .col_expr(video::Column::UpdatedAt, Expr::value(now))
        .exec(&transaction)
        .await?;
    queue::cancel(&transaction, id, now).await?;
    if analyze {
        enqueue(&transaction, id, now).await?;
    }
    let row = video::Entity::find_by_id(id).one(&transaction).await?;
    transaction.commit().await?;
    Ok((row.ok_or_else(|| Problem::not_found("video"))?, before.blob_key))
}

/// Queues the analysis that an upload starts by itself.
pub(super) async fn enqueue(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Problem> {
    match queue::enqueue(db, id, &Options::default(), now).await {
        Ok(_) => Ok(()),
        Err(EnqueueError::UnderWay) => {
            Err(Problem::internal("an analysis is under way of content just stored"))
        }
        Err(EnqueueError::Database(error)) => Err(error.into()),
    }
}

/// The media type of an upload, where it is one that is taken.
pub(super) fn accepted(content_type: Option<&str>) -> Result<String, Problem> {
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

fn verify(stored: &Stored, expected: Option<[u8; 32]>) -> Result<(), Problem> {
    match expected {
        Some(digest) if digest != stored.sha256 => Err(Problem::invalid(vec![FieldError::new(
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
