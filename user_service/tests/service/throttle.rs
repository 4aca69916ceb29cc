//! What slows down whoever guesses passwords, and whoever asks too often.

use actix_web::http::{Method, header};
use chrono::TimeDelta;
use entity::user_db::account;
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use service_kit::clock::Clock;
use service_kit::testing::Backend;

use crate::support::{Answer, PASSWORD, TestService, read};

async fn guess(service: &TestService, name: &str) -> Answer {
    service.post("/users/login", &json!({"username": name, "password": "wrong horse"})).await
}

#[track_caller]
fn assert_delayed(answer: &Answer, seconds: &str) {
    answer.assert_problem(429, "too-many-requests");
    assert_eq!(answer.header(header::RETRY_AFTER), Some(seconds));
}

#[rstest]
#[case::with_account("ann")]
#[case::without_account("nobody")]
#[actix_web::test]
async fn each_wrong_guess_doubles_the_delay_up_to_a_minute(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] name: &str,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    for _ in 0..5 {
        guess(&service, name).await.assert_problem(401, "invalid-credentials");
    }
    for delay in [1, 2, 4, 8, 16, 32, 60, 60] {
        guess(&service, name).await.assert_problem(401, "invalid-credentials");
        assert_delayed(&guess(&service, name).await, &delay.to_string());
        service.clock.advance(TimeDelta::seconds(delay) - TimeDelta::milliseconds(1));
        assert_delayed(&guess(&service, name).await, "1");
        service.clock.advance(TimeDelta::milliseconds(1));
    }
}

#[rstest]
#[actix_web::test]
async fn the_right_password_waits_like_any_other_and_sets_the_count_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    service.register("bob").await;
    for _ in 0..6 {
        guess(&service, "ann").await;
    }
    assert_delayed(&service.login("ann").await, "1");
    assert_eq!(service.login("bob").await.status, 200, "another name need not wait");
    service.clock.advance(TimeDelta::seconds(1));
    assert_eq!(service.login("ann").await.status, 200);
    for _ in 0..5 {
        guess(&service, "ann").await.assert_problem(401, "invalid-credentials");
    }
    assert_eq!(service.login("ann").await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn a_day_without_failures_is_a_new_beginning(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    for _ in 0..5 {
        guess(&service, "ann").await;
    }
    service.clock.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    for _ in 0..5 {
        guess(&service, "ann").await.assert_problem(401, "invalid-credentials");
    }
}

#[rstest]
#[actix_web::test]
async fn a_network_that_tries_many_names_waits_for_all_of_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let variables =
        [("THROTTLE__NETWORK_FREE_FAILURES", "3"), ("CLIENT_ADDRESS__TRUSTED_PROXIES", "127.0.0.1")];
    let service = TestService::start_with(backend, &variables).await;
    service.register("ann").await;
    for name in ["a", "b", "c", "d"].map(|name| name.repeat(3)) {
        guess(&service, &name).await.assert_problem(401, "invalid-credentials");
    }
    assert_delayed(&service.login("ann").await, "1");
    let elsewhere = service.request(Method::POST, "/users/login");
    let elsewhere = elsewhere.insert_header((header::X_FORWARDED_FOR, "198.51.100.7"));
    let answer = read(elsewhere.send_json(&json!({"username": "ann", "password": PASSWORD}))).await;
    assert_eq!(answer.status, 200, "another network need not wait");
}

#[rstest]
#[actix_web::test]
async fn counts_survive_a_restart_and_are_shared_between_instances(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    for _ in 0..6 {
        guess(&service, "ann").await;
    }
    // The first instance goes on; what it counted, the second finds in the database alone.
    let second = service.restart_with(&[]).await;
    assert_delayed(&guess(&second, "ann").await, "1");
}

#[rstest]
#[actix_web::test]
async fn guesses_at_once_learn_no_more_than_one_by_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let answers = join_all((0..40).map(async |_| guess(&service, "ann").await)).await;
    let told = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(told, 6, "five are free, the sixth begins the delay");
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        assert_delayed(answer, "1");
    }
}

#[rstest]
#[actix_web::test]
async fn limited_addresses_tell_where_a_client_stands(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let variables = ["REGISTER", "LOGIN", "INTROSPECT"].map(|name| format!("RATE_LIMITS__{name}"));
    let variables: Vec<_> = variables.iter().map(|name| (name.as_str(), "3")).collect();
    let service = TestService::start_with(backend, &variables).await;
    let register = async || service.post("/users/register", &json!({})).await;
    let login = async || guess(&service, "ann").await;
    let introspect = async || service.introspect("x").await;
    for remaining in ["2", "1", "0"] {
        let answers =
            [(register().await, "register"), (login().await, "login"), (introspect().await, "introspect")];
        for (answer, policy) in &answers {
            assert_ne!(answer.status, 429);
            assert_eq!(answer.header("ratelimit-policy"), Some(&*format!("\"{policy}\";q=3;w=60")));
            let state = answer.header("ratelimit").unwrap();
            assert!(state.starts_with(&format!("\"{policy}\";r={remaining};t=")), "{state}");
        }
    }
    for answer in [register().await, login().await, introspect().await] {
        assert_delayed(&answer, "20");
    }
    service.clock.advance(TimeDelta::seconds(20));
    assert_eq!(register().await.status, 422);
}

/// Hashing is the one thing in a refusal that takes long: whoever learned something before it would learn it sooner. How alike
/// the times really are is measured by `bench/accounts.py`.
#[rstest]
#[actix_web::test]
async fn no_refusal_comes_before_its_turn_at_hashing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let limits = [("PASSWORDS__CONCURRENCY", "1"), ("PASSWORDS__QUEUE_LIMIT", "0")];
    let service = TestService::start_with(backend, &limits).await;
    service.register("ann").await;
    service.register("bob").await;
    let disable = account::Entity::update_many()
        .col_expr(account::Column::DisabledAt, Expr::value(service.clock.now()))
        .filter(account::Column::Username.eq("bob"));
    disable.exec(&service.database().await).await.unwrap();
    for refused in [
        json!({"username": "ann", "password": "wrong horse"}),
        json!({"username": "nobody", "password": "wrong horse"}),
        json!({"email": "nobody@example.org", "password": PASSWORD}),
        json!({"username": "\u{0}", "password": "x".repeat(80)}),
        json!({"username": "bob", "password": PASSWORD}),
    ] {
        let turn = service.passwords.reserve().unwrap();
        service.post("/users/login", &refused).await.assert_problem(503, "unavailable");
        drop(turn);
        service.post("/users/login", &refused).await.assert_problem(401, "invalid-credentials");
    }
}
