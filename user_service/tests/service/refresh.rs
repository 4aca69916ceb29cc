//! `POST /users/refresh`: rotation, the grace window, reuse.

use chrono::TimeDelta;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, TestService};

#[track_caller]
fn assert_refused(answer: &Answer) {
    answer.assert_problem(401, "invalid-token");
}

fn access_token(body: &Value) -> &str {
    body["access_token"].as_str().unwrap()
}

#[rstest]
#[actix_web::test]
async fn each_use_gives_new_tokens_of_the_same_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    let second = service.refresh(&first["refresh_token"]).await;
    assert_eq!((second.status, second.header("cache-control")), (200, Some("no-store")));
    let second = second.body;
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(second["scope"], first["scope"]);
    let session = async |body: &Value| service.introspect(access_token(body)).await.body["sid"].clone();
    assert_eq!(session(&second).await, session(&first).await);

    let third = service.refresh(&second["refresh_token"]).await;
    assert_eq!(third.status, 200);
    assert_ne!(third.body["refresh_token"], second["refresh_token"]);
}

#[rstest]
#[actix_web::test]
async fn a_repeated_use_within_the_grace_window_gives_the_same_successor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    let second = service.refresh(&first["refresh_token"]).await.body;
    service.clock.advance(TimeDelta::seconds(10));
    let repeated = service.refresh(&first["refresh_token"]).await;
    assert_eq!(repeated.status, 200);
    assert_eq!(repeated.body["refresh_token"], second["refresh_token"]);
    assert_eq!(service.refresh(&second["refresh_token"]).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn a_later_use_ends_the_whole_session(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    let other_device = service.login("ann").await.body;
    let second = service.refresh(&first["refresh_token"]).await.body;
    service.clock.advance(TimeDelta::milliseconds(10_001));
    assert_refused(&service.refresh(&first["refresh_token"]).await);

    assert_refused(&service.refresh(&second["refresh_token"]).await);
    assert_eq!(service.introspect(access_token(&second)).await.body, json!({"active": false}));
    assert_eq!(service.refresh(&other_device["refresh_token"]).await.status, 200, "another session");
}

#[rstest]
#[actix_web::test]
async fn of_many_uses_at_once_all_get_the_one_successor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    let answers = join_all((0..8).map(async |_| service.refresh(&first["refresh_token"]).await)).await;
    let successor = &answers[0].body["refresh_token"];
    for answer in &answers {
        assert_eq!((answer.status, &answer.body["refresh_token"]), (200, successor), "{answer:?}");
        assert_eq!(service.profile(access_token(&answer.body)).await.status, 200);
    }
    service.clock.advance(TimeDelta::days(1));
    assert_eq!(service.refresh(successor).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn without_a_grace_window_a_repeated_use_ends_the_session_at_the_next_moment(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start_with(backend, &[("TOKENS__REFRESH_GRACE_SECONDS", "0")]).await;
    let first = service.new_session("ann").await;
    assert_eq!(service.refresh(&first["refresh_token"]).await.status, 200);
    service.clock.advance(TimeDelta::microseconds(1));
    assert_refused(&service.refresh(&first["refresh_token"]).await);
}

#[rstest]
#[actix_web::test]
async fn a_session_nobody_refreshes_ends(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    service.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    let second = service.refresh(&first["refresh_token"]).await;
    assert_eq!(second.status, 200, "a second before");
    service.clock.advance(TimeDelta::days(30));
    assert_refused(&service.refresh(&second.body["refresh_token"]).await);
}

#[rstest]
#[actix_web::test]
async fn no_session_and_no_access_token_outlives_the_absolute_lifetime(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start_with(backend, &[("TOKENS__SESSION_ABSOLUTE_SECONDS", "1000")]).await;
    let first = service.new_session("ann").await;
    service.clock.advance(TimeDelta::seconds(800));
    let second = service.refresh(&first["refresh_token"]).await.body;
    assert_eq!(second["expires_in"], 200);
    service.clock.advance(TimeDelta::seconds(200));
    assert_refused(&service.refresh(&second["refresh_token"]).await);
    assert_refused(&service.profile(access_token(&second)).await);
}

#[rstest]
#[actix_web::test]
async fn what_is_no_refresh_token_is_refused(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    for token in [
        "",
        "garbage",
        "\u{0}",
        "kadr_rt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        access_token(&session),
    ] {
        assert_refused(&service.refresh(&token.into()).await);
    }
    service.refresh(&Value::Null).await.assert_problem(422, "validation-failed");
    assert_eq!(service.refresh(&session["refresh_token"]).await.status, 200, "none of this did any harm");
}

#[rstest]
#[actix_web::test]
async fn another_secret_costs_a_repeated_use_but_not_the_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    let second = service.refresh(&first["refresh_token"]).await.body;
    let service = service.restart_with(&[("TOKENS__REFRESH_SECRET", &"another ".repeat(4))]).await;
    assert_refused(&service.refresh(&first["refresh_token"]).await);
    assert_eq!(service.refresh(&second["refresh_token"]).await.status, 200);
}
