//! `POST`, `GET` and `DELETE /videos/{id}/analysis`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::analysis::{self, AnalysisStatus};
use entity::video_db::analysis_report;
use sea_orm::{DatabaseConnection, EntityTrait, TransactionTrait};
use serde::Deserialize;
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use tokio::time::Instant;
use utoipa::IntoParams;
use uuid::Uuid;
use video_analysis::Options;

use super::options;
use super::record::{Analysis, Priority};
use crate::auth::{AnalysisWrite, Authorized, VideosRead};
use crate::idempotency::{Attempt, IdempotencyKey};
use crate::progress::{Listener, ProgressHub, Topic};
use crate::queue::{self, EnqueueError, NewJob, preview};
use crate::revalidation::unchanged;
use crate::state::State;
use crate::videos::record::etag_header;
use crate::videos::{changed_meanwhile, owned};

/// Longest time an answer may be waited for, in seconds: proxies give up after a minute.
const MAX_WAIT: u64 = 55;

/// How an analysis is looked at.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadQuery {
    /// How long to wait for its end, in seconds: 0, not at all, to 55.
    #[serde(default)]
    #[param(maximum = 55)]
    wait: u64,
    /// Of which content of the video; the present one where it is not given.
    version: Option<i32>,
}

impl ReadQuery {
    fn wait(self) -> Result<Option<Duration>, Problem> {
        match self.wait {
            0 => Ok(None),
            1..=MAX_WAIT => Ok(Some(Duration::from_secs(self.wait))),
            _ => Err(Problem::invalid(vec![FieldError::new("wait", format!("must be at most {MAX_WAIT}"))])),
        }
    }
}

/// How an analysis is queued.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct StartQuery {
    /// Which of the caller's own analyses come first; nobody else's wait longer for it.
    #[serde(default)]
    #[param(inline)]
    priority: Priority,
}

/// Start an analysis
///
/// With options as body (`GET /analysis/options.schema.json` says which), or none for the defaults. One at a time for a video. Sent again with the same
/// `Idempotency-Key` within 24 hours, the request starts nothing, and is answered with the analysis it has started.
#[utoipa::path(
    post, path = "/videos/{id}/analysis", tag = "analyses",
    params(("id" = Uuid, Path), StartQuery, ("Idempotency-Key" = Option<String>, Header)),
    request_body = Option<Options>,
    responses(
        (status = 202, body = Analysis, headers(("Location" = String))),
        (status = 409, description = "One is under way at `Location`, or the video has no content yet"),
    ),
)]
pub(super) async fn start(
    state: web::Data<State>,
    auth: Authorized<AnalysisWrite>,
    key: IdempotencyKey,
    id: web::Path<Uuid>,
    Query(query): Query<StartQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let options = options::of_body(&request, body).await?;
    let video = owned(&state.db, *id, &auth.caller).await?;
    let priority = query.priority.into();
    let new = NewJob {
        video_id: video.id,
        version: video.version,
        owner_id: video.owner_id,
        options: &options,
        priority,
    };
    let asked = serde_json::to_vec(&(video.id, &options, query.priority)).map_err(Problem::internal)?;
    let attempt = key.attempt(auth.caller.account_id, &[b"analysis", &asked]);

    let address = address_of(video.id);
    let job = match started_before(&state.db, attempt.as_ref()).await? {
        Some(job) => job,
        None if video.blob_key.is_none() => return Err(no_content(video.id)),
        None => match queued(&state, new, attempt.as_ref()).await {
            Ok(job) => job,
            // Two attempts with one key at the same time: the other one was quicker.
            Err(EnqueueError::UnderWay) => match started_before(&state.db, attempt.as_ref()).await? {
                Some(job) => job,
                None => return Err(under_way(&address)),
            },
            Err(EnqueueError::Gone) => return Err(changed_meanwhile()),
            Err(EnqueueError::Database(error)) => return Err(error.into()),
        },
    };
    state.workers.wake();
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, address)).json(Analysis::new(job, None)?))
}

/// The analysis that an earlier attempt has started.
async fn started_before(
    db: &DatabaseConnection,
    attempt: Option<&Attempt>,
) -> Result<Option<analysis::Model>, Problem> {
    let Some(attempt) = attempt else { return Ok(None) };
    let Some(id) = attempt.made(db).await? else { return Ok(None) };
    Ok(analysis::Entity::find_by_id(id).one(db).await?)
}

