//! What a token alone must not do: whoever asks for it says the password of the account again.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, web};
use entity::user_db::account;
use secrecy::{ExposeSecret, SecretString};
use service_kit::client_address::ClientAddress;
use service_kit::problem::{FieldError, Problem};

use crate::account::{Accounts, Name, Password, Username};
use crate::audit::Action;
use crate::login_throttle::LoginThrottle;
use crate::passwords::PasswordHasher;

const POINTER: &str = "/current_password";

/// Asks for the password, as an argument of a handler. Guessing is as slow as at the login, and counts there as well.
pub(super) struct PasswordCheck {
    accounts: web::Data<Accounts>,
    throttle: web::Data<LoginThrottle>,
    hasher: web::Data<PasswordHasher>,
    from: ClientAddress,
}

impl FromRequest for PasswordCheck {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Ok(from) = ClientAddress::from_request(request, payload).into_inner();
        let found = || {
            Some(Self {
                accounts: request.app_data().cloned()?,
                throttle: request.app_data().cloned()?,
                hasher: request.app_data().cloned()?,
                from,
            })
        };
        ready(found().ok_or_else(|| Problem::internal("no password check in the application's data")))
    }
}

impl PasswordCheck {
    /// Proves that whoever asks for `what` knows the password of `account`. A failure is in the audit log.
    pub(super) async fn prove(
        &self,
        account: &account::Model,
        given: Option<SecretString>,
        what: Action,
    ) -> Result<(), Problem> {
        let Some(given) = given else {
            return Err(Problem::invalid(vec![FieldError::new(POINTER, "is required for this change")]));
        };
        let name = Username::try_from(account.username.clone()).ok().map(Name::Username);
        let attempt = self.throttle.begin(name.as_ref(), self.from).await?;
        let password = Password::verifiable(given.expose_secret().to_owned());
        if self.hasher.reserve()?.verify(password, Some(account.password_hash.clone())).await? {
            self.throttle.succeeded(attempt).await?;
            return Ok(());
        }
        self.throttle.failed(attempt).await?;
        self.accounts.record_unproven(account.id, what, self.from).await?;
        Err(Problem::new(StatusCode::FORBIDDEN, "wrong-password", "The current password is wrong")
            .errors(vec![FieldError::new(POINTER, "is wrong")]))
    }
}
