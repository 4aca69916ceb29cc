//! `/uploads`: the requests of tus 1.0.0.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::upload::{self, UploadStatus};
use sea_orm::EntityTrait;
use service_kit::problem::Problem;
use service_kit::task;
use uuid::Uuid;

use super::beginning::{Announced, begin};
use super::finish::{abandon, finish};
use super::hold::{self, Hold, Purpose, Seized, seize};
use super::metadata::Metadata;
use super::protocol::{self, Tus, answered, describe};
use super::record::Upload;
use super::sender::Sender;
use super::transfer;
use crate::auth::{Authorized, VideosWrite};
use crate::digests::Expected;
use crate::receiving::Place;
use crate::state::State;

/// What uploads can do
///
/// tus 1.0.0: versions, extensions, the largest upload. Needs no token.
#[utoipa::path(
    options, path = "/uploads", tag = "uploads", security(()),
    responses((status = 204, headers(
        ("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = u64), ("Tus-Checksum-Algorithm" = String),
    ))),
)]
pub(super) async fn discover(state: web::Data<State>) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((protocol::RESUMABLE, protocol::VERSION))
        .insert_header((protocol::TUS_VERSION, protocol::VERSION))
        .insert_header(("tus-extension", protocol::EXTENSIONS))
        .insert_header(("tus-max-size", state.uploads.max_bytes.get()))
        .insert_header(("tus-checksum-algorithm", "sha256,sha1"))
        .finish()
}

/// Begin a resumable upload
///
/// tus 1.0.0. `Upload-Metadata` may have `filename`, `filetype`, `title`, `video_id` (of a record of the caller's; else
/// one is made) and `analyze` (`false`). With the media type `application/offset+octet-stream` the body is the first piece.
#[utoipa::path(
    post, path = "/uploads", tag = "uploads",
    params(
        ("Tus-Resumable" = String, Header), ("Upload-Length" = u64, Header),
        ("Upload-Metadata" = Option<String>, Header), ("Upload-Checksum" = Option<String>, Header),
    ),
    responses((status = 201, headers(
        ("Location" = String), ("Upload-Offset" = u64), ("Upload-Expires" = String), ("Kadr-Video-Id" = String),
    ))),
)]
pub(super) async fn create(
    _: Tus,
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    answered(created(&state, &Sender::by_token(auth.caller), request.headers(), body).await)
}

pub(super) async fn created(
    state: &web::Data<State>,
    sender: &Sender,
    headers: &HeaderMap,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let length = protocol::length(headers, state.uploads.max_bytes.get())?;
    let given = headers.get(protocol::METADATA).map(|value| value.to_str()).transpose();
    let text = given.map_err(|_| Problem::malformed("Upload-Metadata is not ASCII"))?.unwrap_or_default();
    let metadata = Metadata::parse(text)?;
    // Some clients, as aiohttp, give a body without bytes a media type as well.
    let is_empty = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0");
    let has_piece = headers.contains_key(header::CONTENT_TYPE) && !is_empty;
    if has_piece {
        protocol::require_piece(headers)?;
    }
    let checksums = protocol::checksums(headers)?;
    let announced = Announced { length, text: text.to_owned(), metadata };
    let row = if has_piece {
        // Who must not bring bytes now does not begin either.
        let place = state.receiving.enter(sender.caller.account_id)?;
        let row = begin(state, sender, announced).await?;
        added(state, row, place, body, checksums).await?
    } else {
        begin(state, sender, announced).await?
    };
    let mut response = HttpResponse::Created();
    describe(&mut response, &row);
    Ok(response.insert_header((header::LOCATION, format!("{}/{}", sender.base, row.id))).finish())
}

