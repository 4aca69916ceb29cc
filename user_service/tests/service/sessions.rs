//! `/users/sessions`: where somebody is logged in, and no longer.

use std::time::{Duration, Instant};

use actix_web::http::{Method, header};
use chrono::TimeDelta;
use entity::user_db::session;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use service_kit::testing::Backend;
use uuid::Uuid;

use crate::support::{Answer, PASSWORD, TestService, read};

const PATH: &str = "/users/sessions";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn login_with(service: &TestService, user_agent: &str) -> Value {
    let request = service.request(Method::POST, "/users/login");
    let request = request.insert_header((header::USER_AGENT, user_agent));
    read(request.send_json(&json!({"username": "ann", "password": PASSWORD}))).await.body
}

fn token(session: &Value) -> &str {
    session["access_token"].as_str().unwrap()
}

async fn list(service: &TestService, session: &Value) -> Answer {
    let answer = service.with_token(Method::GET, PATH, token(session)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

async fn end(service: &TestService, session: &Value, id: &Value) -> Answer {
    service.with_token(Method::DELETE, &format!("{PATH}/{}", id.as_str().unwrap()), token(session)).await
}

#[rstest]
#[actix_web::test]
async fn each_login_is_listed_with_what_its_owner_knows_it_by(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let curl = login_with(&service, "curl/8.5.0").await;
    service.clock.advance(TimeDelta::minutes(5));
    let firefox = login_with(&service, FIREFOX).await;
    service.clock.advance(TimeDelta::minutes(5));
    let curl = service.refresh(&curl["refresh_token"]).await.body;

    let listed = list(&service, &curl).await.body;
    assert!(listed["next_cursor"].is_null());
    let [newest, oldest] = &listed["items"].as_array().unwrap()[..] else { panic!("{listed}") };
    assert!(newest["id"].is_string() && newest["id"] != oldest["id"]);
    let without_id = |session: &Value| {
        let mut session = session.clone();
        session.as_object_mut().unwrap().remove("id");
        session
    };
    let expected = json!({
        "device": "Firefox on Linux", "address": "127.0.0.1", "current": false, "created_at": "2027-01-15T08:05:00Z",
        "last_used_at": "2027-01-15T08:05:00Z", "expires_at": "2027-02-14T08:05:00Z",
    });
    assert_eq!(without_id(newest), expected);
    let expected = json!({
        "device": "curl", "address": "127.0.0.1", "current": true, "created_at": "2027-01-15T08:00:00Z",
        "last_used_at": "2027-01-15T08:10:00Z", "expires_at": "2027-02-14T08:10:00Z",
    });
    assert_eq!(without_id(oldest), expected);
    assert_eq!(list(&service, &firefox).await.body["items"][0]["current"], true);
}

#[rstest]
#[actix_web::test]
async fn one_session_is_ended_and_its_tokens_with_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let lost = service.new_session("ann").await;
    let here = service.login("ann").await.body;
    let bob = service.new_session("bob").await;
    let id = list(&service, &lost).await.body["items"][1]["id"].clone();

    end(&service, &bob, &id).await.assert_problem(404, "not-found");
    assert_eq!(service.profile(token(&lost)).await.status, 200, "somebody else cannot end it");
    assert_eq!(end(&service, &here, &id).await.status, 204);
    service.profile(token(&lost)).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token(&lost)).await.body, json!({"active": false}));
    service.refresh(&lost["refresh_token"]).await.assert_problem(401, "invalid-token");
    assert_eq!(list(&service, &here).await.body["items"].as_array().unwrap().len(), 1);
    end(&service, &here, &id).await.assert_problem(404, "not-found");
    end(&service, &here, &json!("none")).await.assert_problem(404, "not-found");
    let log = service.with_token(Method::GET, "/users/audit", token(&here)).await.body;
    assert_eq!(
        (&log["items"][0]["action"], &log["items"][1]["action"]),
        (&json!("session_end"), &json!("login"))
    );
}

#[rstest]
#[actix_web::test]
async fn all_others_are_ended_at_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let others = [service.new_session("ann").await, service.login("ann").await.body];
    let here = service.login("ann").await.body;
    let bob = service.new_session("bob").await;
    assert_eq!(service.with_token(Method::DELETE, PATH, token(&here)).await.status, 204);
    for other in &others {
        service.profile(token(other)).await.assert_problem(401, "invalid-token");
    }
    for session in [&here, &bob] {
        assert_eq!(list(&service, session).await.body["items"].as_array().unwrap().len(), 1);
    }
}

#[rstest]
#[case::idle("TOKENS__SESSION_IDLE_SECONDS")]
#[case::absolute("TOKENS__SESSION_ABSOLUTE_SECONDS")]
#[actix_web::test]
async fn a_session_that_has_expired_is_not_listed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] lifetime: &str,
) {
    let service = TestService::start_with(backend, &[(lifetime, "1000")]).await;
    let session = service.new_session("ann").await;
    service.clock.advance(TimeDelta::seconds(999));
    let here = service.login("ann").await.body;
    assert_eq!(list(&service, &here).await.body["items"].as_array().unwrap().len(), 2, "a second before");
    service.clock.advance(TimeDelta::seconds(1));
    assert_eq!(list(&service, &here).await.body["items"].as_array().unwrap().len(), 1);
    service.refresh(&session["refresh_token"]).await.assert_problem(401, "invalid-token");
}

#[rstest]
#[actix_web::test]
async fn ten_thousand_sessions_are_listed_in_pages(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const SESSIONS: usize = 10_000;
    let service = TestService::start(backend).await;
    let here = service.new_session("ann").await;
    let db = service.database().await;
    let mine = session::Entity::find().one(&db).await.unwrap().unwrap();
    for _ in 0..SESSIONS / 1000 {
        let rows = (0..1000).map(|_| session::ActiveModel {
            id: Set(Uuid::now_v7()),
            ..session::ActiveModel::from(mine.clone()).reset_all()
        });
        session::Entity::insert_many(rows).exec_without_returning(&db).await.unwrap();
    }

    let mut ids = Vec::new();
    let mut path = format!("{PATH}?limit=200");
    let mut slowest = Duration::ZERO;
    loop {
        let started = Instant::now();
        let page = service.with_token(Method::GET, &path, token(&here)).await;
        slowest = slowest.max(started.elapsed());
        assert_eq!(page.status, 200, "{page:?}");
        ids.extend(page.body["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        let Some(link) = page.header(header::LINK) else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(ids.len(), SESSIONS + 1);
    assert!(ids.is_sorted_by(|newer, older| newer > older), "the newest first, none twice");
    // Generous for a debug build on a busy machine; sorting all of them for each page would still show.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}
