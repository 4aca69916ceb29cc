//! `POST /oauth/introspect`, as far as it is not about bad tokens.

use std::os::unix::fs::PermissionsExt;

use actix_web::http::{Method, header};
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, TestService, read};

const PATH: &str = "/oauth/introspect";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const FORM: &str = "application/x-www-form-urlencoded";

async fn start(backend: Backend) -> TestService {
    TestService::start_with(backend, &[("INTROSPECTION__CLIENT_SECRET", SECRET)]).await
}

async fn ask(service: &TestService, media_type: &str, body: String) -> Answer {
    let request = service
        .request(Method::POST, PATH)
        .basic_auth("video_service", SECRET)
        .insert_header((header::CONTENT_TYPE, media_type));
    read(request.send_body(body)).await
}

/// An error as RFC 6749 §5.2 wants it.
#[track_caller]
fn assert_oauth_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.body["error"].as_str()), (status, Some(error)), "{answer:?}");
    assert_eq!(answer.header(header::CONTENT_TYPE), Some("application/json"));
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[rstest]
#[actix_web::test]
async fn a_token_that_counts_says_for_whom(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = start(backend).await;
    let session = service.new_session("ann").await;
    let account = service.profile(session["access_token"].as_str().unwrap()).await.body;
    let token = session["access_token"].as_str().unwrap();
    let answer = ask(&service, FORM, format!("token={token}&token_type_hint=access_token&unknown=1")).await;
    assert_eq!((answer.status, answer.header(header::CACHE_CONTROL)), (200, Some("no-store")));
    let body = answer.body.as_object().unwrap();
    assert_eq!(body["active"], true);
    assert_eq!(body["sub"], account["id"]);
    assert_eq!(body["username"], "ann");
    assert_eq!(body["scope"], session["scope"]);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["iss"], "http://localhost:8000");
    assert_eq!(body["aud"], "kadr");
    assert_eq!(body["iat"], 1_800_000_000);
    assert_eq!(body["exp"], 1_800_000_900);
    assert!(body["jti"].is_string() && body["sid"].is_string());
    assert_eq!(body.len(), 11, "nothing else: {body:?}");
}

#[rstest]
#[actix_web::test]
async fn a_refresh_token_is_no_access_token(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = start(backend).await;
    let session = service.new_session("ann").await;
    let refresh_token = session["refresh_token"].as_str().unwrap();
    let answer = ask(&service, FORM, format!("token={refresh_token}&token_type_hint=refresh_token")).await;
    assert_eq!((answer.status, answer.body), (200, json!({"active": false})));
}

#[rstest]
#[case::nobody(None)]
#[case::wrong_secret(Some(("video_service", "fedcba9876543210fedcba9876543210")))]
#[case::empty_secret(Some(("video_service", "")))]
#[case::wrong_name(Some(("user_service", SECRET)))]
#[actix_web::test]
async fn only_the_client_may_ask_whatever_it_asks(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] credentials: Option<(&str, &str)>,
) {
    let service = start(backend).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    for (media_type, body) in
        [("text/plain", "x".repeat(100_000)), (FORM, String::new()), (FORM, format!("token={token}"))]
    {
        let mut request =
            service.request(Method::POST, PATH).insert_header((header::CONTENT_TYPE, media_type));
        if let Some((name, secret)) = credentials {
            request = request.basic_auth(name, secret);
        }
        let answer = read(request.send_body(body)).await;
        assert_oauth_error(&answer, 401, "invalid_client");
        assert!(answer.header(header::WWW_AUTHENTICATE).unwrap().starts_with("Basic "));
        assert!(answer.body.get("active").is_none());
    }
}

#[rstest]
#[actix_web::test]
async fn a_token_of_a_user_does_not_authenticate_a_client(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = start(backend).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    let answer = service.with_token(Method::POST, PATH, &token).await;
    assert_oauth_error(&answer, 401, "invalid_client");
}

#[rstest]
#[case::no_parameter(FORM, "", 400)]
#[case::another_parameter(FORM, "token_type_hint=access_token", 400)]
#[case::twice(FORM, "token=a&token=b", 400)]
#[case::json("application/json", "{\"token\":\"a\"}", 415)]
#[case::too_long(FORM, &format!("token={}", "a".repeat(100_000)), 413)]
#[actix_web::test]
async fn a_request_that_is_none_is_refused_in_the_standards_words(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] media_type: &str,
    #[case] body: &str,
    #[case] status: u16,
) {
    let service = start(backend).await;
    let answer = ask(&service, media_type, body.to_owned()).await;
    assert_oauth_error(&answer, status, "invalid_request");
}

#[rstest]
#[actix_web::test]
async fn the_secret_that_nobody_gave_is_made_and_only_its_owner_may_read_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let path = service.folder().join("secrets/introspection_client_secret");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first = std::fs::read_to_string(&path).unwrap();
    assert_eq!(first.len(), 64);
    assert_eq!(service.introspect("x").await.body, json!({"active": false}));

    let service = service.restart_with(&[]).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first, "made once");
    assert_ne!(service.introspect("x").await.body, Value::Null);
}
