//! `DELETE /users/profile` and `GET /users/profile/export`.

use actix_web::http::{Method, header};
use entity::user_db::{account, audit_event, outbox, session};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{Answer, PASSWORD, TestService};

const PATH: &str = "/users/profile";

async fn delete(service: &TestService, token: &str, password: &str) -> Answer {
    service.send(Method::DELETE, PATH, token, &[], &json!({"current_password": password})).await
}

#[rstest]
#[actix_web::test]
async fn an_account_goes_with_everything_that_it_let_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    let token = session["access_token"].as_str().unwrap();
    let bob = service.new_session("bob").await["access_token"].as_str().unwrap().to_owned();
    let id = service.profile(token).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(delete(&service, token, PASSWORD).await.status, 204);

    service.profile(token).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token).await.body, json!({"active": false}));
    service.refresh(&session["refresh_token"]).await.assert_problem(401, "invalid-token");
    service.login("ann").await.assert_problem(401, "invalid-credentials");
    delete(&service, token, PASSWORD).await.assert_problem(401, "invalid-token");
    assert_eq!(service.profile(&bob).await.status, 200, "others stay");

    let db = service.database().await;
    assert_eq!(account::Entity::find().all(&db).await.unwrap().len(), 1);
    assert_eq!(session::Entity::find().all(&db).await.unwrap().len(), 1);
    let events = audit_event::Entity::find().all(&db).await.unwrap();
    let mut gone = events.iter().filter(|event| event.account_id.is_some_and(|gone| gone.to_string() == id));
    assert_eq!(gone.next_back().unwrap().action, audit_event::Action::AccountDelete);
    assert_eq!(service.register("ann").await.status, 201, "the name is free again");
}

#[rstest]
#[actix_web::test]
async fn what_video_service_has_not_understood_is_kept_for_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    // Nobody listens on the discard port.
    let service = TestService::start_with(backend, &[("VIDEO_SERVICE__URL", "http://127.0.0.1:9")]).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    let id = service.profile(&token).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(delete(&service, &token, PASSWORD).await.status, 204);
    let service = service.restart_with(&[("VIDEO_SERVICE__URL", "http://127.0.0.1:9")]).await;
    let waiting = outbox::Entity::find().all(&service.database().await).await.unwrap();
    assert_eq!(waiting.len(), 2, "now, and once more for what was on its way");
    assert!(waiting.iter().all(|message| message.account_id.to_string() == id));
}

#[rstest]
#[case::wrong_password(json!({"current_password": "wrong horse"}), 403, "wrong-password")]
#[case::no_password(json!({}), 422, "validation-failed")]
#[actix_web::test]
async fn without_the_password_nothing_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] body: serde_json::Value,
    #[case] status: u16,
    #[case] kind: &str,
) {
    let service = TestService::start(backend).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    let answer = service.send(Method::DELETE, PATH, &token, &[], &body).await;
    answer.assert_problem(status, kind);
    assert_eq!(service.profile(&token).await.status, 200);
    assert!(outbox::Entity::find().all(&service.database().await).await.unwrap().is_empty());
}

#[rstest]
#[actix_web::test]
async fn the_export_holds_all_that_is_known_and_no_secret(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    let token = session["access_token"].as_str().unwrap();
    service.new_session("bob").await;
    service.login("ann").await;
    let program = json!({"name": "import", "scopes": ["videos:read"]});
    let program = service.send(Method::POST, "/users/tokens", token, &[], &program).await;
    assert_eq!(program.status, 201, "{program:?}");
    let answer = service.with_token(Method::GET, "/users/profile/export", token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header(header::CONTENT_DISPOSITION).unwrap().starts_with("attachment"));
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));

    let export = &answer.body;
    assert_eq!(export["account"], service.profile(token).await.body);
    assert_eq!(export["exported_at"], "2027-01-15T08:00:00Z");
    assert_eq!(export["sessions"].as_array().unwrap().len(), 2, "one's own only");
    assert_eq!(export["tokens"][0]["name"], "import");
    let actions = export["audit"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap());
    assert_eq!(actions.collect::<Vec<_>>(), ["register", "login", "login", "token_create", "account_export"]);
    let text = export.to_string();
    for secret in [
        "$2b$",
        "hash",
        "bob",
        session["refresh_token"].as_str().unwrap(),
        program.body["token"].as_str().unwrap(),
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}
