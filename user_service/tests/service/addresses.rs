//! Addresses that must be verified: who has one, and who learns of it.

use actix_web::http::Method;
use entity::user_db::account;
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::mail_server::{MailServer, settings};
use crate::support::{Answer, PASSWORD, TestService};

async fn verify(service: &TestService, token: &str) -> Answer {
    service.post("/users/email/verify", &json!({"token": token})).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// With addresses that must be verified.
async fn start_strict(backend: Backend) -> (TestService, MailServer) {
    let server = MailServer::start().await;
    let port = server.port.to_string();
    let mut variables = settings(&port);
    variables.push(("REGISTRATION__REQUIRE_VERIFIED_EMAIL", "true"));
    (TestService::start_with(backend, &variables).await, server)
}

async fn login_by(service: &TestService, member: &str, name: &str, password: &str) -> Answer {
    service.post("/users/login", &json!({member: name, "password": password})).await
}

#[rstest]
#[actix_web::test]
async fn who_must_verify_an_address_is_let_in_after_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start_strict(backend).await;
    assert_eq!(service.register("ann").await.status, 201);
    server.next().await;
    login_by(&service, "username", "ann", "wrong horse").await.assert_problem(401, "invalid-credentials");
    service.login("ann").await.assert_problem(403, "email-not-verified");
    let token = server.next().await.token();
    assert_eq!(verify(&service, &token).await.status, 204);
    assert_eq!(service.login("ann").await.status, 200);
    assert_eq!(login_by(&service, "email", "ANN@example.org", PASSWORD).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn nobody_learns_whose_address_is_taken_but_its_owner(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start_strict(backend).await;
    service.register("ann").await;
    verify(&service, &server.next().await.token()).await;
    let register = async |username: &str, email: &str| {
        let body = json!({"username": username, "email": email, "password": "battery staple horse"});
        service.post("/users/register", &body).await
    };
    let (free, taken) =
        (register("bob1", "bob@example.org").await, register("bob2", "Ann@example.org").await);
    let shape = |answer: &Answer| {
        let mut body = answer.body.clone();
        for own in ["id", "username", "email"] {
            assert!(body.as_object_mut().unwrap().remove(own).unwrap().is_string());
        }
        (answer.status, body, answer.header("location").map(str::to_owned))
    };
    assert_eq!(shape(&free), shape(&taken));
    assert_eq!((&taken.body["username"], &taken.body["email"]), (&json!("bob2"), &json!("Ann@example.org")));

    // What can be tried afterwards is answered alike as well.
    for (username, email) in [("bob1", "bob@example.org"), ("bob2", "ann@example.org")] {
        register(username, "other@example.org").await.assert_problem(409, "account-exists");
        login_by(&service, "username", username, "battery staple horse")
            .await
            .assert_problem(403, "email-not-verified");
        login_by(&service, "email", email, "battery staple horse")
            .await
            .assert_problem(401, "invalid-credentials");
    }
    let mut messages = Vec::new();
    for _ in 0..4 {
        messages.push(server.next().await);
    }
    let (bob, ann): (Vec<_>, Vec<_>) = messages.iter().partition(|message| message.to() == "bob@example.org");
    assert_eq!((bob.len(), ann.len()), (2, 2));
    for message in ann {
        assert_eq!(
            (message.to(), message.header("subject")),
            ("ann@example.org", "You have an account already")
        );
        assert!(!message.text().contains("bob2"));
    }
    assert_eq!(
        login_by(&service, "email", "ann@example.org", PASSWORD).await.status,
        200,
        "it is still Ann's"
    );
    assert_eq!(verify(&service, &bob[1].token()).await.status, 204);
    let login = login_by(&service, "email", "bob@example.org", "battery staple horse").await;
    assert_eq!(login.status, 200, "{login:?}");
}

#[rstest]
#[actix_web::test]
async fn of_two_who_want_one_address_the_one_who_reads_it_gets_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start_strict(backend).await;
    for username in ["thief", "ann1"] {
        let body = json!({"username": username, "email": "ann@example.org", "password": PASSWORD});
        assert_eq!(service.post("/users/register", &body).await.status, 201);
    }
    let (first, second) = (server.next().await, server.next().await);
    assert_eq!(verify(&service, &second.token()).await.status, 204);
    verify(&service, &first.token()).await.assert_problem(403, "mail-token-refused");
    let accounts = account::Entity::find().all(&service.database().await).await.unwrap();
    let owners: Vec<_> = accounts.iter().filter(|account| account.email_key == "ann@example.org").collect();
    assert_eq!(owners.len(), 1);
    assert!(owners[0].email_verified_at.is_some());
}

#[rstest]
#[actix_web::test]
async fn a_change_to_a_taken_address_is_answered_like_any_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, mut server) = start_strict(backend).await;
    for username in ["ann", "bob"] {
        service.register(username).await;
        verify(&service, &server.next().await.token()).await;
    }
    let token = text(&service.login("bob").await.body["access_token"]).to_owned();
    for (email, subject) in [
        ("ann@example.org", "You have an account already"),
        ("new@example.org", "Confirm your e-mail address"),
    ] {
        let body = json!({"email": email, "current_password": PASSWORD});
        let answer = service.send(Method::PATCH, "/users/profile", &token, &[], &body).await;
        assert_eq!((answer.status, &answer.body["email"]), (200, &json!(email)));
        assert_eq!(answer.body["email_verified"], false);
        let message = server.next().await;
        assert_eq!((message.to(), message.header("subject")), (email, subject));
    }
    assert_eq!(login_by(&service, "email", "ann@example.org", PASSWORD).await.status, 200);
}
