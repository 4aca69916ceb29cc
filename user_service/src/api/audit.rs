//! `GET /users/audit`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::user_db::audit_event;
use sea_orm::{ActiveEnum, DatabaseConnection};
use serde::{Deserialize, Serialize};
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit;
use crate::sessions::Authenticated;

const PATH: &str = "/users/audit";

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// How many events a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only events about this account: for administrators, who see those about all of them.
    account_id: Option<Uuid>,
}

/// What happened to an account, or was tried.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    id: Uuid,
    at: DateTime<Utc>,
    /// Whose account it concerns.
    #[schema(required)]
    account_id: Option<Uuid>,
    /// The account of whoever did it; null where nobody proved to be anybody.
    #[schema(required)]
    actor_id: Option<Uuid>,
    #[schema(example = "login")]
    action: String,
    /// The client's address; null where the operator did it at the machine itself.
    #[schema(required, example = "198.51.100.7")]
    address: Option<String>,
    /// `success` or `refused`
    #[schema(example = "success")]
    outcome: String,
}

impl From<audit_event::Model> for AuditEvent {
    fn from(row: audit_event::Model) -> Self {
        Self {
            id: row.id,
            at: row.at,
            account_id: row.account_id,
            actor_id: row.actor_id,
            action: row.action.to_value(),
            address: row.address,
            outcome: row.outcome.to_value(),
        }
    }
}

/// What happened to the account of the token, for administrators to all accounts
///
/// The newest first, in pages that stay as they are when events are added.
#[utoipa::path(get, path = "/users/audit", tag = "accounts", security(("bearer" = [])), params(AuditQuery), responses(
    (status = 200, description = "A page of the log", body = Page<AuditEvent>, headers(("Link" = String))),
    (status = 401, description = "The token does not count"),
    (status = 404, description = "The account is somebody else's"),
))]
pub(crate) async fn list(
    caller: Authenticated,
    db: web::Data<DatabaseConnection>,
    Query(query): Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    if query.account_id.is_some_and(|id| id != caller.account.id) && !caller.is_administrator() {
        return Err(Problem::not_found("account"));
    }
    let before = query.cursor.as_deref().map(page::from_cursor).transpose()?;
    let about = if caller.is_administrator() { query.account_id } else { Some(caller.account.id) };
    let rows = audit::list(db.get_ref(), about, before, limit + 1).await?;
    let mut filters = vec![("limit", limit.to_string())];
    filters.extend(query.account_id.map(|id| ("account_id", id.to_string())));
    Page::<AuditEvent>::of(rows, limit, |row| row.id)?.response(PATH, &filters)
}
