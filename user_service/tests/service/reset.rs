//! Passwords that were forgotten.

use actix_web::http::Method;
use chrono::TimeDelta;
use entity::user_db::{audit_event, mail};
use futures_util::future::join;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::authenticator::Authenticator;
use crate::mail_server::{MailServer, settings};
use crate::support::{Answer, PASSWORD, TestService, eventually};

const NEW_PASSWORD: &str = "battery staple horse";

/// A service, and nothing that waits at the server.
async fn start(backend: Backend, people: &[&str]) -> (TestService, MailServer) {
    let mut server = MailServer::start().await;
    let service = TestService::start_with(backend, &settings(&server.port.to_string())).await;
    for name in people {
        assert_eq!(service.register(name).await.status, 201);
        server.next().await;
    }
    (service, server)
}

async fn request(service: &TestService, email: &str) -> Answer {
    service.post("/users/password/reset-request", &json!({"email": email})).await
}

async fn reset(service: &TestService, token: &str, password: &str) -> Answer {
    service.post("/users/password/reset", &json!({"token": token, "new_password": password})).await
}

async fn log_in(service: &TestService, password: &str) -> Answer {
    service.post("/users/login", &json!({"username": "ann", "password": password})).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[rstest]
#[actix_web::test]
async fn a_reset_sets_the_password_and_shuts_everybody_out_who_was_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    let session = service.login("ann").await.body;
    let token = text(&session["access_token"]);
    let program = json!({"name": "import", "scopes": ["profile:read"]});
    let program = service.send(Method::POST, "/users/tokens", token, &[], &program).await;
    let program = text(&program.body["token"]).to_owned();
    assert_eq!(service.profile(&program).await.status, 200);

    assert_eq!(request(&service, "ANN@example.org").await.status, 202);
    let message = server.next().await;
    assert_eq!((message.to(), message.header("subject")), ("ann@example.org", "Set a new password"));
    assert_eq!(reset(&service, &message.token(), NEW_PASSWORD).await.status, 204);
    for gone in [token, &program] {
        service.profile(gone).await.assert_problem(401, "invalid-token");
    }
    service.refresh(&session["refresh_token"]).await.assert_problem(401, "invalid-token");
    log_in(&service, PASSWORD).await.assert_problem(401, "invalid-credentials");
    let login = log_in(&service, NEW_PASSWORD).await;
    assert_eq!(login.status, 200);
    let token = text(&login.body["access_token"]);
    assert_eq!(service.profile(token).await.body["email_verified"], true, "it has proven the address");
    reset(&service, &message.token(), PASSWORD).await.assert_problem(403, "mail-token-refused");
    let log = service.with_token(Method::GET, "/users/audit?limit=4", token).await;
    let actions: Vec<_> = (1..4).map(|index| text(&log.body["items"][index]["action"])).collect();
    assert_eq!(actions, ["login", "all_sessions_end", "password_reset"]);
}

