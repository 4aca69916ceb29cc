//! `GET DELETE /users/sessions` and `DELETE /users/sessions/{id}`: where somebody is logged in.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::client_address::ClientAddress;
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit::{Action, Entry, Outcome, Who};
use crate::sessions::{Authenticated, Ending, Sessions};

const PATH: &str = "/users/sessions";

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionsQuery {
    /// How many sessions a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A login that lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    id: Uuid,
    /// Program and system of the login, as its User-Agent tells them.
    #[schema(required, example = "Firefox on Linux")]
    device: Option<String>,
    /// From where it was last used.
    #[schema(required, example = "198.51.100.7")]
    address: Option<String>,
    created_at: DateTime<Utc>,
    /// When it was opened or last refreshed.
    last_used_at: DateTime<Utc>,
    /// When it ends unless it is refreshed before.
    expires_at: DateTime<Utc>,
    /// Whether it is the session of this request's token.
    current: bool,
}

/// Where the account of the token is logged in
///
/// The newest login first, in pages that stay as they are when sessions are added.
#[utoipa::path(get, path = "/users/sessions", tag = "sessions", security(("bearer" = [])), params(SessionsQuery), responses(
    (status = 200, description = "A page of the sessions that live", body = Page<Session>, headers(("Link" = String))),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn list(
    caller: Authenticated,
    sessions: web::Data<Sessions>,
    Query(query): Query<SessionsQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let before = query.cursor.as_deref().map(page::from_cursor).transpose()?;
    let rows = sessions.list(caller.account.id, before, limit + 1).await?;
    let current = caller.claims.sid;
    let rows = rows.into_iter().map(|listed| Session {
        id: listed.id,
        device: listed.device,
        address: listed.address,
        created_at: listed.created_at,
        last_used_at: listed.last_used_at,
        expires_at: listed.expires_at,
        current: listed.id == current,
    });
    Page::<Session>::of(rows.collect(), limit, |row| row.id)?.response(PATH, &[("limit", limit.to_string())])
}

/// End one session
///
/// Neither its access tokens nor its refresh token count any more.
#[utoipa::path(delete, path = "/users/sessions/{id}", tag = "sessions", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It has ended"),
    (status = 401, description = "The token does not count"),
    (status = 404, description = "No such session lives, or it is somebody else's"),
))]
pub(crate) async fn end_one(
    caller: Authenticated,
    from: ClientAddress,
    sessions: web::Data<Sessions>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account.id;
    let entry = ended(account, from, Action::SessionEnd);
    match sessions.end(Ending::One { id: *id, account }, entry).await? {
        0 => Err(Problem::not_found("session")),
        _ => Ok(HttpResponse::NoContent().finish()),
    }
}

/// End all sessions but the one of the token
#[utoipa::path(delete, path = "/users/sessions", tag = "sessions", security(("bearer" = [])), responses(
    (status = 204, description = "They have ended"),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn end_others(
    caller: Authenticated,
    from: ClientAddress,
    sessions: web::Data<Sessions>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account.id;
    let ending = Ending::AllOf { account, keep: Some(caller.claims.sid) };
    sessions.end(ending, ended(account, from, Action::OtherSessionsEnd)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn ended(account: Uuid, from: ClientAddress, what: Action) -> Entry {
    Entry { who: Who::Owner(account), what, from: Some(from), result: Outcome::Success }
}
