//! `DELETE /users/profile` and `GET /users/profile/export`: going, and taking one's own along.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::user_db::session;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::task;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Account;
use super::audit::AuditEvent;
use super::bearer::{Authorized, ProfileRead};
use super::current_password::PasswordCheck;
use super::second_factor::SecondFactor;
use super::tokens::PersonalToken;
use crate::account::{Accounts, Belongings};
use crate::audit::Action;
use crate::second_factor::SecondFactors;
use crate::sessions::Authenticated;

/// Proof that it is really the owner who wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Farewell {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
}

/// Everything that User Service keeps about somebody. Videos are Video Service's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Export {
    exported_at: DateTime<Utc>,
    account: Account,
    second_factor: SecondFactor,
    /// All logins that are remembered, the oldest first.
    sessions: Vec<ExportedSession>,
    /// The personal access tokens, the oldest first; without what they are used by.
    tokens: Vec<PersonalToken>,
    /// What happened to the account, the oldest first.
    audit: Vec<AuditEvent>,
}

/// A login, whether it lives or not.
#[derive(Debug, Serialize, ToSchema)]
struct ExportedSession {
    id: Uuid,
    /// The User-Agent of the login.
    #[schema(required)]
    device: Option<String>,
    /// From where it was last used.
    #[schema(required)]
    address: Option<String>,
    scope: String,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
}

impl From<session::Model> for ExportedSession {
    fn from(row: session::Model) -> Self {
        Self {
            id: row.id,
            device: row.device,
            address: row.address,
            scope: row.scope,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        }
    }
}

/// Delete the account of the token
///
/// With everything that belongs to it: sessions and tokens at once, videos as soon as Video Service can be reached. The
/// audit log keeps what happened, without names.
#[utoipa::path(delete, path = "/users/profile", tag = "accounts", security(("bearer" = [])),
    request_body = Farewell, responses(
    (status = 204, description = "It is gone"),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The current password is wrong, or the token is no login"),
))]
pub(crate) async fn delete(
    caller: Authenticated,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    check: PasswordCheck,
    body: Json<Farewell>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account;
    check.prove(&account, Some(body.0.current_password), Action::AccountDelete).await?;
    task::to_its_end(async move { Ok(accounts.delete(account.id, from).await?) }).await?;
    log::info!("account deleted account_id={}", account.id);
    Ok(HttpResponse::NoContent().finish())
}

/// Export what is kept about the account of the token
#[utoipa::path(get, path = "/users/profile/export", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, description = "All of it, as a file", body = Export),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn export(
    caller: Authorized<ProfileRead>,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    factors: web::Data<SecondFactors>,
) -> Result<HttpResponse, Problem> {
    let second_factor = factors.state(caller.account.id).await?.into();
    let Belongings { sessions, tokens, events } = accounts.belongings(caller.account.id, from).await?;
    let export = Export {
        exported_at: accounts.now(),
        account: Account::from(caller.account),
        second_factor,
        sessions: sessions.into_iter().map(ExportedSession::from).collect(),
        tokens: tokens.into_iter().map(PersonalToken::from).collect(),
        audit: events.into_iter().map(AuditEvent::from).collect(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"kadr-account.json\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(export))
}
