//! `GET /internal/accounts/{id}`: what other services ask about accounts.

use actix_web::http::{Method, header};
use rstest::rstest;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{Answer, TestService, read};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn ask(service: &TestService, id: &str, secret: &str) -> Answer {
    let request = service.request(Method::GET, &format!("/internal/accounts/{id}"));
    read(request.basic_auth("video_service", secret).send()).await
}

#[rstest]
#[actix_web::test]
async fn an_account_may_act_as_long_as_it_is_there_and_not_disabled(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start_with(backend, &[("INTROSPECTION__CLIENT_SECRET", SECRET)]).await;
    let session = service.new_session("ann").await;
    let id = service.profile(session["access_token"].as_str().unwrap()).await.body["id"].clone();
    let id = id.as_str().unwrap();
    let answer = ask(&service, id, SECRET).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "active": true })));

    let root = service.new_administrator("root").await;
    service.with_token(Method::POST, &format!("/admin/users/{id}/disable"), &root).await;
    assert_eq!(ask(&service, id, SECRET).await.body, json!({ "active": false }));
    service.with_token(Method::POST, &format!("/admin/users/{id}/enable"), &root).await;
    assert_eq!(ask(&service, id, SECRET).await.body, json!({ "active": true }));
    let nobody = "00000000-0000-7000-8000-000000000000";
    assert_eq!(ask(&service, nobody, SECRET).await.body, json!({ "active": false }));
}

#[actix_web::test]
async fn nobody_but_a_service_learns_of_accounts() {
    let service = TestService::start_with(Backend::Sqlite, &[("INTROSPECTION__CLIENT_SECRET", SECRET)]).await;
    let session = service.new_session("ann").await;
    let token = session["access_token"].as_str().unwrap();
    let id = service.profile(token).await.body["id"].as_str().unwrap().to_owned();
    let path = format!("/internal/accounts/{id}");
    for answer in [
        ask(&service, &id, "wrong").await,
        ask(&service, "nonsense", "wrong").await,
        service.with_token(Method::GET, &path, token).await,
        read(service.request(Method::GET, &path).send()).await,
    ] {
        assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_client")), "{answer:?}");
        assert!(answer.header(header::WWW_AUTHENTICATE).unwrap().starts_with("Basic "));
    }
}