/// Send a piece
///
/// tus 1.0.0. The piece must begin where the upload stands. What has arrived when the connection breaks counts, unless
/// the piece has a checksum. When the last byte is answered, the upload is the content of its video.
#[utoipa::path(
    patch, path = "/uploads/{id}", tag = "uploads",
    params(
        ("id" = Uuid, Path), ("Tus-Resumable" = String, Header), ("Upload-Offset" = u64, Header),
        ("Upload-Checksum" = Option<String>, Header),
    ),
    request_body(content = inline(String), content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, headers(("Upload-Offset" = u64), ("Upload-Expires" = String), ("Kadr-Video-Id" = String))),
        (status = 409, description = "The piece does not begin where the upload stands"),
        (status = 410, description = "The upload has expired, or has failed: nothing came of its bytes"),
        (status = 460, description = "The piece does not have its checksum"),
    ),
)]
pub(super) async fn append(
    _: Tus,
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    answered(appended(&state, &Sender::by_token(auth.caller), *id, request.headers(), body).await)
}

pub(super) async fn appended(
    state: &web::Data<State>,
    sender: &Sender,
    id: Uuid,
    headers: &HeaderMap,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    protocol::require_piece(headers)?;
    let offset = protocol::offset(headers)?;
    let checksums = protocol::checksums(headers)?;
    let row = hold::owned(state, id, sender).await?;
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let length = u64::try_from(row.length).map_err(Problem::internal)?;
    if announced.is_some_and(|bytes| offset.saturating_add(bytes) > length) {
        return Err(Problem::too_large(length));
    }
    let row = match seize(state, row, Purpose::Continue).await? {
        Seized::Ended(row) if i64::try_from(offset).ok() == Some(row.offset) => row,
        Seized::Ended(row) => return Err(protocol::wrong_offset(row.offset)),
        Seized::Open(hold) if i64::try_from(offset).ok() != Some(hold.row.offset) => {
            return Err(protocol::wrong_offset(hold.row.offset));
        }
        Seized::Open(hold) => {
            let place = state.receiving.enter(hold.row.owner_id)?;
            receive(state, hold, place, body, checksums, Beginning::Before).await?
        }
    };
    let row = protocol::not_failed(row)?;
    let mut response = HttpResponse::NoContent();
    describe(&mut response, &row);
    Ok(response.finish())
}

/// The first piece, with the creation.
async fn added(
    state: &web::Data<State>,
    row: upload::Model,
    place: Place,
    body: web::Payload,
    checksums: Vec<Expected>,
) -> Result<upload::Model, Problem> {
    match seize(state, row, Purpose::Continue).await? {
        Seized::Open(hold) => {
            protocol::not_failed(receive(state, hold, place, body, checksums, Beginning::Now).await?)
        }
        Seized::Ended(row) => Ok(row),
    }
}

/// When an upload began that a piece belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// With an answer that told its address.
    Before,
    /// With this request, whose failure is all that its client will know of it.
    Now,
}

/// Takes a piece in, and the upload to its end where it was the last one; goes on when the client has gone, for what has
/// arrived counts.
async fn receive(
    state: &web::Data<State>,
    mut hold: Hold,
    place: Place,
    body: web::Payload,
    checksums: Vec<Expected>,
    beginning: Beginning,
) -> Result<upload::Model, Problem> {
    let state = state.get_ref().clone();
    // On the heap: it holds the whole way of a piece.
    task::to_its_end(Box::pin(async move {
        let _place = place;
        if hold.row.status != UploadStatus::Verifying {
            let received = transfer::receive(&state, &mut hold, body, &checksums).await;
            if let (Err(problem), Beginning::Now) = (&received, beginning) {
                abandon(&state, hold, None).await?;
                return Err(problem.clone());
            }
            received?;
        }
        let row = hold.row.clone();
        match finished(&state, hold).await {
            Err(problem) if beginning == Beginning::Now => forsake(&state, row, problem).await,
            outcome => outcome,
        }
    }))
    .await
}

/// Ends a whole upload that its client will not be told of, for its last step has failed; unless that has been done all the same.
async fn forsake(state: &State, row: upload::Model, problem: Problem) -> Result<upload::Model, Problem> {
    match seize(state, row, Purpose::Remove).await {
        Ok(Seized::Open(hold)) => abandon(state, hold, None).await.and(Err(problem)),
        Ok(Seized::Ended(row)) => Ok(row),
        // Nobody can say: the sweep takes it further.
        Err(_) => Err(problem),
    }
}

