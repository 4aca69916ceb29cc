//! `POST /users/register`

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use entity::user_db::account::Role;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::checked::Checked;
use service_kit::client_address::ClientAddress;
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use service_kit::rate_limit::Limited;
use utoipa::ToSchema;

use super::Account;
use super::weak_password::{self, WeakPassword};
use crate::account::{
    Accounts, Applicant, CreateError, DisplayName, Email, NewAccount, NewPassword, Username, WantedPassword,
};
use crate::invites::{InviteCode, Invites};
use crate::passwords::PasswordHasher;
use crate::rate_limits::Registrations;
use crate::settings::{RegistrationMode, RegistrationSettings};

/// Who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// 3 to 64 ASCII letters, digits and `. _ -`; unique, whatever its case.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 3, max_length = 64, example = "ann")]
    username: Checked<Username>,
    /// Unique, whatever its case.
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254, example = "ann@example.org")]
    email: Checked<Email>,
    /// At least 8 characters and at most 72 bytes of UTF-8, any but NUL; none of the most common ones, and not one's own
    /// name or address.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", min_length = 8, max_length = 72)]
    password: Checked<WantedPassword>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "Ann Lee")]
    display_name: Option<Checked<DisplayName>>,
    /// Required where registration is for the invited, without meaning elsewhere.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    invite_code: Option<SecretString>,
}

impl Registration {
    /// All members, or everything that is wrong with them.
    fn parse(
        self,
        rules: &RegistrationSettings,
    ) -> Result<(NewAccount, NewPassword, Option<InviteCode>), Problem> {
        let mut errors = Vec::new();
        let username = self.username.take("/username", &mut errors);
        let email = self.email.take("/email", &mut errors);
        if email.as_ref().is_some_and(|email| !rules.admit(email)) {
            errors.push(other_domain());
        }
        let invite = self.invite_code.filter(|_| rules.mode == RegistrationMode::Invite);
        if rules.mode == RegistrationMode::Invite && invite.is_none() {
            errors.push(FieldError::new("/invite_code", "is required: registration is for the invited"));
        }
        let wanted = self.password.take("/password", &mut errors);
        let display_name = self.display_name.and_then(|name| name.take("/display_name", &mut errors));

        let names = [
            username.as_ref().map(Username::as_str),
            email.as_ref().map(Email::as_str),
            display_name.as_ref().map(DisplayName::as_str),
        ];
        let names: Vec<_> = names.into_iter().flatten().collect();
        let password = match wanted.map(|wanted| wanted.accept(&names)).transpose() {
            Ok(password) => password,
            Err(refusal) => return Err(weak_password::refused("/password", &refusal, errors)),
        };
        match (username, email, password) {
            (Some(username), Some(email), Some(password)) if errors.is_empty() => {
                let new = NewAccount { username, email, display_name, role: Role::User };
                Ok((new, password, invite.map(InviteCode::from)))
            }
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// What is wrong with an address that no account may have.
pub(super) fn other_domain() -> FieldError {
    FieldError::new("/email", "is not of a domain whose people may have accounts")
}

/// Create an account
///
/// Where addresses must be verified, the answer is the same whether somebody has the address already or not.
#[utoipa::path(post, path = "/users/register", tag = "accounts", responses(
    (status = 201, description = "The account; log in to use it", body = Account, headers(("Location" = String))),
    (status = 422, description = "Something is wrong with it, and how strong a refused password is",
        body = WeakPassword, content_type = "application/problem+json"),
    (status = 403, description = "Registration is closed, or the invite does not count"),
    (status = 409, description = "Somebody has the name or the address"),
    (status = 429, description = "Too many registrations from this network; `Retry-After` tells when to come back"),
))]
pub(crate) async fn register(
    _limit: Limited<Registrations>,
    from: ClientAddress,
    accounts: web::Data<Accounts>,
    hasher: web::Data<PasswordHasher>,
    rules: web::Data<RegistrationSettings>,
    invites: web::Data<Invites>,
    body: Json<Registration>,
) -> Result<HttpResponse, Problem> {
    if rules.mode == RegistrationMode::Closed {
        return Err(Problem::new(StatusCode::FORBIDDEN, "registration-closed", "Nobody can register here"));
    }
    let (new, password, invite) = body.0.parse(&rules)?;
    if let Some(code) = &invite
        && !invites.is_good(code).await?
    {
        return Err(CreateError::InviteRefused.into());
    }
    let hash = hasher.reserve()?.hash(password).await?;
    let account = accounts.create(new, hash, Applicant::Client { from, invite }).await?;
    log::info!("account created account_id={}", account.id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, "/users/profile"))
        .json(Account::from(account)))
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Taken { username, email } => {
                let taken = [("/username", username), ("/email", email)];
                let clashes = taken.into_iter().filter(|(_, clashes)| *clashes);
                Self::new(StatusCode::CONFLICT, "account-exists", "There is such an account already")
                    .errors(clashes.map(|(pointer, _)| FieldError::new(pointer, "is taken")).collect())
            }
            CreateError::InviteRefused => {
                Self::new(StatusCode::FORBIDDEN, "invite-refused", "The invite does not count")
                    .detail("it was used, has expired or never was")
            }
            CreateError::Database(error) => error.into(),
        }
    }
}
