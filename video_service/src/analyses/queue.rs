//! `GET /queue`, `POST /queue/pause` and `/queue/resume`: for administrators.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use crate::auth::{Administration, Authorized};
use crate::queue;
use crate::state::State;

/// The queue of all accounts' analyses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queue {
    /// Whether nothing new begins.
    paused: bool,
    /// Since when.
    paused_at: Option<DateTime<Utc>>,
    /// Analyses that wait.
    queued: u64,
    /// Analyses at work.
    running: u64,
}

/// Look at the queue
#[utoipa::path(get, path = "/queue", tag = "queue", responses((status = 200, body = Queue)))]
pub(super) async fn read(
    state: web::Data<State>,
    _: Authorized<Administration>,
) -> Result<HttpResponse, Problem> {
    answer(&state).await
}

/// Pause the queue
///
/// What runs goes on to its end; nothing new begins, in any process. Uploads are taken and queued as ever.
#[utoipa::path(post, path = "/queue/pause", tag = "queue", responses((status = 200, body = Queue)))]
pub(super) async fn pause(
    state: web::Data<State>,
    auth: Authorized<Administration>,
) -> Result<HttpResponse, Problem> {
    queue::pause(&state.db, auth.caller.account_id, state.clock.now()).await?;
    log::info!("queue paused by={}", auth.caller.account_id);
    answer(&state).await
}

/// Let the queue go on
#[utoipa::path(post, path = "/queue/resume", tag = "queue", responses((status = 200, body = Queue)))]
pub(super) async fn resume(
    state: web::Data<State>,
    auth: Authorized<Administration>,
) -> Result<HttpResponse, Problem> {
    queue::resume(&state.db).await?;
    state.workers.wake();
    log::info!("queue resumed by={}", auth.caller.account_id);
    answer(&state).await
}

async fn answer(state: &State) -> Result<HttpResponse, Problem> {
    let queue::QueueState { paused_at, queued, running } = queue::state(&state.db).await?;
    Ok(HttpResponse::Ok().json(Queue { paused: paused_at.is_some(), paused_at, queued, running }))
}
