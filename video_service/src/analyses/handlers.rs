//! `POST`, `GET` and `DELETE /videos/{id}/analysis`.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use entity::video_db::analysis::AnalysisStatus;
use entity::video_db::analysis_report;
use sea_orm::EntityTrait;
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use uuid::Uuid;
use video_analysis::Options;

use super::record::Analysis;
use crate::auth::{AnalysisWrite, Authorized, VideosRead};
use crate::queue::{self, EnqueueError};
use crate::state::State;
use crate::videos::owned;
use crate::videos::record::{etag_header, is_unchanged};

/// Start an analysis
///
/// With options as body, or none for the defaults. One at a time for a video.
#[utoipa::path(
    post, path = "/videos/{id}/analysis", tag = "analyses", params(("id" = Uuid, Path)),
    request_body = Option<Options>,
    responses(
        (status = 202, body = Analysis, headers(("Location" = String))),
        (status = 409, description = "One is under way at `Location`, or the video has no content yet"),
    ),
)]
pub(super) async fn start(
    state: web::Data<State>,
    auth: Authorized<AnalysisWrite>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let options = options(&request, body).await?;
    let video = owned(&state.db, *id, &auth.caller).await?;
    if video.blob_key.is_none() {
        return Err(Problem::new(StatusCode::CONFLICT, "no-content", "The video has no content yet")
            .detail(format!("send it with PUT /videos/{}/content", video.id)));
    }
    let address = address_of(video.id);
    let job = match queue::enqueue(&state.db, video.id, &options, state.clock.now()).await {
        Ok(job) => job,
        Err(EnqueueError::UnderWay) => return Err(under_way(&address)),
        Err(EnqueueError::Database(error)) => return Err(error.into()),
    };
    state.workers.wake();
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, address)).json(Analysis::new(job, None)?))
}

/// Look at an analysis
///
/// The newest one of the video: its status, its progress and, when it has succeeded, its report.
#[utoipa::path(
    get, path = "/videos/{id}/analysis", tag = "analyses", params(("id" = Uuid, Path)),
    responses((status = 200, body = Analysis)),
)]
pub(super) async fn read(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let video = owned(&state.db, *id, &auth.caller).await?;
    let job = queue::newest(&state.db, video.id).await?.ok_or_else(|| Problem::not_found("analysis"))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if job.finished_at.is_some() {
        // What has ended does not change.
        let tag = EntityTag::new_strong(job.id.simple().to_string());
        if is_unchanged(&request, &tag) {
            return Ok(HttpResponse::NotModified().insert_header(etag_header(tag)).finish());
        }
        response.insert_header(etag_header(tag));
    }
    let report = match job.status {
        AnalysisStatus::Succeeded => analysis_report::Entity::find_by_id(job.id).one(&state.db).await?,
        _ => None,
    };
    Ok(response.json(Analysis::new(job, report.map(|report| report.body))?))
}

/// Cancel an analysis
///
/// From here on it is canceled; its decoders end within two seconds.
#[utoipa::path(
    delete, path = "/videos/{id}/analysis", tag = "analyses", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Analysis),
        (status = 409, description = "It has ended already"),
    ),
)]
pub(super) async fn cancel(
    state: web::Data<State>,
    auth: Authorized<AnalysisWrite>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let video = owned(&state.db, *id, &auth.caller).await?;
    if let Some(job) = queue::cancel(&state.db, video.id, state.clock.now()).await? {
        return Ok(HttpResponse::Ok().json(Analysis::new(job, None)?));
    }
    match queue::newest(&state.db, video.id).await? {
        // Asked twice, as by a client that did not hear the first answer.
        Some(job) if job.status == AnalysisStatus::Canceled => {
            Ok(HttpResponse::Ok().json(Analysis::new(job, None)?))
        }
        Some(_) => {
            Err(Problem::new(StatusCode::CONFLICT, "analysis-ended", "The analysis has ended already"))
        }
        None => Err(Problem::not_found("analysis")),
    }
}

/// The options of the body; the defaults where there is none.
async fn options(request: &HttpRequest, body: web::Payload) -> Result<Options, Problem> {
    let announces_body = request.headers().contains_key(header::CONTENT_TYPE)
        || request.headers().contains_key(header::TRANSFER_ENCODING)
        || request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if !announces_body {
        return Ok(Options::default());
    }
    let Json(options) = Json::<Options>::from_request(request, &mut body.into_inner()).await?;
    options
        .validate()
        .map_err(|wrong| Problem::invalid(vec![FieldError::new(wrong.pointer, wrong.message)]))?;
    Ok(options)
}

fn address_of(video: Uuid) -> String {
    format!("/videos/{video}/analysis")
}

fn under_way(address: &str) -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "analysis-under-way", "An analysis is under way")
        .detail(format!("look at {address}, or cancel it first"));
    match HeaderValue::from_str(address) {
        Ok(value) => problem.header(header::LOCATION, value),
        Err(_) => problem,
    }
}
