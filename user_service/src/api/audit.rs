//! `GET /users/audit`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::user_db::audit_event;
use sea_orm::{ActiveEnum, DatabaseConnection};
use serde::{Deserialize, Serialize};
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
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

/// What happened to the account of the token
///
/// The newest first, in pages that stay as they are when events are added.
#[utoipa::path(get, path = "/users/audit", tag = "accounts", security(("bearer" = [])), params(AuditQuery), responses(
    (status = 200, description = "A page of the log", body = Page<AuditEvent>, headers(("Link" = String))),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn list(
    caller: Authenticated,
    db: web::Data<DatabaseConnection>,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let before = query.cursor.as_deref().map(page::from_cursor).transpose()?;
    let rows = audit::list(db.get_ref(), Some(caller.account.id), before, limit + 1).await?;
    Page::<AuditEvent>::of(rows, limit, |row| row.id)?.response(PATH, &[("limit", limit.to_string())])
}
