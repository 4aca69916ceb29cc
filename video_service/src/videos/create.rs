//! `POST /videos`: a record that waits for its bytes, or a record and its bytes in one request.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use entity::video_db::video::{self, VideoStatus};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, TransactionTrait};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use service_kit::task;
use utoipa::ToSchema;

use super::checks::Checks;
use super::form::{self, VideoForm};
use super::record::{self, Video, etag, etag_header};
use super::replace::{self, Replaced};
use super::upload::Content;
use super::{by_digest, metadata, tags};
use crate::auth::{Authorized, VideosWrite};
use crate::blobs::BlobStore;
use crate::content::{self, Arrived};
use crate::idempotency::{self, Attempt, IdempotencyKey};
use crate::state::State;
use crate::unnamed;

/// A record to be made.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewVideo {
    /// 1 to 200 characters.
    title: String,
    /// At most 5000 characters.
    description: Option<String>,
    /// At most 32, of 1 to 64 characters; kept in lower case, each once.
    #[serde(default)]
    tags: Vec<String>,
    /// What another system calls it: 1 to 200 characters. No other video of yours has it.
    external_id: Option<String>,
    /// A JSON object to be kept beside it: at most 16 KiB, nested at most 16 deep.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// SHA-256, in hexadecimal, of bytes that the caller has here already: they are its content at once.
    sha256: Option<String>,
    /// `false`: do not begin the analysis of that content by itself.
    analyze: Option<bool>,
}

/// Make a video
///
/// As JSON: a record that waits for its bytes, or has them by `sha256`. As a form: the record and its bytes in one
/// request, which may have `Content-Digest` and `Repr-Digest` (RFC 9530), and so may the file's part. Sent again with the same `Idempotency-Key` within 24 hours, the request makes nothing, and is answered with
/// what it has made.
#[utoipa::path(
    post, path = "/videos", tag = "videos", params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content(
        (NewVideo = "application/json"),
        (VideoForm = "multipart/form-data"),
    )),
    responses(
        (status = 201, body = Video, headers(("Location" = String))),
        (status = 403, description = "The account's quota is used up"),
        (status = 409, description = "A request with this key is under way, or another video has the `external_id`"),
    ),
)]
pub(super) async fn create(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    key: IdempotencyKey,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let row = if request.content_type().eq_ignore_ascii_case("multipart/form-data") {
        from_form(&state, &auth, key, &request, body).await?
    } else if request.content_type().is_empty() {
        return Err(Problem::unsupported_media_type("application/json or multipart/form-data"));
    } else {
        from_json(&state, &auth, key, &request, body.into_inner()).await?
    };
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/videos/{}", row.id)))
        .insert_header(etag_header(etag(&row)))
        .json(Video::from(row)))
}