#[rstest]
#[actix_web::test]
async fn a_reset_is_no_way_around_the_second_factor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    let session = service.login("ann").await.body;
    let app = Authenticator::enable(&service, text(&session["access_token"])).await;
    assert_eq!(request(&service, "ann@example.org").await.status, 202);
    assert_eq!(reset(&service, &server.next().await.token(), NEW_PASSWORD).await.status, 204);
    log_in(&service, NEW_PASSWORD).await.assert_problem(401, "second-factor-required");
    let both = json!({"username": "ann", "password": NEW_PASSWORD, "code": app.code(&service)});
    assert_eq!(service.post("/users/login", &both).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn known_and_unknown_addresses_are_answered_alike_and_cost_the_same(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann", "bob", "root"]).await;
    let admin = service.new_administrator("admin").await;
    server.next().await;
    let list = service.with_token(Method::GET, "/admin/users?search=bob", &admin).await;
    let path = format!("/admin/users/{}/disable", text(&list.body["items"][0]["id"]));
    assert_eq!(service.with_token(Method::POST, &path, &admin).await.status, 200);

    let mut answers = Vec::new();
    for address in ["nobody@example.org", "bob@example.org", "ann@example.org"] {
        let answer = request(&service, address).await;
        let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((answer.status, answer.body, names.len()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(
        server.next().await.to(),
        "ann@example.org",
        "messages are sent in order: the others got none"
    );
    let events = audit_event::Entity::find()
        .filter(audit_event::Column::Action.eq(audit_event::Action::PasswordResetRequest))
        .all(&service.database().await)
        .await
        .unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.account_id.is_none()), "the log tells nothing either");
    request(&service, "nobody").await.assert_problem(422, "validation-failed");
    let injection = "ann@example.org\r\nBcc: bob@example.org";
    request(&service, injection).await.assert_problem(422, "validation-failed");
}

#[rstest]
#[actix_web::test]
async fn a_token_counts_once_for_half_an_hour_and_for_good_passwords_only(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    request(&service, "ann@example.org").await;
    let late = server.next().await.token();
    service.clock.advance(TimeDelta::minutes(30));
    reset(&service, &late, NEW_PASSWORD).await.assert_problem(403, "mail-token-refused");

    request(&service, "ann@example.org").await;
    let token = server.next().await.token();
    for weak in ["password", "ann@example.org", "x"] {
        let refused = reset(&service, &token, weak).await;
        refused.assert_problem(422, "validation-failed");
        assert!(refused.body["strength"].is_object());
    }
    service
        .post("/users/email/verify", &json!({"token": token}))
        .await
        .assert_problem(403, "mail-token-refused");
    let (first, second) =
        join(reset(&service, &token, NEW_PASSWORD), reset(&service, &token, "another staple horse")).await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403], "of two at once one wins");
    let good = if first.status == 204 { NEW_PASSWORD } else { "another staple horse" };
    assert_eq!(log_in(&service, good).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn a_token_does_not_outlive_the_address_it_was_sent_to(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    request(&service, "ann@example.org").await;
    let token = server.next().await.token();
    let login = service.login("ann").await.body;
    let body = json!({"email": "new@example.org", "current_password": PASSWORD});
    let changed =
        service.send(Method::PATCH, "/users/profile", text(&login["access_token"]), &[], &body).await;
    assert_eq!(changed.status, 200);
    reset(&service, &token, NEW_PASSWORD).await.assert_problem(403, "mail-token-refused");
}

#[rstest]
#[actix_web::test]
async fn whoever_reads_the_mail_need_not_wait_for_those_who_guessed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    for _ in 0..6 {
        log_in(&service, "wrong horse").await;
    }
    log_in(&service, PASSWORD).await.assert_problem(429, "too-many-requests");
    request(&service, "ann@example.org").await;
    assert_eq!(reset(&service, &server.next().await.token(), NEW_PASSWORD).await.status, 204);
    assert_eq!(log_in(&service, NEW_PASSWORD).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn nobody_can_fill_a_mailbox(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, mut server) = start(backend, &["ann", "bob"]).await;
    for _ in 0..5 {
        assert_eq!(request(&service, "ann@example.org").await.status, 202, "nobody is told");
    }
    request(&service, "bob@example.org").await;
    let mut receivers = Vec::new();
    for _ in 0..4 {
        receivers.push(server.next().await.to().to_owned());
    }
    assert_eq!(receivers, ["ann@example.org", "ann@example.org", "ann@example.org", "bob@example.org"]);
    service.clock.advance(TimeDelta::hours(1));
    request(&service, "ann@example.org").await;
    assert_eq!(server.next().await.to(), "ann@example.org");
    let db = service.database().await;
    eventually("the end of all messages", async || {
        service.clock.advance(TimeDelta::hours(1));
        mail::Entity::find().all(&db).await.unwrap().is_empty()
    })
    .await;
}

#[rstest]
#[actix_web::test]
async fn asking_has_a_limit_for_each_network(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let mut variables = settings("9");
    variables.push(("RATE_LIMITS__RESET", "2"));
    let service = TestService::start_with(backend, &variables).await;
    let first = request(&service, "a@example.org").await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"reset\";q=2;w=60"));
    assert_eq!(first.header("ratelimit"), Some("\"reset\";r=1;t=30"));
    reset(&service, "x", NEW_PASSWORD).await.assert_problem(403, "mail-token-refused");
    let third = service.post("/users/email/verify", &json!({"token": "x"})).await;
    third.assert_problem(429, "too-many-requests");
    assert_eq!(third.header("retry-after"), Some("30"));
}

#[rstest]
#[actix_web::test]
async fn administrators_start_a_reset_and_see_nothing_of_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    let admin = service.new_administrator("root").await;
    server.next().await;
    let ann = text(&service.login("ann").await.body["access_token"]).to_owned();
    let id = text(&service.profile(&ann).await.body["id"]).to_owned();
    let start = async |id: &str, token: &str| {
        service.with_token(Method::POST, &format!("/admin/users/{id}/password-reset"), token).await
    };
    start(&id, &ann).await.assert_problem(403, "insufficient-scope");
    start("00000000-0000-7000-8000-000000000000", &admin).await.assert_problem(404, "not-found");
    let started = start(&id, &admin).await;
    assert_eq!((started.status, started.body), (202, Value::Null));
    assert_eq!(service.profile(&ann).await.status, 200, "until its owner acts, nothing changes");
    let log = service.with_token(Method::GET, "/users/audit?limit=1", &ann).await;
    assert_eq!(log.body["items"][0]["action"], "password_reset_request");
    assert_ne!(log.body["items"][0]["actor_id"], id.as_str());
    let message = server.next().await;
    assert_eq!(message.to(), "ann@example.org");
    assert_eq!(reset(&service, &message.token(), NEW_PASSWORD).await.status, 204);

    service.with_token(Method::POST, &format!("/admin/users/{id}/disable"), &admin).await;
    start(&id, &admin).await.assert_problem(409, "account-unreachable");
}

#[rstest]
#[actix_web::test]
async fn a_disabled_account_cannot_be_reset_with_a_token_it_got_before(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend, &["ann"]).await;
    let admin = service.new_administrator("root").await;
    server.next().await;
    request(&service, "ann@example.org").await;
    let token = server.next().await.token();
    let list = service.with_token(Method::GET, "/admin/users?search=ann", &admin).await;
    let path = format!("/admin/users/{}/disable", text(&list.body["items"][0]["id"]));
    assert_eq!(service.with_token(Method::POST, &path, &admin).await.status, 200);
    reset(&service, &token, NEW_PASSWORD).await.assert_problem(403, "mail-token-refused");
}
