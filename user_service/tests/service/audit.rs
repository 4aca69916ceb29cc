//! `GET /users/audit`, and what is in the log.

use actix_web::http::{Method, header};
use chrono::TimeDelta;
use entity::user_db::audit_event;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, PASSWORD, TestService, read};

async fn log_of(service: &TestService, token: &str, query: &str) -> Answer {
    service.with_token(Method::GET, &format!("/users/audit{query}"), token).await
}

/// Action and outcome of each event, the oldest first.
fn story(answer: &Answer) -> Vec<(&str, &str)> {
    let events = answer.body["items"].as_array().unwrap().iter().rev();
    events.map(|event| (event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap())).collect()
}

#[rstest]
#[actix_web::test]
async fn the_log_tells_its_owner_what_happened_and_from_where(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    service.new_session("bob").await;
    service.post("/users/login", &json!({"username": "ann", "password": "wrong horse"})).await;
    service.with_token(Method::POST, "/users/logout", first["access_token"].as_str().unwrap()).await;
    let second = service.login("ann").await.body;
    let third = service.refresh(&second["refresh_token"]).await.body;
    service.clock.advance(TimeDelta::seconds(11));
    service.refresh(&second["refresh_token"]).await;
    service.profile(third["access_token"].as_str().unwrap()).await.assert_problem(401, "invalid-token");
    let token = service.login("ann").await.body["access_token"].as_str().unwrap().to_owned();

    let answer = log_of(&service, &token, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        story(&answer),
        [
            ("register", "success"),
            ("login", "success"),
            ("login", "refused"),
            ("logout", "success"),
            ("login", "success"),
            ("refresh_token_reuse", "refused"),
            ("login", "success"),
        ]
    );
    let id = &service.profile(&token).await.body["id"];
    for event in answer.body["items"].as_array().unwrap() {
        assert_eq!((&event["account_id"], &event["address"]), (id, &json!("127.0.0.1")), "{event}");
        let actor = if event["outcome"] == "success" { id } else { &Value::Null };
        assert_eq!(&event["actor_id"], actor, "{event}");
    }
    assert_eq!(answer.body["items"][0]["at"], "2027-01-15T08:00:11Z");
}

#[rstest]
#[actix_web::test]
async fn pages_lead_through_the_whole_log_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        service.login("ann").await;
    }
    let whole = log_of(&service, &token, "").await;
    assert!(whole.body["next_cursor"].is_null() && whole.header(header::LINK).is_none());

    let mut events = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = log_of(&service, &token, &query).await;
        assert_eq!(page.status, 200, "{page:?}");
        events.extend(page.body["items"].as_array().unwrap().clone());
        let Some(link) = page.header(header::LINK) else { break };
        assert!(link.ends_with(">; rel=\"next\""), "{link}");
        query = link.trim_start_matches("</users/audit").split('>').next().unwrap().to_owned();
        assert_eq!(page.body["items"].as_array().unwrap().len(), 2);
        // What happens meanwhile is on no later page.
        service.login("ann").await;
    }
    assert_eq!(&Value::Array(events), &whole.body["items"]);
    log_of(&service, &token, "?limit=0").await.assert_problem(422, "validation-failed");
    log_of(&service, &token, "?cursor=x").await.assert_problem(422, "validation-failed");
    log_of(&service, &token, "?page=2").await.assert_problem(422, "validation-failed");
    service.get("/users/audit").await.assert_problem(401, "authentication-required");
}

#[rstest]
#[actix_web::test]
async fn who_fails_to_log_in_as_nobody_is_in_the_log_without_the_name(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.post("/users/login", &json!({"username": PASSWORD.replace(' ', "-"), "password": "x"})).await;
    let events = audit_event::Entity::find().all(&service.database().await).await.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.account_id, event.actor_id), (None, None));
    assert!(!format!("{event:?}").contains("horse"), "what people type into the wrong field is a secret");
}

#[rstest]
#[actix_web::test]
async fn no_event_can_be_changed_or_removed(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let db = service.database().await;
    let before = audit_event::Entity::find().all(&db).await.unwrap();
    assert_eq!(before.len(), 1);
    for sql in ["UPDATE audit_event SET outcome = 'refused'", "DELETE FROM audit_event"] {
        let error = db.execute_unprepared(sql).await.unwrap_err().to_string();
        assert!(error.contains("never changed"), "{error}");
    }
    assert_eq!(audit_event::Entity::find().all(&db).await.unwrap(), before);
}

#[rstest]
#[actix_web::test]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let login = async |service: &TestService| {
        let request = service.request(Method::POST, "/users/login");
        let request = request.insert_header((header::X_FORWARDED_FOR, "198.51.100.7"));
        let answer = read(request.send_json(&json!({"username": "ann", "password": PASSWORD}))).await;
        assert_eq!(answer.status, 200);
        let newest = audit_event::Entity::find().order_by_desc(audit_event::Column::Id);
        newest.one(&service.database().await).await.unwrap().unwrap().address.unwrap()
    };
    service.register("ann").await;
    assert_eq!(login(&service).await, "127.0.0.1");
    let service = service.restart_with(&[("CLIENT_ADDRESS__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    assert_eq!(login(&service).await, "198.51.100.7");
}

#[rstest]
#[actix_web::test]
async fn administrators_see_the_whole_log_and_others_only_their_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let ann = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    let root = service.new_administrator("root").await;
    let ann_id = service.profile(&ann).await.body["id"].as_str().unwrap().to_owned();
    let root_id = service.profile(&root).await.body["id"].as_str().unwrap().to_owned();

    let accounts = |answer: &Answer| -> Vec<String> {
        let events = answer.body["items"].as_array().unwrap().iter();
        events.map(|event| event["account_id"].as_str().unwrap().to_owned()).collect()
    };
    let whole = accounts(&log_of(&service, &root, "").await);
    assert!(whole.contains(&ann_id) && whole.contains(&root_id), "{whole:?}");
    let about_ann = accounts(&log_of(&service, &root, &format!("?account_id={ann_id}")).await);
    assert!(about_ann.len() == 2 && about_ann.iter().all(|id| *id == ann_id), "{about_ann:?}");
    let own = log_of(&service, &ann, "").await;
    assert!(accounts(&own).iter().all(|id| *id == ann_id));
    assert_eq!(log_of(&service, &ann, &format!("?account_id={ann_id}")).await.body, own.body);
    log_of(&service, &ann, &format!("?account_id={root_id}")).await.assert_problem(404, "not-found");
}
