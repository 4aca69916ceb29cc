//! `POST /users/login`

use actix_web::http::header;
use entity::user_db::account;
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{PASSWORD, TestService};

const PATH: &str = "/users/login";

#[rstest]
#[case::wrong_password(json!({"username": "ann", "password": "wrong horse"}))]
#[case::wrong_password_by_address(json!({"email": "ann@example.org", "password": "wrong horse"}))]
#[case::unknown_name(json!({"username": "bob", "password": PASSWORD}))]
#[case::unknown_address(json!({"email": "bob@example.org", "password": PASSWORD}))]
#[case::impossible_name(json!({"username": "\u{0}", "password": PASSWORD}))]
#[case::impossible_address(json!({"email": "\u{0}@example.org", "password": PASSWORD}))]
#[case::address_for_a_name(json!({"username": "ann@example.org", "password": PASSWORD}))]
#[case::empty_password(json!({"username": "ann", "password": ""}))]
#[case::endless_password(json!({"username": "ann", "password": "x".repeat(50_000)}))]
#[case::repeated_with_nul(json!({"username": "ann", "password": format!("{PASSWORD}\u{0}{PASSWORD}")}))]
#[actix_web::test]
async fn whatever_is_wrong_the_answer_is_the_same(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] body: Value,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let answer = service.post(PATH, &body).await;
    answer.assert_problem(401, "invalid-credentials");
    let mut words = answer.body.clone();
    words.as_object_mut().unwrap().remove("request_id");
    let expected = json!({
        "type": "urn:kadr:problem:invalid-credentials", "title": "The name or the password is wrong", "status": 401
    });
    assert_eq!(words, expected);
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer realm=\"kadr\""));
}

#[rstest]
#[case::none(json!({"password": PASSWORD}), &["/username", "/email"])]
#[case::both(json!({"username": "ann", "email": "a@b.cz", "password": PASSWORD}), &["/username", "/email"])]
#[case::number(json!({"username": 7, "password": PASSWORD}), &["/username"])]
#[case::unknown_member(json!({"username": "ann", "password": PASSWORD, "otp": "1"}), &["/otp"])]
#[actix_web::test]
async fn exactly_one_name_and_nothing_unknown_is_wanted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] body: Value,
    #[case] pointers: &[&str],
) {
    let service = TestService::start(backend).await;
    let answer = service.post(PATH, &body).await;
    answer.assert_problem(422, "validation-failed");
    assert_eq!(answer.pointers(), pointers);
}

#[rstest]
#[actix_web::test]
async fn another_method_is_told_which_there_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let answer = service.get(PATH).await;
    answer.assert_problem(405, "method-not-allowed");
    assert_eq!(answer.header(header::ALLOW), Some("POST"));
    service.get("/users/nowhere").await.assert_problem(404, "not-found");
}

/// The hash that is kept of the one account there is.
async fn hash(service: &TestService) -> String {
    let account = account::Entity::find().one(&service.database().await).await.unwrap().unwrap();
    account.password_hash.0
}

#[rstest]
#[actix_web::test]
async fn a_login_renews_a_hash_of_another_cost(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let first = hash(&service).await;
    assert!(first.starts_with("$2b$04$"), "{first}");
    assert_eq!(service.login("ann").await.status, 200);
    assert_eq!(hash(&service).await, first, "nothing to renew");

    let service = service.restart_with(&[("PASSWORDS__BCRYPT_COST", "5")]).await;
    let wrong = json!({"username": "ann", "password": "wrong horse"});
    service.post(PATH, &wrong).await.assert_problem(401, "invalid-credentials");
    assert_eq!(hash(&service).await, first);
    let logins = join_all((0..4).map(async |_| service.login("ann").await.status)).await;
    assert_eq!(logins, [200; 4], "also those at the same time");
    let second = hash(&service).await;
    assert!(second.starts_with("$2b$05$"), "{second}");
    service.post(PATH, &wrong).await.assert_problem(401, "invalid-credentials");
    assert_eq!(service.login("ann").await.status, 200);
    assert_eq!(hash(&service).await, second);

    let service = service.restart_with(&[]).await;
    assert_eq!(service.login("ann").await.status, 200);
    assert!(hash(&service).await.starts_with("$2b$04$"), "a lower cost is followed as well");
}
