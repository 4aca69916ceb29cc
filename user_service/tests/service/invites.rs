//! Who may register, where not everybody may.

use actix_web::http::Method;
use chrono::TimeDelta;
use entity::user_db::{account, invite};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, PASSWORD, TestService};

const PATH: &str = "/admin/invites";

async fn register(service: &TestService, username: &str, code: Option<&str>) -> Answer {
    let mut body =
        json!({"username": username, "email": format!("{username}@example.org"), "password": PASSWORD});
    if let Some(code) = code {
        body["invite_code"] = code.into();
    }
    service.post("/users/register", &body).await
}

/// A service for the invited, with an administrator from before.
async fn start(backend: Backend) -> (TestService, String) {
    let service = TestService::start(backend).await;
    let admin = service.new_administrator("root").await;
    (service.restart_with(&[("REGISTRATION__MODE", "invite")]).await, admin)
}

async fn invite(service: &TestService, admin: &str, body: Value) -> Answer {
    service.send(Method::POST, PATH, admin, &[], &body).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[rstest]
#[actix_web::test]
async fn closed_is_closed_whatever_is_asked(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let limits =
        [("REGISTRATION__MODE", "closed"), ("PASSWORDS__QUEUE_LIMIT", "0"), ("PASSWORDS__CONCURRENCY", "1")];
    let service = service.restart_with(&limits).await;
    let hashing = service.passwords.reserve().unwrap();
    for answer in [register(&service, "ann", None).await, register(&service, "bob", Some("x")).await] {
        answer.assert_problem(403, "registration-closed");
    }
    drop(hashing);
    assert_eq!(service.login("ann").await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn addresses_of_other_domains_are_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let variables = [("REGISTRATION__MODE", "domains"), ("REGISTRATION__DOMAINS", "example.org, Příklad.cz")];
    let service = TestService::start_with(backend, &variables).await;
    for (username, email, status) in [
        ("ann", "ann@EXAMPLE.org", 201),
        ("bob", "bob@příklad.cz", 201),
        ("carol", "carol@mail.example.org", 422),
        ("dave", "dave@example.org.evil.net", 422),
    ] {
        let body = json!({"username": username, "email": email, "password": PASSWORD});
        let answer = service.post("/users/register", &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 422 {
            assert_eq!(answer.pointers(), ["/email"]);
        }
    }
    let token = text(&service.login("ann").await.body["access_token"]).to_owned();
    let body = json!({"email": "ann@evil.net", "current_password": PASSWORD});
    let changed = service.send(Method::PATCH, "/users/profile", &token, &[], &body).await;
    changed.assert_problem(422, "validation-failed");
    assert_eq!(changed.pointers(), ["/email"]);
}

#[rstest]
#[actix_web::test]
async fn a_code_makes_one_account(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, admin) = start(backend).await;
    let missing = register(&service, "ann", None).await;
    missing.assert_problem(422, "validation-failed");
    assert_eq!(missing.pointers(), ["/invite_code"]);
    register(&service, "root", Some("x")).await.assert_problem(403, "invite-refused");

    let created = invite(&service, &admin, json!({})).await;
    assert_eq!((created.status, created.header("cache-control")), (201, Some("no-store")));
    assert_eq!(created.body["expires_at"], "2027-01-22T08:00:00Z", "in a week");
    let code = text(&created.body["code"]);
    assert!(code.starts_with("kadr_inv_"), "{code}");
    register(&service, "root", Some(code)).await.assert_problem(409, "account-exists");
    register(&service, "x", Some(code)).await.assert_problem(422, "validation-failed");
    let ann = register(&service, "ann", Some(code)).await;
    assert_eq!(ann.status, 201, "what failed has not used it: {ann:?}");
    register(&service, "bob", Some(code)).await.assert_problem(403, "invite-refused");

    let list = service.with_token(Method::GET, PATH, &admin).await;
    let item = &list.body["items"][0];
    assert_eq!((&item["used_by"], &item["used_at"]), (&ann.body["id"], &json!("2027-01-15T08:00:00Z")));
    assert!(!list.body.to_string().contains("kadr_inv_"));
    let stored = invite::Entity::find().all(&service.database().await).await.unwrap();
    assert!(!format!("{stored:?}").contains(code));
    let path = format!("{PATH}/{}", text(&item["id"]));
    service.with_token(Method::DELETE, &path, &admin).await.assert_problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn of_many_with_one_code_exactly_one_gets_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, admin) = start(backend).await;
    let created = invite(&service, &admin, json!({})).await;
    let code = text(&created.body["code"]);
    let tries =
        (0..6).map(async |index| register(&service, &format!("user{index}"), Some(code)).await.status);
    let mut statuses = join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403, 403, 403, 403]);
    assert_eq!(account::Entity::find().all(&service.database().await).await.unwrap().len(), 2);
}

#[rstest]
#[actix_web::test]
async fn codes_expire_and_are_revoked(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, admin) = start(backend).await;
    for wrong in ["2027-01-15T08:00:00Z", "2028-02-15T08:00:00Z"] {
        let refused = invite(&service, &admin, json!({"expires_at": wrong})).await;
        refused.assert_problem(422, "validation-failed");
        assert_eq!(refused.pointers(), ["/expires_at"]);
    }
    let short = invite(&service, &admin, json!({"expires_at": "2027-01-15T08:10:00Z"})).await;
    let revoked = invite(&service, &admin, json!({})).await;
    let path = format!("{PATH}/{}", text(&revoked.body["id"]));
    assert_eq!(service.with_token(Method::DELETE, &path, &admin).await.status, 204);
    service.with_token(Method::DELETE, &path, &admin).await.assert_problem(404, "not-found");
    service.clock.advance(TimeDelta::minutes(10));
    for code in [&short, &revoked].map(|answer| text(&answer.body["code"])) {
        register(&service, "ann", Some(code)).await.assert_problem(403, "invite-refused");
    }
    let log = service.with_token(Method::GET, "/users/audit?limit=3", &admin).await;
    let actions: Vec<_> = (0..3).map(|index| text(&log.body["items"][index]["action"])).collect();
    assert_eq!(actions, ["invite_revoke", "invite_create", "invite_create"]);
}

#[rstest]
#[actix_web::test]
async fn only_administrators_invite(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ann = text(&service.new_session("ann").await["access_token"]).to_owned();
    let path = format!("{PATH}/00000000-0000-7000-8000-000000000000");
    for answer in [
        invite(&service, &ann, json!({})).await,
        service.with_token(Method::GET, PATH, &ann).await,
        service.with_token(Method::DELETE, &path, &ann).await,
    ] {
        answer.assert_problem(403, "insufficient-scope");
    }
    assert_eq!(
        register(&service, "bob", Some("x")).await.status,
        201,
        "a code means nothing where all may come"
    );
}
