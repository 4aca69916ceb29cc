//! `PATCH /users/profile` and `POST /users/password`.

use actix_web::http::{Method, header};
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, PASSWORD, TestService};

const PATH: &str = "/users/profile";
const NEW_PASSWORD: &str = "battery staple horse";

/// A service with somebody logged in.
async fn start(backend: Backend) -> (TestService, String) {
    let service = TestService::start(backend).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    (service, token)
}

async fn patch(service: &TestService, token: &str, body: Value) -> Answer {
    service.send(Method::PATCH, PATH, token, &[], &body).await
}

async fn change_password(service: &TestService, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    service.send(Method::POST, "/users/password", token, &[], &body).await
}

/// Action and outcome of the newest event about the account of `token`.
async fn newest_event(service: &TestService, token: &str) -> (Value, Value) {
    let log = service.with_token(Method::GET, "/users/audit?limit=1", token).await;
    (log.body["items"][0]["action"].clone(), log.body["items"][0]["outcome"].clone())
}

#[rstest]
#[actix_web::test]
async fn what_is_named_changes_and_null_removes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, token) = start(backend).await;
    assert_eq!(service.profile(&token).await.body["initials"], "A", "of the user name");
    let body = json!({"display_name": " Ann Lee ", "locale": "en-GB"});
    let answer = patch(&service, &token, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["display_name"], "Ann Lee");
    assert_eq!((&answer.body["locale"], &answer.body["initials"]), (&json!("en-GB"), &json!("AL")));

    let answer = patch(&service, &token, json!({"initials": "Ž"})).await;
    assert_eq!((&answer.body["initials"], &answer.body["display_name"]), (&json!("Ž"), &json!("Ann Lee")));
    let answer =
        patch(&service, &token, json!({"display_name": null, "initials": null, "locale": null})).await;
    assert_eq!((&answer.body["initials"], &answer.body["display_name"]), (&json!("A"), &Value::Null));
    assert_eq!(answer.body["locale"], Value::Null);
    let read = service.profile(&token).await;
    assert_eq!(read.body, answer.body);
    assert_eq!(read.header(header::ETAG), answer.header(header::ETAG));
    assert_eq!(newest_event(&service, &token).await, ("profile_change".into(), "success".into()));
}

#[rstest]
#[actix_web::test]
async fn a_change_of_what_is_no_longer_so_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, token) = start(backend).await;
    let tag = service.profile(&token).await.header(header::ETAG).unwrap().to_owned();
    let change = async |tag: &str, name: &str| {
        service.send(Method::PATCH, PATH, &token, &[("if-match", tag)], &json!({"display_name": name})).await
    };
    let first = change(&tag, "First").await;
    assert_eq!(first.status, 200);
    change(&tag, "Second").await.assert_problem(412, "changed-meanwhile");
    change("\"x\"", "Second").await.assert_problem(412, "changed-meanwhile");
    change("nonsense", "Second").await.assert_problem(412, "changed-meanwhile");
    assert_eq!(service.profile(&token).await.body["display_name"], "First");
    assert_eq!(change(first.header(header::ETAG).unwrap(), "Second").await.status, 200);
    assert_eq!(change("*", "Third").await.status, 200);
}

#[rstest]
#[case::control_character(json!({"display_name": "a\u{7}"}), "/display_name")]
#[case::no_language(json!({"locale": "en_GB"}), "/locale")]
#[case::many_initials(json!({"initials": "ABCD"}), "/initials")]
#[case::no_letters(json!({"initials": "<>"}), "/initials")]
#[case::no_address(json!({"email": "ann", "current_password": PASSWORD}), "/email")]
#[case::long_address(json!({"email": "a".repeat(10_000), "current_password": PASSWORD}), "/email")]
#[case::address_without_password(json!({"email": "b@example.org"}), "/current_password")]
#[case::user_name(json!({"username": "bob"}), "/username")]
#[case::role(json!({"role": "admin"}), "/role")]
#[actix_web::test]
async fn what_is_wrong_is_pointed_at_and_nothing_changes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] body: Value,
    #[case] pointer: &str,
) {
    let (service, token) = start(backend).await;
    let before = service.profile(&token).await;
    let answer = patch(&service, &token, body).await;
    answer.assert_problem(422, "validation-failed");
    assert_eq!(answer.pointers(), [pointer]);
    assert_eq!(service.profile(&token).await.body, before.body);
}

