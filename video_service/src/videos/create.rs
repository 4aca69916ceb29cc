//! `POST /videos`: a record that waits for its bytes, or a record and its bytes in one request.

use std::collections::HashSet;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use entity::video_db::video::{self, VideoStatus};
use futures_util::StreamExt;
use sea_orm::{DatabaseTransaction, TransactionTrait};
use serde::Deserialize;
use serde_json::{Map, Value};
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use service_kit::task;
use utoipa::ToSchema;

use super::checks::Checks;
use super::record::{self, Video, etag, etag_header};
use super::upload::{self, Content};
use super::{metadata, tags};
use crate::auth::{Authorized, VideosWrite};
use crate::blobs::Staged;
use crate::state::State;

/// Longest text part of a form, in bytes: the longest description in four-byte characters.
const MAX_TEXT_PART: usize = 20_000;
/// Most parts of a form.
const MAX_PARTS: usize = 16;

/// A record to be made.
#[derive(Debug, Deserialize, ToSchema)]
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
}

/// A form with a record and its bytes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used; the form is read as a stream")]
pub(super) struct VideoForm {
    /// The file itself.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// 1 to 200 characters; the file's name where it is not given.
    title: Option<String>,
    /// At most 5000 characters.
    description: Option<String>,
    /// Separated by commas.
    tags: Option<String>,
    /// What another system calls it.
    external_id: Option<String>,
    /// The text of a JSON object.
    metadata: Option<String>,
    /// `false`: do not begin the analysis by itself.
    analyze: Option<bool>,
}

/// Make a video
///
/// As JSON: a record that waits for its bytes. As a form: the record and its bytes in one request.
#[utoipa::path(
    post, path = "/videos", tag = "videos",
    request_body(content(
        (NewVideo = "application/json"),
        (VideoForm = "multipart/form-data"),
    )),
    responses(
        (status = 201, body = Video, headers(("Location" = String))),
    ),
)]
pub(super) async fn create(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let row = if request.content_type().eq_ignore_ascii_case("multipart/form-data") {
        upload::refuse_by_announced_length(&request, state.uploads.max_bytes.get())?;
        from_form(&state, &auth, Multipart::new(request.headers(), body)).await?
    } else if request.content_type().is_empty() {
        return Err(Problem::unsupported_media_type("application/json or multipart/form-data"));
    } else {
        from_json(&state, &auth, &request, body.into_inner()).await?
    };
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/videos/{}", row.id)))
        .insert_header(etag_header(etag(&row)))
        .json(Video::from(row)))
}

