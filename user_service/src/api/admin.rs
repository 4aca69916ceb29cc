//! `/admin/users`: what administrators do with the accounts of others. They never see or choose a password.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::user_db::account::{self, Role};
use sea_orm::ActiveEnum;
use serde::{Deserialize, Serialize};
use service_kit::client_address::ClientAddress;
use service_kit::page::{self, Page};
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use service_kit::task;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::bearer::Administrator;
use crate::account::{Accounts, Search};
use crate::audit::{Action, Entry, Outcome, Who};
use crate::second_factor::SecondFactors;
use crate::sessions::{Ending, Sessions};

const PATH: &str = "/admin/users";
/// Longer than any address, in bytes: nothing would be found.
const MAX_SEARCH: usize = 256;

/// Which accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountsQuery {
    /// Part of the user name or of the e-mail address, in any case.
    search: Option<String>,
    /// How many accounts a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An account, as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdministeredAccount {
    id: Uuid,
    username: String,
    email: String,
    /// Whether the owner has proven to read what is sent there.
    email_verified: bool,
    #[schema(required)]
    display_name: Option<String>,
    /// `user` or `admin`
    #[schema(example = "user")]
    role: String,
    /// Since when nobody may log in and no token counts; null where the account is in use.
    #[schema(required)]
    disabled_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<account::Model> for AdministeredAccount {
    fn from(row: account::Model) -> Self {
        Self {
            id: row.id,
            username: row.username,
            email_verified: row.email_verified_at.is_some(),
            email: row.email,
            display_name: row.display_name,
            role: Role::to_value(&row.role),
            disabled_at: row.disabled_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// List and search accounts
///
/// The newest first, in pages that stay as they are when accounts are added.
#[utoipa::path(get, path = "/admin/users", tag = "administration", security(("bearer" = [])), params(AccountsQuery),
    responses((status = 200, description = "A page of accounts", body = Page<AdministeredAccount>,
        headers(("Link" = String)))),
)]
pub(crate) async fn list(
    _: Administrator,
    accounts: web::Data<Accounts>,
    Query(query): Query<AccountsQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let mut filters = vec![("limit", limit.to_string())];
    if let Some(text) = &query.search {
        // PostgreSQL has no NUL in texts.
        if text.len() > MAX_SEARCH || text.contains('\0') {
            return Err(Problem::invalid(vec![FieldError::new(
                "search",
                "must have at most 256 bytes, none NUL",
            )]));
        }
        filters.push(("search", text.clone()));
    }
    let before = query.cursor.as_deref().map(page::from_cursor).transpose()?;
    let rows = accounts.search(Search { text: query.search.clone(), before, limit: limit + 1 }).await?;
    Page::<AdministeredAccount>::of(rows, limit, |row| row.id)?.response(PATH, &filters)
}

/// Read an account
#[utoipa::path(get, path = "/admin/users/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The account", body = AdministeredAccount),
    (status = 404, description = "There is none"),
))]
pub(crate) async fn read(
    _: Administrator,
    accounts: web::Data<Accounts>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let account = accounts.read(*id).await?.ok_or_else(|| Problem::not_found("account"))?;
    Ok(HttpResponse::Ok().json(AdministeredAccount::from(account)))
}

/// Disable an account
///
/// Its tokens stop counting at once, its sessions end, and logging in is answered as with a wrong password.
#[utoipa::path(post, path = "/admin/users/{id}/disable", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, description = "It is disabled", body = AdministeredAccount),
    (status = 404, description = "There is none"),
    (status = 409, description = "It is your own: nobody might be left to enable it"),
))]
pub(crate) async fn disable(
    Administrator(caller): Administrator,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    sessions: web::Data<Sessions>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (id, administrator) = (*id, caller.account.id);
    if id == administrator {
        return Err(own_account("Administrators cannot disable themselves"));
    }
    let account = task::to_its_end(async move {
        let account = accounts.set_disabled(id, true, administrator, from).await?;
        sessions
            .end(
                Ending::AllOf { account: id, keep: None },
                by(administrator, id, Action::AllSessionsEnd, from),
            )
            .await?;
        Ok(account)
    });
    let account = account.await?.ok_or_else(|| Problem::not_found("account"))?;
    Ok(HttpResponse::Ok().json(AdministeredAccount::from(account)))
}

/// Enable an account again
///
/// Its owner can log in again; sessions that have ended stay so.
#[utoipa::path(post, path = "/admin/users/{id}/enable", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, description = "It is in use", body = AdministeredAccount),
    (status = 404, description = "There is none"),
))]
pub(crate) async fn enable(
    Administrator(caller): Administrator,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let account = accounts.set_disabled(*id, false, caller.account.id, from).await?;
    let account = account.ok_or_else(|| Problem::not_found("account"))?;
    Ok(HttpResponse::Ok().json(AdministeredAccount::from(account)))
}

/// End all sessions of an account
#[utoipa::path(delete, path = "/admin/users/{id}/sessions", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "They have ended"),
    (status = 404, description = "There is no such account"),
))]
pub(crate) async fn end_sessions(
    Administrator(caller): Administrator,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    sessions: web::Data<Sessions>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let account = accounts.read(*id).await?.ok_or_else(|| Problem::not_found("account"))?.id;
    sessions
        .end(
            Ending::AllOf { account, keep: None },
            by(caller.account.id, account, Action::AllSessionsEnd, from),
        )
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Take the second factor from an account
///
/// For somebody who lost the app and the recovery codes: the password alone lets in again. All sessions of the account end.
#[utoipa::path(delete, path = "/admin/users/{id}/second-factor", tag = "administration", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It has none any more"),
    (status = 404, description = "There is no such account"),
    (status = 409, description = "It is your own: yours wants your password and a code"),
))]
pub(crate) async fn remove_second_factor(
    Administrator(caller): Administrator,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    factors: web::Data<SecondFactors>,
    sessions: web::Data<Sessions>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let administrator = caller.account.id;
    let account = accounts.read(*id).await?.ok_or_else(|| Problem::not_found("account"))?.id;
    if account == administrator {
        return Err(own_account("Administrators cannot remove their own second factor here"));
    }
    task::to_its_end(async move {
        if factors.remove(account, by(administrator, account, Action::SecondFactorRemove, from)).await? {
            let entry = by(administrator, account, Action::AllSessionsEnd, from);
            sessions.end(Ending::AllOf { account, keep: None }, entry).await?;
            log::info!("second factor removed account_id={account} by={administrator}");
        }
        Ok(())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn own_account(title: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "own-account", title)
}

fn by(id: Uuid, account: Uuid, what: Action, from: ClientAddress) -> Entry {
    let who = Who::Administrator { id, account };
    Entry { who, what, from: Some(from), result: Outcome::Success }
}