#[rstest]
#[actix_web::test]
async fn another_address_wants_the_password_and_must_be_free(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, token) = start(backend).await;
    service.register("bob").await;
    let change = async |email: &str, password: &str| {
        patch(&service, &token, json!({"email": email, "current_password": password})).await
    };
    let wrong = change("new@example.org", "wrong horse").await;
    wrong.assert_problem(403, "wrong-password");
    assert_eq!(wrong.pointers(), ["/current_password"]);
    assert_eq!(newest_event(&service, &token).await, ("email_change".into(), "refused".into()));
    let taken = change("BOB@example.org", PASSWORD).await;
    taken.assert_problem(409, "account-exists");
    assert_eq!(taken.pointers(), ["/email"]);

    assert_eq!(change("New@example.org", PASSWORD).await.body["email"], "New@example.org");
    assert_eq!(newest_event(&service, &token).await, ("email_change".into(), "success".into()));
    let login = async |email: &str| {
        service.post("/users/login", &json!({"email": email, "password": PASSWORD})).await.status
    };
    assert_eq!((login("new@example.org").await, login("ann@example.org").await), (200, 401));
    let same = patch(&service, &token, json!({"email": "New@example.org"})).await;
    assert_eq!(same.status, 200, "no change wants no password");
}

#[rstest]
#[actix_web::test]
async fn a_new_password_logs_out_everybody_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, token) = start(backend).await;
    let other = service.login("ann").await.body;
    let bob = service.new_session("bob").await["access_token"].as_str().unwrap().to_owned();

    let answer = change_password(&service, &token, PASSWORD, NEW_PASSWORD).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(service.profile(&token).await.status, 200);
    assert_eq!(service.profile(&bob).await.status, 200, "of the same account only");
    service.profile(other["access_token"].as_str().unwrap()).await.assert_problem(401, "invalid-token");
    service.refresh(&other["refresh_token"]).await.assert_problem(401, "invalid-token");
    service.login("ann").await.assert_problem(401, "invalid-credentials");
    let login = json!({"username": "ann", "password": NEW_PASSWORD});
    assert_eq!(service.post("/users/login", &login).await.status, 200);
}

#[rstest]
#[case::wrong_password("wrong horse", NEW_PASSWORD, 403, "wrong-password", "/current_password")]
#[case::short(PASSWORD, "1234567", 422, "validation-failed", "/new_password")]
#[case::common(PASSWORD, "PassWord", 422, "validation-failed", "/new_password")]
#[case::own_address(PASSWORD, "Ann@example.org", 422, "validation-failed", "/new_password")]
#[case::seventy_three_bytes(PASSWORD, &"x".repeat(73), 422, "validation-failed", "/new_password")]
#[actix_web::test]
async fn a_password_that_cannot_be_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] current: &str,
    #[case] new: &str,
    #[case] status: u16,
    #[case] kind: &str,
    #[case] pointer: &str,
) {
    let (service, token) = start(backend).await;
    let other = service.login("ann").await.body;
    let answer = change_password(&service, &token, current, new).await;
    answer.assert_problem(status, kind);
    assert_eq!(answer.pointers(), [pointer]);
    assert_eq!(answer.body["strength"].is_object(), status == 422);
    assert_eq!(service.profile(other["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(service.login("ann").await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn a_stolen_token_does_not_make_guessing_the_password_any_faster(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, token) = start(backend).await;
    let mut last = change_password(&service, &token, "wrong horse", NEW_PASSWORD).await;
    for _ in 0..20 {
        last = change_password(&service, &token, "wrong horse", NEW_PASSWORD).await;
    }
    last.assert_problem(429, "too-many-requests");
    assert!(last.header(header::RETRY_AFTER).is_some());
    assert_eq!(service.login("ann").await.status, 429, "it is one count");
}
