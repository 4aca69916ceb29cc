//! `/users/second-factor`: an authenticator app beside the password, and the recovery codes that stand in for it.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::task;
use utoipa::ToSchema;

use super::current_password::PasswordCheck;
use super::second_factor_check::{SecondFactorCheck, given, wrong};
use crate::audit::{Action, Entry, Outcome, Who};
use crate::login_throttle::LoginThrottle;
use crate::second_factor::{Confirmation, Proof, SecondFactors, State};
use crate::sessions::Authenticated;

const PATH: &str = "/users/second-factor";

/// Proof that it is really the owner who wants one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolling {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
}

/// The first code of the app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstCode {
    #[schema(value_type = String, example = "492039")]
    code: SecretString,
}

/// Both factors: the password, and either of the two codes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUp {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
    /// What the authenticator app shows.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "492039")]
    code: Option<SecretString>,
    /// One of the recovery codes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
}

/// What an authenticator app is set up with.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppSecret {
    /// 160 bits in base32 (RFC 4648 §6), for those who type it.
    secret: String,
    /// The same for a QR code: SHA-1, 6 digits, 30 seconds, as every app assumes.
    #[schema(example = "otpauth://totp/Kadr:ann?secret=…&issuer=Kadr")]
    otpauth_url: String,
}

/// Recovery codes, each good for one use in the place of a code.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// They are shown this once.
    recovery_codes: Vec<String>,
}

/// Whether logins want a code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    enabled: bool,
    /// Since when; null where they do not.
    #[schema(required)]
    confirmed_at: Option<DateTime<Utc>>,
    recovery_codes_left: u64,
}

impl From<State> for SecondFactor {
    fn from(state: State) -> Self {
        Self {
            enabled: state.confirmed_at.is_some(),
            confirmed_at: state.confirmed_at,
            recovery_codes_left: state.recovery_codes_left,
        }
    }
}

/// Whether logins want a code, and how many recovery codes are left
#[utoipa::path(get, path = "/users/second-factor", tag = "second factor", security(("bearer" = [])), responses(
    (status = 200, description = "As it is", body = SecondFactor),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The token is no login"),
))]
pub(crate) async fn read(
    caller: Authenticated,
    factors: web::Data<SecondFactors>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(SecondFactor::from(factors.state(caller.account.id).await?)))
}

/// Begin to use an authenticator app
///
/// Logins go on as before until `POST /users/second-factor/confirm`; asked again, the secret is another one.
#[utoipa::path(post, path = "/users/second-factor", tag = "second factor", security(("bearer" = [])), responses(
    (status = 201, description = "The secret that the app needs, this once", body = AppSecret,
        headers(("Location" = String))),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The current password is wrong, or the token is no login"),
    (status = 409, description = "Logins want a code already"),
))]
pub(crate) async fn begin(
    caller: Authenticated,
    factors: web::Data<SecondFactors>,
    check: PasswordCheck,
    body: Json<Enrolling>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account;
    check.prove(&account, Some(body.0.current_password), Action::SecondFactorEnable).await?;
    let Some(enrolment) = factors.begin(&account).await? else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "second-factor-enabled",
            "There is a second factor already",
        )
        .detail("remove it before another app is set up"));
    };
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, PATH))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(AppSecret {
            secret: enrolment.secret.expose_secret().to_owned(),
            otpauth_url: enrolment.url.expose_secret().to_owned(),
        }))
}

/// Enable the second factor, with the first code of the app
///
/// From now on logins want a code. Sessions that are open stay so; `DELETE /users/sessions` ends the others.
#[utoipa::path(post, path = "/users/second-factor/confirm", tag = "second factor", security(("bearer" = [])), responses(
    (status = 200, description = "It is enabled; recovery codes, this once", body = RecoveryCodes),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The code is wrong, or the token is no login"),
    (status = 404, description = "None was begun"),
    (status = 429, description = "Too many codes were wrong; `Retry-After` tells when to come back"),
))]
pub(crate) async fn confirm(
    caller: Authenticated,
    from: ClientAddress,
    factors: web::Data<SecondFactors>,
    throttle: web::Data<LoginThrottle>,
    body: Json<FirstCode>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account.id;
    let code = body.0.code;
    let attempt = throttle.begin_code(account, from).await?;
    match factors.confirm(account, &code, from).await? {
        Confirmation::Enabled(codes) => {
            log::info!("second factor enabled account_id={account}");
            Ok(shown(&codes))
        }
        Confirmation::WrongCode => {
            throttle.failed(attempt).await?;
            factors.record_refused(account, Action::SecondFactorEnable, from).await?;
            Err(wrong(&Proof::Code(code)))
        }
        Confirmation::NothingPending => {
            Err(Problem::not_found("second factor that waits for its first code"))
        }
    }
}

/// Make other recovery codes
///
/// Those that are left do not count any more.
#[utoipa::path(post, path = "/users/second-factor/recovery-codes", tag = "second factor", security(("bearer" = [])),
    responses(
    (status = 200, description = "The new ones, this once", body = RecoveryCodes),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The password or the code is wrong, or the token is no login"),
    (status = 404, description = "There is no second factor"),
    (status = 429, description = "Too many codes were wrong; `Retry-After` tells when to come back"),
))]
pub(crate) async fn renew_recovery_codes(
    caller: Authenticated,
    from: ClientAddress,
    factors: web::Data<SecondFactors>,
    password: PasswordCheck,
    second_factor: SecondFactorCheck,
    body: Json<StepUp>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account;
    let proof = given(body.0.code, body.0.recovery_code)?;
    password.prove(&account, Some(body.0.current_password), Action::RecoveryCodesRenew).await?;
    second_factor.prove(&account, proof.as_ref()).await?;
    let codes = factors.renew_recovery_codes(account.id, from).await?;
    Ok(shown(&codes.ok_or_else(|| Problem::not_found("second factor"))?))
}

/// Remove the second factor
///
/// Logins want the password alone again, and the recovery codes do not count any more.
#[utoipa::path(delete, path = "/users/second-factor", tag = "second factor", security(("bearer" = [])),
    request_body = StepUp, responses(
    (status = 204, description = "It is removed"),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The password or the code is wrong, or the token is no login"),
    (status = 404, description = "There is none"),
    (status = 429, description = "Too many codes were wrong; `Retry-After` tells when to come back"),
))]
pub(crate) async fn remove(
    caller: Authenticated,
    from: ClientAddress,
    factors: web::Data<SecondFactors>,
    password: PasswordCheck,
    second_factor: SecondFactorCheck,
    body: Json<StepUp>,
) -> Result<HttpResponse, Problem> {
    let account = caller.account;
    let proof = given(body.0.code, body.0.recovery_code)?;
    password.prove(&account, Some(body.0.current_password), Action::SecondFactorDisable).await?;
    // To the end: a client that hangs up must not lose a recovery code for nothing.
    task::to_its_end(async move {
        second_factor.prove(&account, proof.as_ref()).await?;
        let (who, what) = (Who::Owner(account.id), Action::SecondFactorDisable);
        let entry = Entry { who, what, from: Some(from), result: Outcome::Success };
        factors.remove(account.id, entry).await?;
        log::info!("second factor removed account_id={}", account.id);
        Ok(())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 200, not to be stored by anybody between.
fn shown(codes: &[SecretString]) -> HttpResponse {
    let recovery_codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(RecoveryCodes { recovery_codes })
}
