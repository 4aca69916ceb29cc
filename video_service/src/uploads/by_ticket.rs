//! Uploading by a ticket: `POST /videos/{id}/upload-tickets`, and what is at the address that it answers.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use service_kit::json::OptionalJson;
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use utoipa::ToSchema;
use uuid::Uuid;

use super::handlers::{self, appended, created, looked, renamed, terminated};
use super::protocol::{Tus, answered};
use super::record::Upload;
use super::ticket::{self, Holder};
use crate::auth::{Authorized, VideosWrite};
use crate::state::State;
use crate::videos::{self, Replaces, UploadQuery};

/// How long a ticket counts where nothing else is asked for.
const DEFAULT_LIFE: TimeDelta = TimeDelta::hours(24);

/// A ticket to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTicket {
    /// Until when it counts: a day where it is not given, at most `uploads.ticket_max_hours`.
    expires_at: Option<DateTime<Utc>>,
}

/// An upload ticket: addresses at this service that need no token.
#[derive(Serialize, ToSchema)]
pub(super) struct Ticket {
    /// For `PUT` of the whole content.
    content_url: String,
    /// For a client of tus 1.0.0.
    tus_url: String,
    /// Until when it counts.
    expires_at: DateTime<Utc>,
}

/// Make an upload ticket
///
/// It lets whoever has it upload this video's content once, without a token: for a browser, say, which then needs none.
/// It goes on counting when the token it was made with ends; not when the account is disabled, the video is deleted or
/// has got other content.
#[utoipa::path(
    post, path = "/videos/{id}/upload-tickets", tag = "uploads", params(("id" = Uuid, Path)),
    request_body = Option<NewTicket>,
    responses((status = 201, body = Ticket)),
)]
pub(super) async fn issue(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    OptionalJson(new): OptionalJson<NewTicket>,
) -> Result<HttpResponse, Problem> {
    let video = videos::owned(&state.db, *id, &auth.caller).await?;
    let now = state.clock.now();
    let longest = TimeDelta::hours(state.uploads.ticket_max_hours.get().into());
    let expires_at = new.expires_at.unwrap_or(now + Ord::min(DEFAULT_LIFE, longest)).trunc_subsecs(0);
    if expires_at <= now || expires_at > now + longest {
        let hours = longest.num_hours();
        let detail = format!("must be in the future, and at most {hours} hours from now");
        return Err(Problem::invalid(vec![FieldError::new("/expires_at", detail)]));
    }
    let ticket = state.tickets.sign(&video, expires_at);
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(Ticket {
        content_url: format!("/tickets/{ticket}/content"),
        tus_url: format!("/tickets/{ticket}/uploads"),
        expires_at,
    }))
}

/// Upload by a ticket
///
/// As `PUT /videos/{id}/content`, without a token. The answer says nothing of the video.
#[utoipa::path(
    put, path = "/tickets/{ticket}/content", tag = "uploads", params(("ticket" = String, Path), UploadQuery),
    request_body(content = inline(String), content_type = "application/octet-stream"), security(()),
    responses((status = 204, description = "The bytes are on the disk, and are the video's content")),
)]
pub(super) async fn put_content(
    state: web::Data<State>,
    holder: Holder,
    Query(query): Query<UploadQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let video = holder.unspent(&state).await?;
    videos::require_expected(&request, &video)?;
    let may_still = async || holder.is_still_good(&state).await;
    let replaces = Replaces::Version(holder.only.version);
    let put = videos::put(&state, video, replaces, query, &request, body, may_still).await;
    // Whoever was quicker has spent it.
    put.map_err(|problem| if videos::is_changed(&problem) { ticket::not_found() } else { problem })?;
    Ok(HttpResponse::NoContent().finish())
}

