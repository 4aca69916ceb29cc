//! The form by which a record and its bytes come in one request.

use std::cell::RefCell;
use std::collections::HashSet;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::error::PayloadError;
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use entity::video_db::video;
use futures_util::{Stream, StreamExt};
use serde_json::{Map, Value};
use service_kit::problem::{FieldError, Problem};
use utoipa::ToSchema;

use super::metadata;
use super::record;
use super::upload::{self, Content, Room};
use crate::digests::{self, Check, Expected};
use crate::state::State;

/// Longest text part of a form, in bytes: the longest description in four-byte characters.
const MAX_TEXT_PART: usize = 20_000;
/// Most parts of a form.
const MAX_PARTS: usize = 16;
/// How long a text part may take to arrive, and what is between parts: it is small.
const TEXT_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes after the last part of one, which nobody reads.
const MAX_EPILOGUE: usize = 4096;

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

/// What a form has said so far.
#[derive(Default)]
pub(super) struct Form {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) external_id: Option<String>,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) analyze: Option<bool>,
    pub(super) content: Option<Content>,
}

/// Reads a form whose file belongs to `row`, and receives the file.
///
/// # Errors
/// What is wrong with a part of it; nothing of the file is kept then.
pub(super) async fn read(
    state: &State,
    row: &video::Model,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<Form, Problem> {
    let room = Room::of(state, row.owner_id, None).await?;
    room.refuse_by_announced_length(request)?;
    let announced = digests::in_headers(request.headers())?;
    if announced.is_empty() {
        return read_parts(state, row, room, Multipart::new(request.headers(), body)).await;
    }
    let body = Checked::new(body, &announced);
    let form = read_parts(state, row, room, Multipart::new(request.headers(), body.clone())).await?;
    if body.ends_as_announced().await? {
        return Ok(form);
    }
    if let Some(content) = form.content {
        content.staged.discard().await.map_err(|error| upload::storage_failed(&error))?;
    }
    Err(digests::mismatch())
}

async fn read_parts(
    state: &State,
    row: &video::Model,
    room: Room,
    mut parts: Multipart,
) -> Result<Form, Problem> {
    let mut form = Form::default();
    let mut seen = HashSet::new();
    for _ in 0..MAX_PARTS {
        let Some(part) = in_time(parts.next()).await? else { return Ok(form) };
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
            "file" => form.content = Some(file(state, row, room, part).await?),
            other => {
                let name: String = other.chars().take(64).collect();
                return Err(Problem::invalid(vec![FieldError::new(format!("/{name}"), "is not known here")]));
            }
        }
    }
    Err(Problem::malformed(format!("the form has more than {MAX_PARTS} parts")))
}

async fn file(state: &State, row: &video::Model, room: Room, part: Field) -> Result<Content, Problem> {
    let media_type = upload::accepted(part.content_type().map(AsRef::as_ref))?;
    let given = part.content_disposition().and_then(|disposition| disposition.get_filename());
    let filename = given.and_then(record::filename);
    let announced = digests::in_headers(part.headers())?;
    let staged = upload::receive(state, row.id, row.owner_id, room, &announced, part).await?;
    Ok(Content { staged, filename, media_type })
}

async fn in_time<T>(arrival: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(TEXT_TIMEOUT, arrival).await.map_err(|_| Problem::too_slow())
}

async fn text(part: &mut Field) -> Result<String, Problem> {
    let pointer = format!("/{}", part.name().unwrap_or_default());
    let wrong = |detail: &str| Problem::invalid(vec![FieldError::new(pointer.clone(), detail)]);
    let bytes = in_time(part.bytes(MAX_TEXT_PART))
        .await?
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

/// The body of a form as it comes, and its digests so far. Clones share it, so that who reads the form and who compares
/// the digests in the end read the same body.
#[derive(Clone)]
struct Checked(Rc<RefCell<(web::Payload, Vec<Check>)>>);

impl Checked {
    fn new(body: web::Payload, announced: &[Expected]) -> Self {
        Self(Rc::new(RefCell::new((body, announced.iter().map(Expected::check).collect()))))
    }

    /// Whether all of it, with what is behind the last part, is what was announced.
    async fn ends_as_announced(mut self) -> Result<bool, Problem> {
        let mut epilogue = 0;
        while let Some(chunk) = in_time(self.next()).await? {
            epilogue += chunk.map_err(|error| Problem::malformed("the form broke off").cause(error))?.len();
            if epilogue > MAX_EPILOGUE {
                return Err(Problem::malformed("too much follows the last part of the form"));
            }
        }
        Ok(self.0.borrow().1.iter().all(Check::is_met))
    }
}

impl Stream for Checked {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (body, checks) = &mut *self.0.borrow_mut();
        let next = Pin::new(body).poll_next(context);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            for check in checks {
                check.update(chunk);
            }
        }
        next
    }
}