async fn finished(state: &State, hold: Hold) -> Result<upload::Model, Problem> {
    if hold.row.status == UploadStatus::Verifying { finish(state, hold).await } else { Ok(hold.row) }
}

/// How far an upload is
///
/// `GET` answers with the state, which is the truth; `HEAD` (tus 1.0.0) ends the request that writes, so that its client
/// can go on from the offset that it is told.
#[utoipa::path(
    get, path = "/uploads/{id}", tag = "uploads", params(("id" = Uuid, Path)),
    responses((status = 200, body = Upload, headers(("Upload-Offset" = u64), ("Upload-Length" = u64)))),
)]
pub(super) async fn look(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answered(looked(&state, &Sender::by_token(auth.caller), *id, &request).await)
}

pub(super) async fn looked(
    state: &web::Data<State>,
    sender: &Sender,
    id: Uuid,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut row = hold::owned(state, id, sender).await?;
    if request.method() == Method::HEAD {
        let state = state.get_ref().clone();
        row = task::to_its_end(async move {
            match seize(&state, row, Purpose::Continue).await? {
                Seized::Ended(row) => Ok(row),
                Seized::Open(hold) => finished(&state, hold).await,
            }
        })
        .await?;
    }
    if request.method() == Method::HEAD {
        row = protocol::not_failed(row)?;
    }
    let mut response = HttpResponse::Ok();
    describe(&mut response, &row);
    response.insert_header((protocol::LENGTH, row.length));
    if !row.metadata.is_empty() {
        response.insert_header((protocol::METADATA, row.metadata.as_str()));
    }
    Ok(response.json(Upload::of(row, state.clock.now())))
}

/// Give an upload up
///
/// tus 1.0.0. Its bytes are removed, and the record where it was made for it. What is a video's content already stays.
#[utoipa::path(
    delete, path = "/uploads/{id}", tag = "uploads",
    params(("id" = Uuid, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn terminate(
    _: Tus,
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    answered(terminated(&state, &Sender::by_token(auth.caller), *id).await)
}

pub(super) async fn terminated(
    state: &web::Data<State>,
    sender: &Sender,
    id: Uuid,
) -> Result<HttpResponse, Problem> {
    let row = hold::owned(state, id, sender).await?;
    let state = state.get_ref().clone();
    task::to_its_end(async move {
        match seize(&state, row, Purpose::Remove).await? {
            Seized::Open(hold) if hold.row.status == UploadStatus::Verifying => {
                finish(&state, hold).await?;
            }
            Seized::Open(hold) => return abandon(&state, hold, None).await,
            Seized::Ended(_) => {}
        }
        upload::Entity::delete_by_id(id).exec(&state.db).await?;
        Ok(())
    })
    .await?;
    Ok(HttpResponse::NoContent().insert_header((protocol::RESUMABLE, protocol::VERSION)).finish())
}

/// A request by another name
///
/// tus 1.0.0: `X-HTTP-Method-Override: PATCH` or `DELETE`, for clients that can send neither.
#[utoipa::path(
    post, path = "/uploads/{id}", tag = "uploads",
    params(("id" = Uuid, Path), ("X-HTTP-Method-Override" = String, Header), ("Tus-Resumable" = String, Header)),
    responses((status = 204, description = "As for that method")),
)]
pub(super) async fn by_another_name(
    _: Tus,
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    answered(renamed(&state, &Sender::by_token(auth.caller), *id, &request, body).await)
}

pub(super) async fn renamed(
    state: &web::Data<State>,
    sender: &Sender,
    id: Uuid,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let method = request.headers().get("x-http-method-override").map(header::HeaderValue::as_bytes);
    match method {
        Some(b"PATCH") => appended(state, sender, id, request.headers(), body).await,
        Some(b"DELETE") => terminated(state, sender, id).await,
        _ => Err(Problem::malformed("X-HTTP-Method-Override must be PATCH or DELETE")),
    }
}
