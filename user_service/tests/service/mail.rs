//! Messages on their way, over a real mail server; and addresses that are proven with them.

use actix_web::http::Method;
use chrono::TimeDelta;
use entity::user_db::{mail, mail_token};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::clock::Clock;
use service_kit::testing::Backend;

use crate::mail_server::{BrokenServer, MailServer, settings};
use crate::support::{Answer, PASSWORD, TestService, eventually};

const PROFILE: &str = "/users/profile";

async fn start(backend: Backend) -> (TestService, MailServer) {
    let server = MailServer::start().await;
    let service = TestService::start_with(backend, &settings(&server.port.to_string())).await;
    (service, server)
}

async fn verify(service: &TestService, token: &str) -> Answer {
    service.post("/users/email/verify", &json!({"token": token})).await
}

async fn verified(service: &TestService, token: &str) -> Value {
    service.profile(token).await.body["email_verified"].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[rstest]
#[actix_web::test]
async fn a_new_address_gets_a_message_whose_token_counts_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend).await;
    let session = service.new_session("ann").await;
    let token = text(&session["access_token"]);
    let message = server.next().await;
    assert_eq!((&message.0["from"], message.to()), (&json!("kadr@video.example"), "ann@example.org"));
    assert_eq!(message.header("from"), "Kadr <kadr@video.example>");
    assert_eq!(message.header("to"), "ann@example.org");
    assert_eq!(message.header("subject"), "Confirm your e-mail address");
    assert_eq!(message.header("date"), "Fri, 15 Jan 2027 08:00:00 +0000", "by the service's clock");
    assert!(message.header("message-id").ends_with("@video.example>"), "{message:?}");
    assert_eq!(message.header("auto-submitted"), "auto-generated");
    assert!(!message.text().contains("ann"), "nothing in it is chosen by whoever has it sent");

    let stored = mail_token::Entity::find().all(&service.database().await).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_ne!(stored[0].token_hash, message.token());
    assert_eq!(verified(&service, token).await, false);
    verify(&service, "x").await.assert_problem(403, "mail-token-refused");
    assert_eq!(verify(&service, &message.token()).await.status, 204);
    assert_eq!(verified(&service, token).await, true);
    verify(&service, &message.token()).await.assert_problem(403, "mail-token-refused");
    let again = service.with_token(Method::POST, "/users/email/verification", token).await;
    again.assert_problem(409, "already-verified");
    let log = service.with_token(Method::GET, "/users/audit?limit=1", token).await;
    assert_eq!(log.body["items"][0]["action"], "email_verify");
}

#[rstest]
#[actix_web::test]
async fn a_token_expires_after_half_an_hour_and_another_can_be_asked_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend).await;
    assert_eq!(service.register("ann").await.status, 201);
    let first = server.next().await;
    service.clock.advance(TimeDelta::minutes(30));
    verify(&service, &first.token()).await.assert_problem(403, "mail-token-refused");
    let session = service.login("ann").await.body;
    let again =
        service.with_token(Method::POST, "/users/email/verification", text(&session["access_token"])).await;
    assert_eq!(again.status, 202);
    let second = server.next().await;
    service.clock.advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    verify(&service, &first.token()).await.assert_problem(403, "mail-token-refused");
    assert_eq!(verify(&service, &second.token()).await.status, 204);
}

#[rstest]
#[actix_web::test]
async fn links_lead_to_the_pages_of_the_operator(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut server = MailServer::start().await;
    let port = server.port.to_string();
    let mut variables = settings(&port);
    variables.push(("SMTP__VERIFY_LINK", "https://video.example/verify#{token}"));
    let service = TestService::start_with(backend, &variables).await;
    service.register("ann").await;
    let message = server.next().await;
    let link = message.text().lines().find_map(|line| line.strip_prefix("https://video.example/verify#"));
    assert_eq!(verify(&service, link.unwrap()).await.status, 204);
}

#[rstest]
#[actix_web::test]
async fn another_address_is_to_be_verified_anew(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend).await;
    let session = service.new_session("ann").await;
    let token = text(&session["access_token"]);
    let old = server.next().await;
    let change = async |email: &str| {
        let body = json!({"email": email, "current_password": PASSWORD});
        service.send(Method::PATCH, PROFILE, token, &[], &body).await
    };
    assert_eq!(change("ann@example.net").await.status, 200);
    let new = server.next().await;
    assert_eq!(new.to(), "ann@example.net");
    verify(&service, &old.token()).await.assert_problem(403, "mail-token-refused");
    assert_eq!(verified(&service, token).await, false);
    assert_eq!(verify(&service, &new.token()).await.status, 204);
    assert_eq!(
        change("Ann@example.net").await.body["email_verified"],
        true,
        "another spelling is no other address"
    );
    assert_eq!(change("ann@example.com").await.body["email_verified"], false);
}

