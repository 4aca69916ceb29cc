//! `POST /users/login`

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use entity::secret_text::SecretText;
use entity::user_db::account;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use service_kit::rate_limit::Limited;
use utoipa::ToSchema;

use super::origin::Origin;
use super::second_factor_check::{SecondFactorCheck, given};
use super::token_response::{TokenResponse, respond};
use crate::account::{Accounts, Email, Name, Password, Username};
use crate::login_throttle::LoginThrottle;
use crate::oauth::login_scope;
use crate::passwords::PasswordHasher;
use crate::rate_limits::Logins;
use crate::second_factor::Proof;
use crate::sessions::{NewSession, SessionError, Sessions};

/// Who wants in: exactly one of the two names, the password, and one of the two codes where the account wants one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[serde(default)]
    #[schema(example = "ann")]
    username: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// What the authenticator app shows.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "492039")]
    code: Option<SecretString>,
    /// A recovery code, in its place.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
}

/// What was given to log in with.
struct Credentials {
    /// None where nobody can have it: whoever gives one is told the same as for a wrong password.
    name: Option<Name>,
    password: Option<Password>,
    second_factor: Option<Proof>,
}

impl Login {
    fn parse(self) -> Result<Credentials, Problem> {
        let name = match (self.username, self.email) {
            (Some(username), None) => Username::try_from(username).ok().map(Name::Username),
            (None, Some(email)) => Email::try_from(email).ok().map(Name::Email),
            _ => {
                let detail = "give either username or email";
                return Err(Problem::invalid(vec![
                    FieldError::new("/username", detail),
                    FieldError::new("/email", detail),
                ]));
            }
        };
        let password = Password::verifiable(self.password.expose_secret().to_owned());
        Ok(Credentials { name, password, second_factor: given(self.code, self.recovery_code)? })
    }
}

/// Log in
///
/// An unknown name, a wrong password and a disabled account get the same answer, after the same time. Where the account has
/// a second factor, the right password alone is answered with `second-factor-required`: ask for a code and send all again.
#[utoipa::path(post, path = "/users/login", tag = "sessions", responses(
    (status = 200, description = "A new session", body = TokenResponse),
    (status = 401, description = "The name or the password is wrong, or the second factor is wrong or missing"),
    (status = 403, description = "All is right, and the address has to be verified first; a message was sent there"),
    (status = 429, description = "Too many have failed; `Retry-After` tells when to come back"),
))]
#[expect(clippy::too_many_arguments, reason = "one for everything that has a say in a login")]
pub(crate) async fn login(
    _limit: Limited<Logins>,
    origin: Origin,
    accounts: web::Data<Accounts>,
    throttle: web::Data<LoginThrottle>,
    hasher: web::Data<PasswordHasher>,
    sessions: web::Data<Sessions>,
    check: SecondFactorCheck,
    body: Json<Login>,
) -> Result<HttpResponse, Problem> {
    let Credentials { name, password, second_factor } = body.0.parse()?;
    let from = origin.address;
    let attempt = throttle.begin(name.as_ref(), from).await?;
    let place = hasher.reserve()?;
    let account = match &name {
        Some(name) => accounts.find(name).await?,
        None => None,
    };
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let matches = place.verify(password.clone(), hash).await?;
    let known = account.as_ref().map(|account| account.id);
    let account = account.filter(|account| matches && account.disabled_at.is_none());
    let Some(account) = account else {
        throttle.failed(attempt).await?;
        accounts.record_refused_login(known, from).await?;
        return Err(refused());
    };
    throttle.recheck(&attempt).await?;
    check.log_in(&account, second_factor.as_ref()).await?;
    throttle.succeeded(attempt).await?;
    if accounts.must_verify(&account) {
        accounts.record_refused_login(known, from).await?;
        // Without a login nobody could ask for another one.
        accounts.send_verification(&account).await?;
        return Err(not_verified());
    }
    let password_hash = match password {
        Some(password) => renewed_hash(&accounts, &hasher, &account, password).await?,
        None => account.password_hash,
    };
    let (account_id, scope) = (account.id, login_scope(account.role));
    let new = NewSession { account_id, password_hash, scope, device: origin.device, from };
    match sessions.open(new).await {
        // The password was changed, or the account disabled, while it was compared.
        Err(SessionError::Rejected(reason)) => Err(refused().cause(reason)),
        outcome => Ok(respond(outcome?)),
    }
}

fn not_verified() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "email-not-verified", "The e-mail address is not verified")
        .detail("use the token of the message that was sent there")
}

/// The hash of the password that was proven: another one where the operator has changed the cost, for only at a login the
/// password is known.
async fn renewed_hash(
    accounts: &Accounts,
    hasher: &PasswordHasher,
    account: &account::Model,
    password: Password,
) -> Result<SecretText, Problem> {
    if !hasher.is_outdated(&account.password_hash) {
        return Ok(account.password_hash.clone());
    }
    let hash = hasher.reserve()?.rehash(password.clone()).await?;
    if accounts.renew_hash(account, hash.clone()).await? {
        log::info!("password hash renewed account_id={}", account.id);
        return Ok(hash);
    }
    // Another login has renewed it, or the password was changed: the password itself tells.
    let kept = accounts.read(account.id).await?.ok_or_else(refused)?.password_hash;
    let matches = hasher.reserve()?.verify(Some(password), Some(kept.clone())).await?;
    if matches { Ok(kept) } else { Err(refused()) }
}

fn refused() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid-credentials", "The name or the password is wrong")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kadr\""))
}