async fn from_json(
    state: &State,
    auth: &Authorized<VideosWrite>,
    key: IdempotencyKey,
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<video::Model, Problem> {
    let Json(new) = Json::<NewVideo>::from_request(request, &mut payload).await?;
    let asked = serde_json::to_vec(&new).map_err(Problem::internal)?;
    let attempt = key.attempt(auth.caller.account_id, &[b"video", &asked]);
    if let Some(made) = made_before(state, auth, attempt.as_ref()).await? {
        return Ok(made);
    }
    let (sha256, analyze) = (new.sha256.clone(), new.analyze.unwrap_or(true));
    let row = new.check(super::new_record(&auth.caller, String::new(), None, state.clock.now()))?;
    let db = state.db.begin().await?;
    remember(&db, attempt.as_ref(), &row).await?;
    let row = match sha256 {
        Some(sha256) => with_own_content(&db, &state.blobs, row, &sha256).await?,
        None => row,
    };
    super::insert(&db, &row, state.quota).await?;
    announce_content(&db, &row, analyze).await?;
    db.commit().await?;
    state.workers.wake();
    Ok(row)
}

/// `row` with content that its owner has already.
async fn with_own_content(
    db: &impl ConnectionTrait,
    blobs: &BlobStore,
    row: video::Model,
    sha256: &str,
) -> Result<video::Model, Problem> {
    let wrong = |reason: &str| Problem::invalid(vec![FieldError::new("/sha256", reason)]);
    let sha256 = by_digest::digest(sha256).map_err(|reason| wrong(&reason))?;
    let absent = || wrong("is not that of any content of yours");
    let found = content::at_hand(db, blobs, row.owner_id, &sha256).await?.ok_or_else(absent)?;
    if !content::share(db, row.owner_id, &found.blob_key).await? {
        return Err(absent());
    }
    let other = video::Entity::find()
        .filter(video::COLUMN.owner_id.eq(row.owner_id))
        .filter(video::COLUMN.blob_key.eq(found.blob_key.clone()));
    let other = other.one(db).await?;
    Ok(video::Model {
        status: VideoStatus::Ready,
        version: 1,
        media_type: other.as_ref().and_then(|other| other.media_type.clone()),
        filename: other.and_then(|other| other.filename),
        bytes: Some(found.bytes),
        sha256: Some(sha256),
        blob_key: Some(found.blob_key),
        ..row
    })
}

/// What an earlier attempt has made, as it is by now.
async fn made_before(
    state: &State,
    auth: &Authorized<VideosWrite>,
    attempt: Option<&Attempt>,
) -> Result<Option<video::Model>, Problem> {
    let Some(attempt) = attempt else { return Ok(None) };
    match attempt.made(&state.db).await? {
        Some(id) => super::owned(&state.db, id, &auth.caller).await.map(Some),
        None => Ok(None),
    }
}

/// Writes down which record an attempt makes.
async fn remember(
    db: &impl ConnectionTrait,
    attempt: Option<&Attempt>,
    row: &video::Model,
) -> Result<(), Problem> {
    let Some(attempt) = attempt else { return Ok(()) };
    attempt.remember(db, row.id, row.created_at).await.map_err(|error| idempotency::refused(&error))
}

impl NewVideo {
    /// `row` with what this says, or everything that is wrong with it.
    fn check(self, row: video::Model) -> Result<video::Model, Problem> {
        let mut checks = Checks::default();
        let title = checks.keep("/title", record::title(&self.title));
        let description =
            self.description.map(|text| checks.keep("/description", record::description(&text)));
        let tags = tags::parse(&self.tags, checks.errors());
        let external_id =
            self.external_id.map(|text| checks.keep("/external_id", record::external_id(&text)));
        let metadata = self.metadata.map(|members| checks.keep("/metadata", metadata::check(members)));
        checks.finish()?;
        Ok(video::Model {
            title: title.unwrap_or_default(),
            description: description.flatten(),
            tags,
            external_id: external_id.flatten(),
            metadata: metadata.flatten().unwrap_or(row.metadata),
            ..row
        })
    }
}

async fn from_form(
    state: &State,
    auth: &Authorized<VideosWrite>,
    key: IdempotencyKey,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<video::Model, Problem> {
    let row = super::new_record(&auth.caller, String::new(), None, state.clock.now());
    let form = form::read(state, &row, request, body).await?;
    let content =
        form.content.ok_or_else(|| Problem::invalid(vec![FieldError::new("/file", "is missing")]))?;
    let new = NewVideo {
        title: form.title.unwrap_or_else(|| record::title_of_file(content.filename.as_deref())),
        description: form.description,
        tags: form.tags,
        external_id: form.external_id,
        metadata: form.metadata,
        sha256: None,
        analyze: form.analyze,
    };
    let asked = serde_json::to_vec(&new).map_err(Problem::internal)?;
    let attempt = key.attempt(auth.caller.account_id, &[b"video", &asked, &content.staged.sha256]);
    if let Some(made) = made_before(state, auth, attempt.as_ref()).await? {
        return Ok(made);
    }
    let analyze = new.analyze.unwrap_or(true);
    let row = new.check(row)?;
    task::to_its_end(write_record(state.clone(), row, content, attempt, analyze)).await
}

/// Publishes the content and writes the record that names it.
async fn write_record(
    state: State,
    row: video::Model,
    received: Content,
    attempt: Option<Attempt>,
    analyze: bool,
) -> Result<video::Model, Problem> {
    let arrived = received.publish(&state).await?;
    let key = arrived.key.clone();
    match insert(&state, row, arrived, attempt.as_ref(), analyze).await {
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

async fn insert(
    state: &State,
    row: video::Model,
    arrived: Arrived,
    attempt: Option<&Attempt>,
    analyze: bool,
) -> Result<Replaced, Problem> {
    let db = state.db.begin().await?;
    remember(&db, attempt, &row).await?;
    let key = content::keep(&db, &state.blobs, row.owner_id, &arrived, row.created_at).await?;
    let unnamed = (key != arrived.key).then_some(arrived.key).into_iter().collect();
    let row = video::Model {
        status: VideoStatus::Ready,
        version: 1,
        filename: arrived.filename,
        media_type: Some(arrived.media_type),
        bytes: Some(arrived.bytes),
        sha256: Some(hex::encode(arrived.sha256)),
        blob_key: Some(key),
        ..row
    };
    super::insert(&db, &row, state.quota).await?;
    state.quota.check_bytes(&db, row.owner_id).await?;
    announce_content(&db, &row, analyze).await?;
    Ok(Replaced { transaction: db, video: row, unnamed })
}

/// What follows where a new record has content.
async fn announce_content(
    db: &impl ConnectionTrait,
    row: &video::Model,
    analyze: bool,
) -> Result<(), Problem> {
    if row.blob_key.is_none() {
        return Ok(());
    }
    content::write_version(db, row).await?;
    replace::announce(db, row, row.created_at).await?;
    if analyze {
        replace::enqueue(db, row, row.created_at).await?;
    }
    Ok(())
}