/// Queues the job and remembers the attempt, both or neither.
async fn queued(
    state: &State,
    new: NewJob<'_>,
    attempt: Option<&Attempt>,
) -> Result<analysis::Model, EnqueueError> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let job = queue::enqueue(&transaction, new, now).await?;
    if let Some(attempt) = attempt {
        attempt.remember(&transaction, job.id, now).await?;
    }
    transaction.commit().await?;
    Ok(job)
}

/// Look at an analysis
///
/// The newest one of the video's content: its status, its progress and, when it has succeeded, its report; of a long film a
/// preview before that. With `wait`, the
/// answer comes when the analysis has ended, with `If-None-Match` as well when it has changed, or after so many seconds.
#[utoipa::path(
    get, path = "/videos/{id}/analysis", tag = "analyses", params(("id" = Uuid, Path), ReadQuery),
    responses((status = 200, body = Analysis), (status = 304, description = "It is as `If-None-Match` says")),
)]
pub(super) async fn read(
    state: web::Data<State>,
    hub: web::Data<ProgressHub>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<ReadQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let video = owned(&state.db, *id, &auth.caller).await?;
    let wait = query.wait()?;
    let version = query.version.unwrap_or(video.version);
    // Before the look, so that no change falls between them.
    let listener = match wait {
        Some(_) => Some(hub.listen(Topic::Video(video.id), video.owner_id).await?),
        None => None,
    };
    let mut job =
        queue::newest(&state.db, video.id, version).await?.ok_or_else(|| Problem::not_found("analysis"))?;
    if let (Some(wait), Some(listener)) = (wait, listener) {
        let conditional = request.headers().contains_key(header::IF_NONE_MATCH);
        let until = |job: &analysis::Model| {
            job.finished_at.is_some() || (conditional && unchanged(&request, &etag(job)).is_none())
        };
        job = wait_for(job, until, wait, listener).await;
    }
    let tag = etag(&job);
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "private, no-cache")).insert_header(etag_header(tag));
    if job.status == AnalysisStatus::Succeeded {
        let report = analysis_report::Entity::find_by_id(job.id).one(&state.db).await?;
        return Ok(response.json(Analysis::new(job, report.map(|report| report.body))?));
    }
    let preview = preview::of(&state.db, job.id).await?;
    Ok(response.json(Analysis::new(job, None)?.with_preview(preview)?))
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
    queue::cancel(&state.db, video.id, state.clock.now()).await?;
    match queue::newest(&state.db, video.id, video.version).await? {
        // By this request, or by one before it, as of a client that did not hear the first answer.
        Some(job) if job.status == AnalysisStatus::Canceled => {
            Ok(HttpResponse::Ok().json(Analysis::new(job, None)?))
        }
        Some(_) => {
            Err(Problem::new(StatusCode::CONFLICT, "analysis-ended", "The analysis has ended already"))
        }
        None => Err(Problem::not_found("analysis")),
    }
}

/// One state of an analysis.
fn etag(job: &analysis::Model) -> EntityTag {
    EntityTag::new_strong(format!("{}-{}", job.id.simple(), job.revision))
}

/// The job as soon as it is what is waited for, or as it is after `wait`, or when listening ends.
async fn wait_for(
    mut job: analysis::Model,
    until: impl Fn(&analysis::Model) -> bool,
    wait: Duration,
    mut listener: Listener,
) -> analysis::Model {
    let deadline = Instant::now() + wait;
    while !until(&job) {
        match tokio::time::timeout_at(deadline, listener.recv()).await {
            Ok(Some(change)) if is_newer(&change.analysis, &job) => {
                job = change.analysis.clone();
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    job
}

/// Whether `other` is a later state of the job, or a later job on the same content.
fn is_newer(other: &analysis::Model, job: &analysis::Model) -> bool {
    // Identifiers and revisions are in order of time.
    other.version == job.version && (other.id, other.revision) > (job.id, job.revision)
}

fn no_content(video: Uuid) -> Problem {
    Problem::new(StatusCode::CONFLICT, "no-content", "The video has no content yet")
        .detail(format!("send it with PUT /videos/{video}/content"))
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
