//! `/admin/users`: who may, and what becomes of those it is done to.

use actix_web::http::{Method, header};
use entity::user_db::account;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, TestService};

const PATH: &str = "/admin/users";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.body["items"].as_array().unwrap().iter().map(|item| text(&item["username"])).collect()
}

/// The id of the account of `token`.
async fn id_of(service: &TestService, token: &str) -> String {
    text(&service.profile(token).await.body["id"]).to_owned()
}

#[rstest]
#[actix_web::test]
async fn nobody_else_may(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let token = text(&service.new_session("ann").await["access_token"]).to_owned();
    let id = id_of(&service, &token).await;
    for (method, path) in [
        (Method::GET, PATH.to_owned()),
        (Method::GET, format!("{PATH}/{id}")),
        (Method::POST, format!("{PATH}/{id}/disable")),
        (Method::POST, format!("{PATH}/{id}/enable")),
        (Method::DELETE, format!("{PATH}/{id}/sessions")),
        (Method::DELETE, format!("{PATH}/{id}/second-factor")),
    ] {
        let answer = service.with_token(method.clone(), &path, &token).await;
        answer.assert_problem(403, "insufficient-scope");
        let challenge = answer.header(header::WWW_AUTHENTICATE).unwrap();
        assert!(challenge.contains("error=\"insufficient_scope\", scope=\"admin\""), "{challenge}");
        service.with_token(method, &path, "x").await.assert_problem(401, "invalid-token");
    }
    assert_eq!(service.profile(&token).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn who_is_no_administrator_any_more_may_not_though_the_token_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let token = service.new_administrator("root").await;
    assert_eq!(service.with_token(Method::GET, PATH, &token).await.status, 200);
    account::Entity::update_many()
        .col_expr(account::Column::Role, Expr::value("user"))
        .filter(account::COLUMN.username_key.eq("root"))
        .exec(&service.database().await)
        .await
        .unwrap();
    service.with_token(Method::GET, PATH, &token).await.assert_problem(403, "insufficient-scope");
}

#[rstest]
#[actix_web::test]
async fn accounts_are_listed_in_pages_and_searched(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let token = service.new_administrator("root").await;
    for name in ["ann", "Bob_Lee", "bobxlee"] {
        assert_eq!(service.register(name).await.status, 201);
    }
    let get = async |query: &str| service.with_token(Method::GET, &format!("{PATH}{query}"), &token).await;
    assert_eq!(names(&get("").await), ["bobxlee", "Bob_Lee", "ann", "root"]);

    let first = get("?limit=3").await;
    assert_eq!(names(&first), ["bobxlee", "Bob_Lee", "ann"]);
    assert!(first.header(header::LINK).unwrap().contains("limit=3"));
    let cursor = text(&first.body["next_cursor"]);
    let last = get(&format!("?limit=3&cursor={cursor}")).await;
    assert_eq!((names(&last), &last.body["next_cursor"]), (vec!["root"], &Value::Null));

    assert_eq!(names(&get("?search=OB_l").await), ["Bob_Lee"], "_ stands for itself");
    assert_eq!(names(&get("?search=bob").await), ["bobxlee", "Bob_Lee"]);
    assert_eq!(names(&get("?search=ann%40example").await), ["ann"], "by address");
    for nothing in ["%25", "%5C", "%27%20OR%201%3D1%20--", "carol"] {
        assert!(names(&get(&format!("?search={nothing}")).await).is_empty(), "{nothing}");
    }
    for wrong in ["?search=%00", "?limit=0", "?limit=201", "?cursor=x", "?page=2"] {
        get(wrong).await.assert_problem(422, "validation-failed");
    }
    let long = "x".repeat(300);
    get(&format!("?search={long}")).await.assert_problem(422, "validation-failed");

    let read = get(&format!("/{}", text(&last.body["items"][0]["id"]))).await;
    assert_eq!((read.status, &read.body["role"]), (200, &json!("admin")));
    assert!(!read.body.to_string().contains("$2b$"), "no hash leaves the database");
    get("/00000000-0000-7000-8000-000000000000").await.assert_problem(404, "not-found");
    get("/x").await.assert_problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn a_disabled_account_stops_at_once_and_can_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let admin = service.new_administrator("root").await;
    let session = service.new_session("ann").await;
    let token = text(&session["access_token"]);
    let path = format!("{PATH}/{}", id_of(&service, token).await);
    assert_eq!(service.introspect(token).await.body["active"], true);

    let answer = service.with_token(Method::POST, &format!("{path}/disable"), &admin).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body["disabled_at"].is_string());
    service.profile(token).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token).await.body, json!({"active": false}));
    service.refresh(&session["refresh_token"]).await.assert_problem(401, "invalid-token");
    let login = service.login("ann").await;
    login.assert_problem(401, "invalid-credentials");
    let wrong = service.post("/users/login", &json!({"username": "ann", "password": "wrong horse"})).await;
    let without_id = |answer: &Answer| {
        let mut body = answer.body.clone();
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!(without_id(&login), without_id(&wrong));
    let again = service.with_token(Method::POST, &format!("{path}/disable"), &admin).await;
    assert_eq!(again.body["disabled_at"], answer.body["disabled_at"], "twice is once");

    let answer = service.with_token(Method::POST, &format!("{path}/enable"), &admin).await;
    assert_eq!((answer.status, &answer.body["disabled_at"]), (200, &Value::Null));
    service.profile(token).await.assert_problem(401, "invalid-token");
    let token = text(&service.login("ann").await.body["access_token"]).to_owned();
    assert_eq!(service.profile(&token).await.status, 200);

    let log = service.with_token(Method::GET, "/users/audit", &token).await;
    let admin_id = id_of(&service, &admin).await;
    let events = log.body["items"].as_array().unwrap().iter().rev();
    let by_admin: Vec<_> =
        events.filter(|event| event["actor_id"] == admin_id).map(|event| text(&event["action"])).collect();
    assert_eq!(by_admin, ["account_disable", "all_sessions_end", "account_enable"]);
}

#[rstest]
#[actix_web::test]
async fn sessions_end_for_their_owner_and_nobody_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let admin = service.new_administrator("root").await;
    let [ann, bob] = ["ann", "bob"].map(|name| service.new_session(name));
    let (ann, bob) = (ann.await, bob.await);
    let (ann, bob) = (text(&ann["access_token"]), text(&bob["access_token"]));
    let path = format!("{PATH}/{}/sessions", id_of(&service, ann).await);
    assert_eq!(service.with_token(Method::DELETE, &path, &admin).await.status, 204);
    service.profile(ann).await.assert_problem(401, "invalid-token");
    assert_eq!(service.profile(bob).await.status, 200);
    let nobody = format!("{PATH}/00000000-0000-7000-8000-000000000000");
    for (method, path) in [
        (Method::DELETE, format!("{nobody}/sessions")),
        (Method::POST, format!("{nobody}/disable")),
        (Method::POST, format!("{nobody}/enable")),
    ] {
        service.with_token(method, &path, &admin).await.assert_problem(404, "not-found");
    }
}

#[rstest]
#[actix_web::test]
async fn administrators_cannot_disable_themselves(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let admin = service.new_administrator("root").await;
    let path = format!("{PATH}/{}/disable", id_of(&service, &admin).await);
    service.with_token(Method::POST, &path, &admin).await.assert_problem(409, "own-account");
    assert_eq!(service.profile(&admin).await.status, 200);
}
