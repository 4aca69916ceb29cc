//! `POST /users/register`, and what every JSON body has in common.

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{PASSWORD, TestService};

const PATH: &str = "/users/register";

fn registration() -> Value {
    json!({"username": "ann", "email": "ann@example.org", "password": PASSWORD})
}

fn with(member: &str, value: impl Into<Value>) -> Value {
    let mut body = registration();
    body[member] = value.into();
    body
}

#[rstest]
#[actix_web::test]
async fn everything_wrong_is_said_at_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "a", "email": 7, "display_name": "\u{7}"});
    let answer = service.post(PATH, &body).await;
    answer.assert_problem(422, "validation-failed");
    assert_eq!(answer.pointers(), ["/username", "/email", "/password", "/display_name"]);
}

#[rstest]
#[case::short_name(with("username", "ab"), "/username")]
#[case::long_name(with("username", "a".repeat(65)), "/username")]
#[case::space_in_name(with("username", "ann lee"), "/username")]
#[case::cyrillic_a(with("username", "\u{430}nn"), "/username")]
#[case::control_character_in_name(with("username", "ann\u{7}"), "/username")]
#[case::no_address(with("email", "ann"), "/email")]
#[case::long_address(with("email", format!("{}@example.org", "a".repeat(10_000))), "/email")]
#[case::header_injection(with("email", "ann@example.org\r\nBcc: bob@example.org"), "/email")]
#[case::short_password(with("password", "1234567"), "/password")]
#[case::password_of_73_bytes(with("password", "x".repeat(73)), "/password")]
#[case::password_of_25_wide_characters(with("password", "山".repeat(25)), "/password")]
#[case::common_password(with("password", "Password1"), "/password")]
#[case::own_name_for_a_password(json!({"username": "ann.lee.2027", "email": "a@b.cz", "password": "Ann.Lee.2027"}), "/password")]
#[case::own_address_for_a_password(with("password", "ann@EXAMPLE.org"), "/password")]
#[case::nul_in_password(with("password", "secret12\u{0}secret12"), "/password")]
#[case::nul_in_display_name(with("display_name", "a\u{0}b"), "/display_name")]
#[case::number_for_a_name(with("username", 7), "/username")]
#[case::null_for_a_password(with("password", Value::Null), "/password")]
#[case::unknown_member(with("admin", true), "/admin")]
#[actix_web::test]
async fn what_is_wrong_is_pointed_at_and_nothing_is_created(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] body: Value,
    #[case] pointer: &str,
) {
    let service = TestService::start(backend).await;
    let answer = service.post(PATH, &body).await;
    answer.assert_problem(422, "validation-failed");
    assert_eq!(answer.pointers(), [pointer]);
    assert_eq!(service.post(PATH, &registration()).await.status, 201);
}

#[rstest]
#[actix_web::test]
async fn a_password_of_72_bytes_counts_to_its_last(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let password = "x".repeat(72);
    assert_eq!(service.post(PATH, &with("password", password.as_str())).await.status, 201);
    let login = async |password: &str| {
        service.post("/users/login", &json!({"username": "ann", "password": password})).await.status
    };
    assert_eq!(login(&password).await, 200);
    assert_eq!(login(&format!("{}y", "x".repeat(71))).await, 401);
    assert_eq!(login(&format!("{password}x")).await, 401, "bcrypt would not see the 73rd");
}

#[rstest]
#[case::name(json!({"username": "ANN", "email": "other@example.org"}), &["/username"])]
#[case::address(json!({"username": "other", "email": "Ann@Example.org"}), &["/email"])]
#[case::both(json!({"username": "ann", "email": "ann@example.org"}), &["/username", "/email"])]
#[actix_web::test]
async fn what_somebody_has_is_refused_with_its_pointer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] mut body: Value,
    #[case] pointers: &[&str],
) {
    let service = TestService::start(backend).await;
    assert_eq!(service.post(PATH, &registration()).await.status, 201);
    body["password"] = PASSWORD.into();
    let answer = service.post(PATH, &body).await;
    answer.assert_problem(409, "account-exists");
    assert_eq!(answer.pointers(), pointers);
}

#[rstest]
#[actix_web::test]
async fn of_many_who_want_one_name_at_once_exactly_one_gets_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let answers = join_all((0..8).map(async |_| service.post(PATH, &registration()).await.status)).await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 7, "{answers:?}");
}

#[rstest]
#[case::malformed("application/json", "{", 400, "malformed-request")]
#[case::not_an_object("application/json", "[1]", 422, "validation-failed")]
#[case::empty("application/json", "", 400, "malformed-request")]
#[case::wrong_media_type("text/plain", "{}", 415, "unsupported-media-type")]
#[case::form("application/x-www-form-urlencoded", "username=ann", 415, "unsupported-media-type")]
#[actix_web::test]
async fn a_body_that_is_none_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("/users/register", "/users/login", "/users/refresh")] path: &str,
    #[case] media_type: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] kind: &str,
) {
    let service = TestService::start(backend).await;
    service.post_raw(path, media_type, body).await.assert_problem(status, kind);
}

#[rstest]
#[actix_web::test]
async fn a_body_over_the_limit_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("/users/register", "/users/login", "/users/refresh")] path: &str,
) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "ann", "password": "x".repeat(100_000)}).to_string();
    service.post_raw(path, "application/json", body).await.assert_problem(413, "content-too-large");
}

#[rstest]
#[actix_web::test]
async fn who_meets_a_full_queue_is_asked_to_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let limits = [("PASSWORDS__CONCURRENCY", "1"), ("PASSWORDS__QUEUE_LIMIT", "1")];
    let service = TestService::start_with(backend, &limits).await;
    let waiting = [service.passwords.reserve().unwrap(), service.passwords.reserve().unwrap()];
    for answer in [service.register("ann").await, service.login("ann").await] {
        answer.assert_problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    drop(waiting);
    assert_eq!(service.register("ann").await.status, 201);
}

#[rstest]
#[actix_web::test]
async fn a_refused_password_is_told_how_weak_it_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let mut body = with("password", "iloveyou");
    body["username"] = "a".into();
    let answer = service.post(PATH, &body).await;
    answer.assert_problem(422, "validation-failed");
    assert_eq!(answer.pointers(), ["/username", "/password"], "the rest is said as well");
    let strength = &answer.body["strength"];
    assert_eq!(strength["score"], 0);
    assert!(strength["guesses_log10"].is_number() && strength["warning"].is_string(), "{strength}");
    assert!(!strength["suggestions"].as_array().unwrap().is_empty(), "{strength}");
    assert!(!answer.body.to_string().contains("iloveyou"));
}

#[rstest]
#[actix_web::test]
async fn ten_megabytes_are_refused_unread(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = with("password", "x".repeat(10_000_000)).to_string();
    service.post_raw(PATH, "application/json", body).await.assert_problem(413, "content-too-large");
    assert_eq!(service.post(PATH, &registration()).await.status, 201);
}
