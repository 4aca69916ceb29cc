//! An authenticator app, as somebody has one on the phone.

use actix_web::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use service_kit::clock::Clock;
use service_kit::testing::Backend;
use totp_rs::Totp;

use crate::support::{Answer, PASSWORD, TestService};

pub(crate) const PATH: &str = "/users/second-factor";

/// The app, and the recovery codes on a sheet beside it.
pub(crate) struct Authenticator {
    totp: Totp,
    pub(crate) recovery_codes: Vec<String>,
}

impl Authenticator {
    /// Sets one up for the account of `token`, but does not confirm it.
    pub(crate) async fn begin(service: &TestService, token: &str) -> Self {
        let body = json!({"current_password": PASSWORD});
        let answer = service.send(Method::POST, PATH, token, &[], &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let totp = Totp::from_url(answer.body["otpauth_url"].as_str().unwrap()).unwrap();
        assert_eq!(answer.body["secret"], totp.secret().to_base32());
        Self { totp, recovery_codes: Vec::new() }
    }

    /// Sets one up, and waits until it shows another code than the one that was used for that.
    pub(crate) async fn enable(service: &TestService, token: &str) -> Self {
        let mut app = Self::begin(service, token).await;
        let answer = app.confirm(service, token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let codes = answer.body["recovery_codes"].as_array().unwrap().iter();
        app.recovery_codes = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
        service.clock.advance(TimeDelta::seconds(30));
        app
    }

    pub(crate) async fn confirm(&self, service: &TestService, token: &str) -> Answer {
        let body = json!({"code": self.code(service)});
        service.send(Method::POST, &format!("{PATH}/confirm"), token, &[], &body).await
    }

    /// What the app shows now.
    pub(crate) fn code(&self, service: &TestService) -> String {
        self.code_of(service, 0)
    }

    /// What it shows so many seconds later.
    pub(crate) fn code_of(&self, service: &TestService, later: i64) -> String {
        let time = service.clock.now() + TimeDelta::seconds(later);
        self.totp.generate(time.timestamp().try_into().unwrap()).to_string()
    }

    /// A code that is wrong now and for a good while: none of the codes of the next hours.
    pub(crate) fn wrong_code(&self, service: &TestService) -> String {
        let shown: Vec<_> = (-10..1000).map(|step| self.code_of(service, step * 30)).collect();
        (0..10_000).map(|number: u32| format!("{number:06}")).find(|code| !shown.contains(code)).unwrap()
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.totp.issuer()
    }

    pub(crate) fn account_name(&self) -> &str {
        self.totp.account_name()
    }

    /// The shared secret, in the forms that might be looked for.
    pub(crate) fn secret(&self) -> [String; 2] {
        [self.totp.secret().to_base32(), hex::encode(self.totp.secret().as_bytes())]
    }
}

/// A login of `ann` with her password and `more` members.
pub(crate) async fn log_in(service: &TestService, more: Value) -> Answer {
    let mut body = json!({"username": "ann", "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    service.post("/users/login", &body).await
}

/// A service on which ann uses an app, and the token of her session.
pub(crate) async fn start(backend: Backend) -> (TestService, Authenticator, String) {
    let service = TestService::start(backend).await;
    let token = new_token(&service, "ann").await;
    let app = Authenticator::enable(&service, &token).await;
    (service, app, token)
}

pub(crate) async fn new_token(service: &TestService, name: &str) -> String {
    service.new_session(name).await["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn state(service: &TestService, token: &str) -> Value {
    let answer = service.with_token(Method::GET, PATH, token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Action and outcome of what happened to the account since the login, the oldest first.
pub(crate) async fn story(service: &TestService, token: &str) -> Vec<(String, String)> {
    let answer = service.with_token(Method::GET, "/users/audit?limit=200", token).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = answer.body["items"].as_array().unwrap().iter().rev().skip(2);
    events.map(|event| (text(&event["action"]), text(&event["outcome"]))).collect()
}

pub(crate) fn told(events: &[(&str, &str)]) -> Vec<(String, String)> {
    events.iter().map(|(action, outcome)| ((*action).to_owned(), (*outcome).to_owned())).collect()
}
