//! `POST /oauth/introspect` (RFC 7662): does this token count, and for whom?

use std::fmt;

use actix_web::http::header;
use actix_web::web::{self, Form, FormConfig, ReqData};
use actix_web::{HttpResponse, Result};
use entity::user_db::{account, personal_token};
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use service_kit::rate_limit::Limited;
use service_kit::request::RequestId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::client::ByClient;
use super::error::OAuthError;
use crate::personal_tokens::PersonalTokens;
use crate::rate_limits::Introspections;
use crate::sessions::{Authenticated, SessionError, Sessions};
use crate::settings::TokenSettings;

/// The largest body, in bytes: tokens are well under a kilobyte.
const MAX_BODY: usize = 16 * 1024;

/// What is asked. Parameters the standard does not know are ignored (RFC 6749 §3.2).
#[derive(Deserialize, ToSchema)]
pub(crate) struct IntrospectionRequest {
    token: String,
    /// `access_token`; only a hint, and there is one kind of token that counts here.
    #[expect(dead_code, reason = "documented and accepted, RFC 7662 §2.1 lets a server ignore it")]
    token_type_hint: Option<String>,
}

/// What is answered: `{"active": false}`, or `true` with everything else.
#[derive(Serialize, ToSchema)]
pub(crate) struct Introspection {
    /// Whether the token counts.
    active: bool,
    #[serde(flatten)]
    token: Option<TokenFacts>,
}

/// What a token that counts says.
#[derive(Serialize, ToSchema)]
struct TokenFacts {
    /// The account.
    sub: Uuid,
    username: String,
    /// What the token allows, separated by spaces.
    scope: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When the token expires, in seconds since 1970.
    exp: i64,
    /// When it was issued, in seconds since 1970.
    iat: i64,
    /// The token itself.
    jti: Uuid,
    /// The session; a personal access token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    iss: String,
    aud: String,
}

impl From<Authenticated> for TokenFacts {
    fn from(Authenticated { account, claims }: Authenticated) -> Self {
        Self {
            sub: claims.sub,
            username: account.username,
            scope: claims.scope,
            token_type: "Bearer",
            exp: claims.exp,
            iat: claims.iat,
            jti: claims.jti,
            sid: Some(claims.sid),
            iss: claims.iss,
            aud: claims.aud,
        }
    }
}

impl TokenFacts {
    /// What a personal access token says, in the name of the same server.
    fn of_personal_token(
        token: personal_token::Model,
        account: account::Model,
        server: &TokenSettings,
    ) -> Self {
        Self {
            sub: account.id,
            username: account.username,
            scope: token.scope,
            token_type: "Bearer",
            exp: token.expires_at.timestamp(),
            iat: token.created_at.timestamp(),
            jti: token.id,
            sid: None,
            iss: server.issuer.clone(),
            aud: server.audience.clone(),
        }
    }
}

/// Does this token count, and for whom?
#[utoipa::path(post, path = "/oauth/introspect", tag = "oauth", security(("client" = [])),
    request_body(content = IntrospectionRequest, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "The answer; `{\"active\": false}` whatever is wrong with the token", body = Introspection),
    (status = 400, description = "There is no parameter `token`", body = OAuthError),
    (status = 401, description = "The caller is not the client it says", body = OAuthError),
    (status = 429, description = "Too many questions from this network; `Retry-After` tells when to come back"),
))]
pub(crate) async fn introspect(
    _limit: Limited<Introspections>,
    request_id: ReqData<RequestId>,
    sessions: web::Data<Sessions>,
    tokens: web::Data<PersonalTokens>,
    server: web::Data<TokenSettings>,
    ByClient(form): ByClient<Form<IntrospectionRequest>>,
) -> Result<HttpResponse> {
    let found = if PersonalTokens::concerns(&form.token) {
        let found = tokens.find(&form.token).await;
        found.map(|(token, account)| TokenFacts::of_personal_token(token, account, &server))
    } else {
        sessions.authenticate(&form.token).await.map(TokenFacts::from)
    };
    let token = match found {
        Ok(facts) => Some(facts),
        Err(SessionError::Rejected(reason)) => {
            log::info!("token inactive reason={:?} request_id={}", reason.to_string(), request_id.0);
            None
        }
        Err(error) => return Err(Problem::from(error).into()),
    };
    let answer = Introspection { active: token.is_some(), token };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

/// How forms are read and refused.
pub(crate) fn form_config() -> FormConfig {
    FormConfig::default().limit(MAX_BODY).error_handler(|error, _| OAuthError::from(&error).into())
}

impl fmt::Debug for IntrospectionRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IntrospectionRequest(..)")
    }
}
