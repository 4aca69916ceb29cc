//! `GET POST /users/tokens` and `DELETE /users/tokens/{id}`: personal access tokens.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::personal_token;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service_kit::checked::Checked;
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use service_kit::json::Json;
use service_kit::page::{self, Page};
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::account::DisplayName;
use crate::oauth::SCOPES;
use crate::personal_tokens::{NewToken, PersonalTokens};
use crate::sessions::Authenticated;

const PATH: &str = "/users/tokens";

/// Life of a token whose maker names no end.
const DEFAULT_LIFE: TimeDelta = TimeDelta::days(90);
/// The longest one.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(3653);

/// A token that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1, max_length = 128, example = "nightly import")]
    name: Checked<DisplayName>,
    /// What it may be used for, one at least.
    #[schema(example = json!(["videos:read", "videos:write"]))]
    scopes: Vec<String>,
    /// 90 days from now where it is not given; at most ten years.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

impl TokenRequest {
    fn parse(self, account: Uuid, now: DateTime<Utc>) -> Result<NewToken, Problem> {
        let mut errors = Vec::new();
        let name = self.name.take("/name", &mut errors);
        let unknown = self.scopes.iter().position(|scope| !SCOPES.contains(&scope.as_str()));
        if let Some(index) = unknown {
            errors.push(FieldError::new(
                format!("/scopes/{index}"),
                format!("is none of {}", SCOPES.join(", ")),
            ));
        } else if self.scopes.is_empty() {
            errors.push(FieldError::new("/scopes", "must name one at least"));
        }
        let expires_at = self.expires_at.unwrap_or(now + DEFAULT_LIFE);
        if expires_at <= now || expires_at > now + LONGEST_LIFE {
            errors.push(FieldError::new("/expires_at", "must be in the future, within ten years"));
        }
        let held = SCOPES.into_iter().filter(|scope| self.scopes.iter().any(|wanted| wanted == scope));
        let scope = held.collect::<Vec<_>>().join(" ");
        match name {
            Some(name) if errors.is_empty() => Ok(NewToken { account, name, scope, expires_at }),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// A personal access token, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonalToken {
    id: Uuid,
    name: String,
    /// How the token begins.
    #[schema(example = "kadr_pat_Xy3k")]
    hint: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// To the minute; null for one that was never used.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    about: PersonalToken,
    /// The token itself; send it as `Authorization: Bearer …`. It is shown this once.
    token: String,
}

impl From<personal_token::Model> for PersonalToken {
    fn from(row: personal_token::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            hint: row.hint,
            scopes: row.scope.split(' ').map(ToOwned::to_owned).collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensQuery {
    /// How many tokens a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Make a personal access token
///
/// For programs: with a name, an end, and the scopes that it needs. Only a login can make one.
#[utoipa::path(post, path = "/users/tokens", tag = "tokens", security(("bearer" = [])), responses(
    (status = 201, description = "The token, this once", body = CreatedToken, headers(("Location" = String))),
    (status = 401, description = "The token of the request does not count"),
    (status = 403, description = "It is a personal access token itself"),
))]
pub(crate) async fn create(
    caller: Authenticated,
    from: ClientAddress,
    tokens: web::Data<PersonalTokens>,
    clock: web::Data<SharedClock>,
    body: Json<TokenRequest>,
) -> Result<HttpResponse, Problem> {
    let new = body.0.parse(caller.account.id, clock.now())?;
    let (row, token) = tokens.create(new, from).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("{PATH}/{}", row.id)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(CreatedToken { about: row.into(), token: token.expose_secret().to_owned() }))
}

/// The personal access tokens of the account
#[utoipa::path(get, path = "/users/tokens", tag = "tokens", security(("bearer" = [])), params(TokensQuery), responses(
    (status = 200, description = "A page of them, the newest first", body = Page<PersonalToken>, headers(("Link" = String))),
    (status = 401, description = "The token of the request does not count"),
    (status = 403, description = "It is a personal access token itself"),
))]
pub(crate) async fn list(
    caller: Authenticated,
    tokens: web::Data<PersonalTokens>,
    Query(query): Query<TokensQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let before = query.cursor.as_deref().map(page::from_cursor).transpose()?;
    let rows = tokens.list(caller.account.id, before, limit + 1).await?;
    Page::<PersonalToken>::of(rows, limit, |row| row.id)?.response(PATH, &[("limit", limit.to_string())])
}

/// Delete a personal access token
#[utoipa::path(delete, path = "/users/tokens/{id}", tag = "tokens", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It does not count any more"),
    (status = 401, description = "The token of the request does not count"),
    (status = 403, description = "It is a personal access token itself"),
    (status = 404, description = "No such token, or it is somebody else's"),
))]
pub(crate) async fn delete(
    caller: Authenticated,
    from: ClientAddress,
    tokens: web::Data<PersonalTokens>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    if tokens.delete(caller.account.id, *id, from).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::not_found("token"))
    }
}
