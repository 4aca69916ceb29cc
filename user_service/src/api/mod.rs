//! What people's programs call: accounts and sessions. Each file is one endpoint: request, handler, answer.

mod admin;
mod audit;
mod bearer;
mod current_password;
mod email;
mod invites;
mod leaving;
mod login;
mod logout;
mod origin;
mod password;
mod password_reset;
mod profile;
mod refresh;
mod register;
mod second_factor;
mod second_factor_check;
mod sessions;
mod token_response;
mod tokens;
mod weak_password;

use actix_web::http::Method;
use chrono::{DateTime, Utc};
use entity::user_db::account;
use sea_orm::ActiveEnum;
use serde::Serialize;
use service_kit::endpoint::Endpoint;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};
use utoipa::{OpenApi as _, ToSchema};
use uuid::Uuid;

use crate::account::Initials;
use crate::oauth;

/// The description of everything in [`endpoints`].
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Kadr User Service", description = "Accounts, sessions, and the tokens of Kadr."),
    paths(
        register::register,
        login::login,
        refresh::refresh,
        logout::logout,
        profile::read,
        profile::change,
        leaving::delete,
        leaving::export,
        password::change,
        password_reset::request,
        password_reset::reset,
        email::send,
        email::verify,
        second_factor::read,
        second_factor::begin,
        second_factor::confirm,
        second_factor::renew_recovery_codes,
        second_factor::remove,
        sessions::list,
        sessions::end_others,
        sessions::end_one,
        tokens::create,
        tokens::list,
        tokens::delete,
        audit::list,
        admin::list,
        admin::read,
        admin::disable,
        admin::enable,
        admin::end_sessions,
        password_reset::start,
        invites::create,
        invites::list,
        invites::revoke,
        admin::remove_second_factor,
        oauth::introspection::introspect,
        oauth::revocation::revoke,
        oauth::standing::standing,
        oauth::discovery::jwks,
        oauth::discovery::server_metadata,
    )
)]
struct Document;

/// The document, before what is common to all services.
pub(crate) fn document() -> OpenApi {
    let mut document = Document::openapi();
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("client", SecurityScheme::Http(basic));
    document
}

/// Everything the service answers, besides health, metrics and documentation.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/users/register", register::register),
        Endpoint::new(Method::POST, "/users/login", login::login),
        Endpoint::new(Method::POST, "/users/refresh", refresh::refresh),
        Endpoint::new(Method::POST, "/users/logout", logout::logout),
        Endpoint::new(Method::GET, "/users/profile", profile::read),
        Endpoint::new(Method::PATCH, "/users/profile", profile::change),
        Endpoint::new(Method::DELETE, "/users/profile", leaving::delete),
        Endpoint::new(Method::GET, "/users/profile/export", leaving::export),
        Endpoint::new(Method::POST, "/users/password", password::change),
        Endpoint::new(Method::POST, "/users/password/reset-request", password_reset::request),
        Endpoint::new(Method::POST, "/users/password/reset", password_reset::reset),
        Endpoint::new(Method::POST, "/users/email/verification", email::send),
        Endpoint::new(Method::POST, "/users/email/verify", email::verify),
        Endpoint::new(Method::GET, "/users/second-factor", second_factor::read),
        Endpoint::new(Method::POST, "/users/second-factor", second_factor::begin),
        Endpoint::new(Method::DELETE, "/users/second-factor", second_factor::remove),
        Endpoint::new(Method::POST, "/users/second-factor/confirm", second_factor::confirm),
        Endpoint::new(
            Method::POST,
            "/users/second-factor/recovery-codes",
            second_factor::renew_recovery_codes,
        ),
        Endpoint::new(Method::GET, "/users/sessions", sessions::list).with_query(),
        Endpoint::new(Method::DELETE, "/users/sessions", sessions::end_others),
        Endpoint::new(Method::DELETE, "/users/sessions/{id}", sessions::end_one),
        Endpoint::new(Method::POST, "/users/tokens", tokens::create),
        Endpoint::new(Method::GET, "/users/tokens", tokens::list).with_query(),
        Endpoint::new(Method::DELETE, "/users/tokens/{id}", tokens::delete),
        Endpoint::new(Method::GET, "/users/audit", audit::list).with_query(),
        Endpoint::new(Method::GET, "/admin/users", admin::list).with_query(),
        Endpoint::new(Method::GET, "/admin/users/{id}", admin::read),
        Endpoint::new(Method::POST, "/admin/users/{id}/disable", admin::disable),
        Endpoint::new(Method::POST, "/admin/users/{id}/enable", admin::enable),
        Endpoint::new(Method::DELETE, "/admin/users/{id}/sessions", admin::end_sessions),
        Endpoint::new(Method::POST, "/admin/users/{id}/password-reset", password_reset::start),
        Endpoint::new(Method::POST, "/admin/invites", invites::create),
        Endpoint::new(Method::GET, "/admin/invites", invites::list).with_query(),
        Endpoint::new(Method::DELETE, "/admin/invites/{id}", invites::revoke),
        Endpoint::new(Method::DELETE, "/admin/users/{id}/second-factor", admin::remove_second_factor),
        Endpoint::new(Method::POST, "/oauth/introspect", oauth::introspection::introspect),
        Endpoint::new(Method::POST, "/oauth/revoke", oauth::revocation::revoke),
        Endpoint::new(Method::GET, "/internal/accounts/{id}", oauth::standing::standing),
        Endpoint::new(Method::GET, "/.well-known/jwks.json", oauth::discovery::jwks),
        Endpoint::new(
            Method::GET,
            "/.well-known/oauth-authorization-server",
            oauth::discovery::server_metadata,
        ),
    ]
}

/// An account, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    id: Uuid,
    username: String,
    email: String,
    /// Whether the owner has proven to read what is sent there.
    email_verified: bool,
    #[schema(required)]
    display_name: Option<String>,
    /// The language to address the owner in (BCP 47).
    #[schema(required, example = "en-GB")]
    locale: Option<String>,
    /// What stands for a picture: the owner's choice, or those of the name.
    #[schema(example = "AL")]
    initials: String,
    /// `user` or `admin`
    #[schema(example = "user")]
    role: String,
    created_at: DateTime<Utc>,
    /// When the account was last changed.
    updated_at: DateTime<Utc>,
}

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        let name = row.display_name.as_ref().unwrap_or(&row.username);
        Self {
            initials: row.initials.unwrap_or_else(|| Initials::of(name)),
            id: row.id,
            username: row.username,
            email_verified: row.email_verified_at.is_some(),
            email: row.email,
            display_name: row.display_name,
            locale: row.locale,
            role: row.role.to_value(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
