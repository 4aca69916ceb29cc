//! `GET POST /admin/invites` and `DELETE /admin/invites/{id}`: who may register where not everybody may.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::invite;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::page::{self, Page};
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::bearer::Administrator;
use crate::invites::{InviteError, Invites};

const PATH: &str = "/admin/invites";

/// Life of an invite whose maker names no end.
const DEFAULT_LIFE: TimeDelta = TimeDelta::days(7);
/// The longest life: what is forgotten must not open a door for ever.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(365);

/// An invite that an administrator wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteRequest {
    /// Within a year; 7 days from now where it is not given.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// An invite, as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invite {
    id: Uuid,
    /// The administrator who made it; null where the operator did.
    #[schema(required)]
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Null while it was not used.
    #[schema(required)]
    used_at: Option<DateTime<Utc>>,
    /// The account that was made with it.
    #[schema(required)]
    used_by: Option<Uuid>,
}

/// An invite that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedInvite {
    #[serde(flatten)]
    about: Invite,
    /// The code, for `invite_code` in `POST /users/register`. It is shown this once.
    #[schema(example = "kadr_inv_…")]
    code: String,
}

impl From<invite::Model> for Invite {
    fn from(row: invite::Model) -> Self {
        Self {
            id: row.id,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            used_at: row.used_at,
            used_by: row.used_by,
        }
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitesQuery {
    /// How many invites a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Invite somebody
///
/// The code makes one account, where `registration.mode` is `invite`.
#[utoipa::path(post, path = "/admin/invites", tag = "administration", security(("bearer" = [])), responses(
    (status = 201, description = "The invite with its code, this once", body = CreatedInvite),
    (status = 422, description = "Its end is in the past, or too far in the future"),
))]
pub(crate) async fn create(
    Administrator(caller): Administrator,
    from: ClientAddress,
    invites: web::Data<Invites>,
    body: Json<InviteRequest>,
) -> Result<HttpResponse, Problem> {
    let now = invites.now();
    let expires_at = body.0.expires_at.unwrap_or(now + DEFAULT_LIFE);
    if expires_at <= now || expires_at > now + LONGEST_LIFE {
        let error = FieldError::new("/expires_at", "must be in the future, within a year");
        return Err(Problem::invalid(vec![error]));
    }
    let (row, code) = invites.create(expires_at, Some((caller.account.id, from))).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(CreatedInvite { about: row.into(), code: code.expose_secret().to_owned() }))
}

/// List invites
#[utoipa::path(get, path = "/admin/invites", tag = "administration", security(("bearer" = [])), params(InvitesQuery),
    responses((status = 200, description = "A page of them, the newest first", body = Page<Invite>,
        headers(("Link" = String)))),
)]
pub(crate) async fn list(
    _: Administrator,
    invites: web::Data<Invites>,
    Query(query): Query<InvitesQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let before = query.cursor.as_deref().map(page::from_cursor).transpose()?;
    let rows = invites.list(before, limit + 1).await?;
    Page::<Invite>::of(rows, limit, |row| row.id)?.response(PATH, &[("limit", limit.to_string())])
}

/// Revoke an invite
#[utoipa::path(delete, path = "/admin/invites/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Its code does not count any more"),
    (status = 404, description = "There is none, or it was used"),
))]
pub(crate) async fn revoke(
    Administrator(caller): Administrator,
    from: ClientAddress,
    invites: web::Data<Invites>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    if invites.revoke(*id, Some((caller.account.id, from))).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::not_found("invite"))
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::Database(error) => error.into(),
            InviteError::Random(error) => Self::internal(error),
        }
    }
}