#[rstest]
#[actix_web::test]
async fn without_a_server_nothing_is_mailed_and_the_endpoints_say_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let admin = service.new_administrator("root").await;
    let id = text(&service.profile(&admin).await.body["id"]).to_owned();
    let reset = json!({"token": "x", "new_password": "battery staple horse"});
    for answer in [
        service.with_token(Method::POST, "/users/email/verification", &admin).await,
        verify(&service, "x").await,
        service.post("/users/password/reset-request", &json!({"email": "root@example.org"})).await,
        service.post("/users/password/reset", &reset).await,
        service.with_token(Method::POST, &format!("/admin/users/{id}/password-reset"), &admin).await,
    ] {
        answer.assert_problem(501, "mail-not-configured");
    }
    assert!(mail::Entity::find().all(&service.database().await).await.unwrap().is_empty());
}

/// Waits until it is written down that the first try of a message has failed: the pause is 2 seconds, where one who tries
/// takes it for 60. The clock stands still.
async fn until_postponed(service: &TestService) {
    let db = service.database().await;
    let pause = service.clock.now() + TimeDelta::seconds(2);
    let postponed = || mail::Entity::find().filter(mail::Column::AvailableAt.eq(pause)).one(&db);
    eventually("the pause after a try", async || postponed().await.unwrap().is_some()).await;
}

#[rstest]
#[actix_web::test]
async fn a_message_waits_for_a_server_that_is_down(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let broken = BrokenServer::start();
    let port = broken.port();
    let service = TestService::start_with(backend, &settings(&port.to_string())).await;
    service.register("ann").await;
    broken.tried_once().await;
    until_postponed(&service).await;
    let mut server = MailServer::start_on(port).await;
    service.clock.advance(TimeDelta::seconds(2));
    let message = server.next().await;
    assert_eq!(message.to(), "ann@example.org");
    assert_eq!(
        verify(&service, &message.token()).await.status,
        204,
        "its half an hour begins when it is sent"
    );
}

/// Waits until no message is left to send.
async fn until_none_waits(service: &TestService) {
    let db = service.database().await;
    let waiting = || mail::Entity::find().filter(mail::Column::SentAt.is_null()).all(&db);
    eventually("the end of all messages", async || {
        service.clock.advance(TimeDelta::hours(1));
        waiting().await.unwrap().is_empty()
    })
    .await;
}

#[rstest]
#[actix_web::test]
async fn what_cannot_be_delivered_for_a_day_is_given_up(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    // Nobody listens on the discard port.
    let service = TestService::start_with(backend, &settings("9")).await;
    assert_eq!(service.register("ann").await.status, 201, "a request does not wait for its mail");
    until_none_waits(&service).await;
    assert!(mail::Entity::find().all(&service.database().await).await.unwrap().is_empty());
}

#[rstest]
#[actix_web::test]
async fn what_the_server_refuses_for_good_is_not_tried_again_and_holds_up_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start(backend).await;
    service.register("refused").await;
    service.register("ann").await;
    assert_eq!(server.next().await.to(), "ann@example.org");
    until_none_waits(&service).await;
    let left = mail::Entity::find().all(&service.database().await).await.unwrap();
    assert!(left.iter().all(|message| message.recipient == "ann@example.org"), "{left:?}");
}

/// A certificate for 127.0.0.1 and its key.
fn certificate(folder: &std::path::Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (certificate, key) = (folder.join("mail.pem"), folder.join("mail.key"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "30", "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

#[rstest]
#[actix_web::test]
async fn a_server_that_wants_tls_and_a_login_gets_both_and_one_without_tls_gets_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let mut plain = MailServer::start().await;
    let mut guarded = MailServer::start_guarded(&certificate, &key).await;
    let ports = [plain.port, guarded.port].map(|port| port.to_string());
    let guards = [
        ("SMTP__TLS", "required"),
        ("SMTP__CA_FILE", certificate.to_str().unwrap()),
        ("SMTP__USERNAME", "kadr"),
        ("SMTP__PASSWORD", "hunter2"),
    ];
    let with = |port, password| {
        let mut variables = settings(port);
        variables.retain(|(name, _)| *name != "SMTP__TLS");
        variables.extend(guards);
        variables.retain(|(name, _)| *name != "SMTP__PASSWORD");
        variables.push(("SMTP__PASSWORD", password));
        variables
    };
    let service = TestService::start_with(backend, &with(&ports[0], "hunter2")).await;
    service.register("ann").await;
    until_postponed(&service).await;
    assert!(plain.has_nothing(), "it offers no STARTTLS");
    let service = TestService::start_with(backend, &with(&ports[1], "hunter2")).await;
    service.register("bob").await;
    let message = guarded.next().await;
    assert_eq!((&message.0["encrypted"], &message.0["login"]), (&json!(true), &json!(true)));
    assert_eq!(message.to(), "bob@example.org");
}