async fn from_json(
    state: &State,
    auth: &Authorized<VideosWrite>,
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<video::Model, Problem> {
    let Json(new) = Json::<NewVideo>::from_request(request, &mut payload).await?;
    let row = new.check(super::new_record(&auth.caller, String::new(), None, state.clock.now()))?;
    let db = state.db.begin().await?;
    super::insert(&db, &row).await?;
    db.commit().await?;
    Ok(row)
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

/// What a form has said so far.
#[derive(Default)]
struct Form {
    title: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    external_id: Option<String>,
    metadata: Option<Map<String, Value>>,
    analyze: Option<bool>,
    content: Option<Content>,
}

async fn from_form(
    state: &State,
    auth: &Authorized<VideosWrite>,
    parts: Multipart,
) -> Result<video::Model, Problem> {
    let row = super::new_record(&auth.caller, String::new(), None, state.clock.now());
    let form = read_form(state, row.id, parts).await?;
    let content =
        form.content.ok_or_else(|| Problem::invalid(vec![FieldError::new("/file", "is missing")]))?;
    let new = NewVideo {
        title: form.title.unwrap_or_else(|| record::title_of_file(content.filename.as_deref())),
        description: form.description,
        tags: form.tags,
        external_id: form.external_id,
        metadata: form.metadata,
    };
    let row = video::Model {
        status: VideoStatus::Ready,
        filename: content.filename,
        media_type: Some(content.media_type),
        bytes: Some(i64::try_from(content.staged.bytes).map_err(Problem::internal)?),
        sha256: Some(hex::encode(content.staged.sha256)),
        blob_key: Some(content.staged.key.clone()),
        ..new.check(row)?
    };
    let analyze = form.analyze.unwrap_or(true);
    task::to_its_end(write_record(state.clone(), row, content.staged, analyze)).await
}

async fn read_form(state: &State, id: uuid::Uuid, mut parts: Multipart) -> Result<Form, Problem> {
    let mut form = Form::default();
    let mut seen = HashSet::new();
    for _ in 0..MAX_PARTS {
        let Some(part) = parts.next().await else { return Ok(form) };
        let mut part = part.map_err(|error| Problem::malformed("the form cannot be read").cause(error))?;
        let name = part.name().unwrap_or_default().to_owned();
        if !seen.insert(name.clone()) {
            let name: String = name.chars().take(64).collect();
            return Err(Problem::invalid(vec![FieldError::new(format!("/{name}"), "was given twice")]));
        }
        match name.as_str() {
            "title" => form.title = Some(text(&mut part).await?),
            "description" => form.description = Some(text(&mut part).await?),
            "tags" => form.tags = text(&mut part).await?.split(',').map(ToOwned::to_owned).collect(),
            "external_id" => form.external_id = Some(text(&mut part).await?),
            "metadata" => form.metadata = Some(object(&text(&mut part).await?)?),
            "analyze" => form.analyze = Some(flag(&text(&mut part).await?)?),
            "file" => form.content = Some(file(state, id, part).await?),
            other => {
                let name: String = other.chars().take(64).collect();
                return Err(Problem::invalid(vec![FieldError::new(format!("/{name}"), "is not known here")]));
            }
        }
    }
    Err(Problem::malformed(format!("the form has more than {MAX_PARTS} parts")))
}

async fn file(state: &State, id: uuid::Uuid, part: Field) -> Result<Content, Problem> {
    let media_type = upload::accepted(part.content_type().map(AsRef::as_ref))?;
    let given = part.content_disposition().and_then(|disposition| disposition.get_filename());
    let filename = given.and_then(record::filename);
    Ok(Content { staged: upload::receive(state, id, part).await?, filename, media_type })
}

async fn text(part: &mut Field) -> Result<String, Problem> {
    let pointer = format!("/{}", part.name().unwrap_or_default());
    let wrong = |detail: &str| Problem::invalid(vec![FieldError::new(pointer.clone(), detail)]);
    let bytes = part
        .bytes(MAX_TEXT_PART)
        .await
        .map_err(|_| wrong("is too long"))?
        .map_err(|error| Problem::malformed("the form cannot be read").cause(error))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong("is not UTF-8"))
}

fn flag(text: &str) -> Result<bool, Problem> {
    text.parse().map_err(|_| Problem::invalid(vec![FieldError::new("/analyze", "must be true or false")]))
}

fn object(text: &str) -> Result<Map<String, Value>, Problem> {
    metadata::parse(text).map_err(|detail| Problem::invalid(vec![FieldError::new("/metadata", detail)]))
}

/// Publishes the content and writes the record that names it.
async fn write_record(
    state: State,
    row: video::Model,
    mut staged: Staged,
    analyze: bool,
) -> Result<video::Model, Problem> {
    staged.publish().await.map_err(|error| upload::storage_failed(&error))?;
    match insert(&state, &row, analyze).await {
        // As for any upload: bytes rather orphaned than lost.
        Ok(transaction) => transaction.commit().await?,
        Err(problem) => {
            state.blobs.discard([staged.key]).await;
            return Err(problem);
        }
    }
    state.workers.wake();
    Ok(row)
}

/// Returns a transaction to be committed.
async fn insert(state: &State, row: &video::Model, analyze: bool) -> Result<DatabaseTransaction, Problem> {
    let db = state.db.begin().await?;
    super::insert(&db, row).await?;
    upload::announce(&db, row, row.created_at).await?;
    if analyze {
        upload::enqueue(&db, row, row.created_at).await?;
    }
    Ok(db)
}
