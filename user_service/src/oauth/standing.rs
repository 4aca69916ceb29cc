//! `GET /internal/accounts/{id}`: may this account still act? For services that let somebody go on in its name when the
//! token that allowed it has ended, as an upload by ticket does.

use actix_web::http::header;
use actix_web::{HttpResponse, Result, web};
use serde::Serialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::client::ByClient;
use super::error::OAuthError;
use crate::account::Accounts;

/// How an account stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Standing {
    /// Whether it is there and not disabled.
    active: bool,
}

/// May this account still act?
#[utoipa::path(get, path = "/internal/accounts/{id}", tag = "oauth", security(("client" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The answer; `false` also of accounts that never were", body = Standing),
    (status = 401, description = "The caller is not the client it says", body = OAuthError),
))]
pub(crate) async fn standing(
    accounts: web::Data<Accounts>,
    ByClient(id): ByClient<web::Path<Uuid>>,
) -> Result<HttpResponse> {
    let account = accounts.read(*id).await.map_err(Problem::from)?;
    let active = account.is_some_and(|account| account.disabled_at.is_none());
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Standing { active }))
}