/// What uploads by a ticket can do
///
/// As `OPTIONS /uploads`; the ticket is not looked at.
#[utoipa::path(
    options, path = "/tickets/{ticket}/uploads", tag = "uploads", security(()), params(("ticket" = String, Path)),
    responses((status = 204, headers(
        ("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = u64), ("Tus-Checksum-Algorithm" = String),
    ))),
)]
pub(super) async fn discover(state: web::Data<State>) -> HttpResponse {
    handlers::discover(state).await
}

/// Begin a resumable upload by a ticket
///
/// As `POST /uploads`, for the ticket's video.
#[utoipa::path(
    post, path = "/tickets/{ticket}/uploads", tag = "uploads", security(()),
    params(
        ("ticket" = String, Path), ("Tus-Resumable" = String, Header), ("Upload-Length" = u64, Header),
        ("Upload-Metadata" = Option<String>, Header), ("Upload-Checksum" = Option<String>, Header),
    ),
    responses((status = 201, headers(
        ("Location" = String), ("Upload-Offset" = u64), ("Upload-Expires" = String), ("Kadr-Video-Id" = String),
    ))),
)]
pub(super) async fn create(
    _: Tus,
    state: web::Data<State>,
    holder: Holder,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    answered(match holder.unspent(&state).await {
        Ok(_) => created(&state, &holder.sender, request.headers(), body).await,
        Err(problem) => Err(problem),
    })
}

/// Send a piece by a ticket
///
/// As `PATCH /uploads/{id}`.
#[utoipa::path(
    patch, path = "/tickets/{ticket}/uploads/{id}", tag = "uploads", security(()),
    params(
        ("ticket" = String, Path), ("id" = Uuid, Path), ("Tus-Resumable" = String, Header),
        ("Upload-Offset" = u64, Header), ("Upload-Checksum" = Option<String>, Header),
    ),
    request_body(content = inline(String), content_type = "application/offset+octet-stream"),
    responses((status = 204, headers(("Upload-Offset" = u64), ("Upload-Expires" = String)))),
)]
pub(super) async fn append(
    _: Tus,
    state: web::Data<State>,
    holder: Holder,
    path: web::Path<(String, Uuid)>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    answered(appended(&state, &holder.sender, path.1, request.headers(), body).await)
}

/// How far an upload by a ticket is
///
/// As `GET` and `HEAD /uploads/{id}`, also when the ticket is spent.
#[utoipa::path(
    get, path = "/tickets/{ticket}/uploads/{id}", tag = "uploads", security(()),
    params(("ticket" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = Upload, headers(("Upload-Offset" = u64), ("Upload-Length" = u64)))),
)]
pub(super) async fn look(
    state: web::Data<State>,
    holder: Holder,
    path: web::Path<(String, Uuid)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answered(looked(&state, &holder.sender, path.1, &request).await)
}

/// Give an upload by a ticket up
///
/// As `DELETE /uploads/{id}`.
#[utoipa::path(
    delete, path = "/tickets/{ticket}/uploads/{id}", tag = "uploads", security(()),
    params(("ticket" = String, Path), ("id" = Uuid, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn terminate(
    _: Tus,
    state: web::Data<State>,
    holder: Holder,
    path: web::Path<(String, Uuid)>,
) -> Result<HttpResponse, Problem> {
    answered(terminated(&state, &holder.sender, path.1).await)
}

/// A request by a ticket and by another name
///
/// As `POST /uploads/{id}`.
#[utoipa::path(
    post, path = "/tickets/{ticket}/uploads/{id}", tag = "uploads", security(()),
    params(
        ("ticket" = String, Path), ("id" = Uuid, Path), ("X-HTTP-Method-Override" = String, Header),
        ("Tus-Resumable" = String, Header),
    ),
    responses((status = 204, description = "As for that method")),
)]
pub(super) async fn by_another_name(
    _: Tus,
    state: web::Data<State>,
    holder: Holder,
    path: web::Path<(String, Uuid)>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    answered(renamed(&state, &holder.sender, path.1, &request, body).await)
}
