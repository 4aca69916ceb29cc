//! `POST /oauth/revoke`, and what every answer tells browsers.

use actix_web::http::{Method, header};
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, TestService, read};

const PATH: &str = "/oauth/revoke";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn revoke(service: &TestService, token: &str) -> Answer {
    read(service.request(Method::POST, PATH).send_form(&[("token", token)])).await
}

#[rstest]
#[case::access_token("access_token")]
#[case::refresh_token("refresh_token")]
#[actix_web::test]
async fn a_revoked_token_ends_its_session_and_no_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] kind: &str,
) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    let other = service.login("ann").await.body;
    for _ in 0..2 {
        assert_eq!(revoke(&service, text(&session[kind])).await.status, 200, "a second time is no error");
    }
    service.profile(text(&session["access_token"])).await.assert_problem(401, "invalid-token");
    service.refresh(&session["refresh_token"]).await.assert_problem(401, "invalid-token");
    assert_eq!(service.profile(text(&other["access_token"])).await.status, 200);
    let log = service.with_token(Method::GET, "/users/audit", text(&other["access_token"])).await.body;
    let revoked = log["items"].as_array().unwrap().iter().filter(|event| event["action"] == "token_revoke");
    assert_eq!(revoked.count(), 1);
}

#[rstest]
#[actix_web::test]
async fn a_revoked_personal_access_token_is_gone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    let bearer = format!("Bearer {}", text(&session["access_token"]));
    let request =
        service.request(Method::POST, "/users/tokens").insert_header((header::AUTHORIZATION, bearer));
    let made = read(request.send_json(&json!({"name": "x", "scopes": ["profile:read"]}))).await.body;
    assert_eq!(revoke(&service, text(&made["token"])).await.status, 200);
    service.profile(text(&made["token"])).await.assert_problem(401, "invalid-token");
    assert_eq!(service.profile(text(&session["access_token"])).await.status, 200, "the login is as it was");
}

#[rstest]
#[actix_web::test]
async fn what_does_not_count_is_no_error_and_what_is_no_request_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    for token in ["garbage", "kadr_rt_x", "kadr_pat_x", "a.b.c", ""] {
        assert_eq!(revoke(&service, token).await.status, 200, "{token}");
    }
    let answer = read(service.request(Method::POST, PATH).send_form(&[("x", "y")])).await;
    assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_request")));

    let session = service.new_session("ann").await;
    let impostor = service.request(Method::POST, PATH).basic_auth("video_service", "wrong");
    let answer = read(impostor.send_form(&[("token", text(&session["access_token"]))])).await;
    assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_client")));
    assert_eq!(service.profile(text(&session["access_token"])).await.status, 200);
    let metadata = service.get("/.well-known/oauth-authorization-server").await.body;
    assert_eq!(metadata["revocation_endpoint"], "http://localhost:8000/oauth/revoke");
}

#[rstest]
#[actix_web::test]
async fn browsers_are_told_what_not_to_do(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    for path in ["/healthz", "/users/profile", "/nowhere", "/docs/"] {
        let request =
            service.request(Method::GET, path).insert_header((header::ORIGIN, "https://evil.example"));
        let answer = read(request.send()).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(policy.starts_with("default-src 'none'"), path != "/docs/", "{path}: {policy}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
        assert_eq!(answer.header(header::REFERRER_POLICY), Some("no-referrer"));
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), None, "no other site may read it");
    }
}
