//! `GET` and `PATCH /users/profile`

use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, Header, IfMatch, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use entity::user_db::account;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use service_kit::checked::Checked;
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Account;
use super::bearer::{Authorized, ProfileRead, ProfileWrite};
use super::current_password::PasswordCheck;
use super::register::other_domain;
use crate::account::{Accounts, ChangeError, DisplayName, Email, Initials, Locale, ProfileChanges};
use crate::audit::Action;
use crate::settings::RegistrationSettings;

/// What is to change; what is not named stays, and null removes what may be absent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a text are three things to ask for")]
pub(crate) struct Changes {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    display_name: Option<Option<Checked<DisplayName>>>,
    /// A language tag (BCP 47).
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 35, example = "en-GB")]
    locale: Option<Option<Checked<Locale>>>,
    /// 1 to 3 letters or digits.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 3, example = "AL")]
    initials: Option<Option<Checked<Initials>>>,
    /// Wants `current_password`.
    #[schema(value_type = Option<String>, format = "email", max_length = 254)]
    email: Option<Checked<Email>>,
    /// Only for a change of `email`.
    #[schema(value_type = Option<String>, format = "password")]
    current_password: Option<SecretString>,
}

/// Tells null from absent.
#[expect(clippy::option_option, reason = "absent, null and a text are three things to ask for")]
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Changes {
    /// The changes and the password that allows them, or everything that is wrong.
    fn parse(self) -> Result<(ProfileChanges, Option<SecretString>), Problem> {
        let mut errors = Vec::new();
        let changes = ProfileChanges {
            display_name: taken(self.display_name, "/display_name", &mut errors),
            locale: taken(self.locale, "/locale", &mut errors),
            initials: taken(self.initials, "/initials", &mut errors),
            email: self.email.and_then(|email| email.take("/email", &mut errors)),
        };
        if errors.is_empty() { Ok((changes, self.current_password)) } else { Err(Problem::invalid(errors)) }
    }
}

#[expect(clippy::option_option, reason = "absent, null and a text are three things to ask for")]
fn taken<T>(
    wanted: Option<Option<Checked<T>>>,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Option<T>> {
    wanted.map(|wanted| wanted.and_then(|wanted| wanted.take(pointer, errors)))
}

/// The account of the token
#[utoipa::path(get, path = "/users/profile", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, description = "The account", body = Account, headers(("ETag" = String))),
    (status = 304, description = "It is the one of If-None-Match still"),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The token lacks the scope profile:read"),
))]
pub(crate) async fn read(
    request: HttpRequest,
    caller: Authorized<ProfileRead>,
) -> Result<HttpResponse, Problem> {
    let (body, tag) = represent(caller.account)?;
    let mut response =
        if is_known(&request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // Caches on the way have no business with it; the client's own asks each time.
    response.insert_header(header::ETag(tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    Ok(response.content_type("application/json").body(body))
}

/// Change the account of the token
///
/// With `If-Match` only if it is still what the client saw. Another e-mail address wants the current password.
#[utoipa::path(patch, path = "/users/profile", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, description = "The account as it is now", body = Account, headers(("ETag" = String))),
    (status = 401, description = "The token does not count"),
    (status = 403, description = "The current password is wrong, or the token lacks the scope profile:write"),
    (status = 409, description = "Somebody has the address"),
    (status = 412, description = "The account has changed meanwhile"),
))]
pub(crate) async fn change(
    request: HttpRequest,
    caller: Authorized<ProfileWrite>,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    check: PasswordCheck,
    rules: web::Data<RegistrationSettings>,
    body: Json<Changes>,
) -> Result<HttpResponse, Problem> {
    let before = caller.account;
    let (mut changes, password) = body.0.parse()?;
    if !is_expected(&request, &represent(before.clone())?.1) {
        return Err(ChangeError::ChangedMeanwhile.into());
    }
    // To ask for the address that one has is to ask for nothing.
    changes.email = changes.email.filter(|email| email.as_str() != before.email);
    if changes.email.as_ref().is_some_and(|email| !rules.admit(email)) {
        return Err(Problem::invalid(vec![other_domain()]));
    }
    if changes.email.is_some() {
        check.prove(&before, password, Action::EmailChange).await?;
    }
    let (body, tag) = represent(accounts.change_profile(before, changes, from).await?)?;
    let mut response = HttpResponse::Ok();
    Ok(response.insert_header(header::ETag(tag)).content_type("application/json").body(body))
}

/// What a client sees of an account, and its tag.
fn represent(account: account::Model) -> Result<(Vec<u8>, EntityTag), Problem> {
    let body = serde_json::to_vec(&Account::from(account)).map_err(Problem::internal)?;
    let tag = EntityTag::new_strong(hex::encode(Sha256::digest(&body)));
    Ok((body, tag))
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::ChangedMeanwhile => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed-meanwhile",
                "The account has changed meanwhile",
            )
            .detail("read it again and decide anew"),
            ChangeError::EmailTaken => {
                Self::new(StatusCode::CONFLICT, "account-exists", "There is such an account already")
                    .errors(vec![FieldError::new("/email", "is taken")])
            }
            ChangeError::Database(error) => error.into(),
        }
    }
}

/// Whether the client means the account as it is; true where it does not say (RFC 9110 §13.1.1).
fn is_expected(request: &HttpRequest, tag: &EntityTag) -> bool {
    !request.headers().contains_key(header::IF_MATCH)
        || IfMatch::parse(request).is_ok_and(|condition| match condition {
            IfMatch::Any => true,
            IfMatch::Items(tags) => tags.iter().any(|given| given.strong_eq(tag)),
        })
}

/// Whether the client has this representation (RFC 9110 §13.1.2). A header that cannot be read asks for nothing.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|other| other.weak_eq(tag)),
        Err(_) => false,
    }
}
