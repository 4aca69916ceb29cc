//! Proof of the second factor, at a login and wherever a password alone is not enough.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest, web};
use entity::user_db::account;
use secrecy::SecretString;
use service_kit::client_address::ClientAddress;
use service_kit::problem::{FieldError, Problem};

use crate::account::{Name, Username};
use crate::audit::Action;
use crate::login_throttle::LoginThrottle;
use crate::second_factor::{Proof, SecondFactors};

/// Checks the second factor, as an argument of a handler. Guessing gets slower with every wrong code.
pub(super) struct SecondFactorCheck {
    factors: web::Data<SecondFactors>,
    throttle: web::Data<LoginThrottle>,
    from: ClientAddress,
}

/// What was given as a second factor, by the members `code` and `recovery_code`; none where neither was.
pub(super) fn given(
    code: Option<SecretString>,
    recovery_code: Option<SecretString>,
) -> Result<Option<Proof>, Problem> {
    match (code, recovery_code) {
        (Some(_), Some(_)) => Err(Problem::invalid(both("give either code or recovery_code"))),
        (Some(code), None) => Ok(Some(Proof::Code(code))),
        (None, Some(code)) => Ok(Some(Proof::RecoveryCode(code))),
        (None, None) => Ok(None),
    }
}

impl FromRequest for SecondFactorCheck {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Ok(from) = ClientAddress::from_request(request, payload).into_inner();
        let found = || {
            Some(Self { factors: request.app_data().cloned()?, throttle: request.app_data().cloned()?, from })
        };
        ready(found().ok_or_else(|| Problem::internal("no second factors in the application's data")))
    }
}

impl SecondFactorCheck {
    /// Lets somebody who has proven the password of `account` log in, if they have its second factor, where it has one.
    pub(super) async fn log_in(
        &self,
        account: &account::Model,
        proof: Option<&Proof>,
    ) -> Result<(), Problem> {
        if !self.factors.is_enabled(account.id).await? {
            return Ok(());
        }
        let Some(proof) = proof else {
            self.factors.record_refused(account.id, Action::SecondFactorMissing, self.from).await?;
            return Err(challenge("second-factor-required", "A code is required as well")
                .detail("give code, from the authenticator app, or recovery_code"));
        };
        if self.is_right(account, proof).await? {
            return Ok(());
        }
        Err(challenge("second-factor-invalid", "The code is wrong or was used before"))
    }

    /// Proves that whoever has given the password of `account` has its second factor as well.
    pub(super) async fn prove(&self, account: &account::Model, proof: Option<&Proof>) -> Result<(), Problem> {
        if !self.factors.is_enabled(account.id).await? {
            return Err(Problem::not_found("second factor"));
        }
        let Some(proof) = proof else {
            return Err(Problem::invalid(both("one of the two is required for this change")));
        };
        if self.is_right(account, proof).await? { Ok(()) } else { Err(wrong(proof)) }
    }

    /// Wrong codes are counted by themselves. Only somebody with the password can try codes, so a long delay locks out
    /// nobody; and the owner has recovery codes, which nobody can guess: they are counted like passwords.
    async fn is_right(&self, account: &account::Model, proof: &Proof) -> Result<bool, Problem> {
        let attempt = match proof {
            Proof::Code(_) => self.throttle.begin_code(account.id, self.from).await?,
            Proof::RecoveryCode(_) => {
                let name = Username::try_from(account.username.clone()).ok().map(Name::Username);
                self.throttle.begin(name.as_ref(), self.from).await?
            }
        };
        let is_right = self.factors.accept(account.id, proof, self.from).await?;
        if is_right {
            self.throttle.succeeded(attempt).await?;
        } else {
            self.throttle.failed(attempt).await?;
            self.factors.record_refused(account.id, Action::SecondFactorCheck, self.from).await?;
        }
        Ok(is_right)
    }
}

/// 403, as for a wrong password beside a token that counts.
pub(super) fn wrong(proof: &Proof) -> Problem {
    let pointer = match proof {
        Proof::Code(_) => "/code",
        Proof::RecoveryCode(_) => "/recovery_code",
    };
    Problem::new(StatusCode::FORBIDDEN, "second-factor-invalid", "The code is wrong or was used before")
        .errors(vec![FieldError::new(pointer, "is wrong")])
}

fn challenge(slug: &str, title: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, slug, title)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kadr\""))
}

fn both(detail: &str) -> Vec<FieldError> {
    ["/code", "/recovery_code"].map(|pointer| FieldError::new(pointer, detail)).into()
}
