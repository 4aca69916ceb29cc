//! `/users/second-factor`: how it is set up, changed and removed.

use actix_web::http::{Method, header};
use chrono::TimeDelta;
use entity::user_db::{recovery_code, second_factor};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::authenticator::{Authenticator, PATH, log_in, new_token, start, state, story, told};
use crate::support::{Answer, PASSWORD, TestService};

async fn step_up(service: &TestService, method: Method, path: &str, token: &str, body: Value) -> Answer {
    let mut all = json!({"current_password": PASSWORD});
    all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    service.send(method, path, token, &[], &all).await
}

#[rstest]
#[case::code(false)]
#[case::recovery_code(true)]
#[actix_web::test]
async fn it_is_removed_by_whoever_has_both_factors(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] by_recovery_code: bool,
) {
    let (service, app, token) = start(backend).await;
    let remove = async |body| step_up(&service, Method::DELETE, PATH, &token, body).await;
    let wrong_password = json!({"current_password": "wrong horse", "code": app.code(&service)});
    remove(wrong_password).await.assert_problem(403, "wrong-password");
    let neither = remove(json!({})).await;
    neither.assert_problem(422, "validation-failed");
    assert_eq!(neither.pointers(), ["/code", "/recovery_code"]);
    let wrong = remove(json!({"code": app.wrong_code(&service)})).await;
    wrong.assert_problem(403, "second-factor-invalid");
    assert_eq!(wrong.pointers(), ["/code"]);
    remove(json!({"recovery_code": "aaaa-bbbb"})).await.assert_problem(403, "second-factor-invalid");
    service.login("ann").await.assert_problem(401, "second-factor-required");

    let proof = if by_recovery_code {
        json!({"recovery_code": app.recovery_codes[0]})
    } else {
        json!({"code": app.code(&service)})
    };
    assert_eq!(remove(proof).await.status, 204);
    assert_eq!(service.login("ann").await.status, 200);
    let db = service.database().await;
    assert!(second_factor::Entity::find().all(&db).await.unwrap().is_empty());
    assert!(recovery_code::Entity::find().all(&db).await.unwrap().is_empty());
    remove(json!({"code": "123456"})).await.assert_problem(404, "not-found");
    let story = story(&service, &token).await;
    assert!(story.contains(&("second_factor_disable".to_owned(), "success".to_owned())), "{story:?}");
    assert!(story.contains(&("second_factor_disable".to_owned(), "refused".to_owned())), "{story:?}");
}

#[rstest]
#[actix_web::test]
async fn a_code_that_was_used_to_step_up_logs_nobody_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, token) = start(backend).await;
    let path = format!("{PATH}/recovery-codes");
    let code = json!({"code": app.code(&service)});
    let renewed = step_up(&service, Method::POST, &path, &token, code.clone()).await;
    assert_eq!((renewed.status, renewed.header(header::CACHE_CONTROL)), (200, Some("no-store")));
    log_in(&service, code).await.assert_problem(401, "second-factor-invalid");

    assert_eq!(state(&service, &token).await["recovery_codes_left"], 10);
    let former = json!({"recovery_code": app.recovery_codes[0]});
    log_in(&service, former).await.assert_problem(401, "second-factor-invalid");
    let new = json!({"recovery_code": renewed.body["recovery_codes"][0]});
    assert_eq!(log_in(&service, new).await.status, 200);
    let none = step_up(&service, Method::POST, &path, &token, json!({})).await;
    none.assert_problem(422, "validation-failed");
    let bob = new_token(&service, "bob").await;
    let nothing = step_up(&service, Method::POST, &path, &bob, json!({"code": "123456"})).await;
    nothing.assert_problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn another_secret_takes_the_place_of_one_that_was_not_confirmed_and_of_no_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start_with(backend, &[("SECOND_FACTOR__ISSUER", "Kino & Co")]).await;
    let token = new_token(&service, "ann").await;
    let path = format!("{PATH}/confirm");
    let nothing = service.send(Method::POST, &path, &token, &[], &json!({"code": "123456"})).await;
    nothing.assert_problem(404, "not-found");
    let body = json!({"current_password": "wrong horse"});
    service.send(Method::POST, PATH, &token, &[], &body).await.assert_problem(403, "wrong-password");

    let first = Authenticator::begin(&service, &token).await;
    let second = Authenticator::begin(&service, &token).await;
    assert_eq!(second.issuer(), Some("Kino & Co"));
    assert_ne!(first.secret(), second.secret());
    let wrong = json!({"code": second.wrong_code(&service)});
    service.send(Method::POST, &path, &token, &[], &wrong).await.assert_problem(403, "second-factor-invalid");
    first.confirm(&service, &token).await.assert_problem(403, "second-factor-invalid");
    assert_eq!(second.confirm(&service, &token).await.status, 200);

    service.clock.advance(TimeDelta::seconds(30));
    second.confirm(&service, &token).await.assert_problem(404, "not-found");
    let again = service.send(Method::POST, PATH, &token, &[], &json!({"current_password": PASSWORD})).await;
    again.assert_problem(409, "second-factor-enabled");
    assert_eq!(log_in(&service, json!({"code": second.code(&service)})).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn the_database_alone_lets_nobody_in(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, app, token) = start(backend).await;
    let db = service.database().await;
    let factors = second_factor::Entity::find().into_json().all(&db).await.unwrap();
    let codes = recovery_code::Entity::find().into_json().all(&db).await.unwrap();
    let text = format!("{factors:?}{codes:?}").to_lowercase();
    assert!(text.contains("sealed_secret") && codes.len() == 10, "{text}");
    for secret in app.secret().iter().chain(&app.recovery_codes) {
        assert!(!text.contains(&secret.to_lowercase()), "{secret}");
    }
    let path = service.folder().join("secrets/second_factor_key");
    assert_eq!(std::fs::read_to_string(&path).unwrap().len(), 64);

    // The same secret after a restart; with another key nobody's code is right, and recovery codes still are.
    let service = service.restart_with(&[]).await;
    assert_eq!(log_in(&service, json!({"code": app.code(&service)})).await.status, 200);
    let service = service.restart_with(&[("SECOND_FACTOR__KEY", &"another key ".repeat(4))]).await;
    service.clock.advance(TimeDelta::seconds(30));
    log_in(&service, json!({"code": app.code(&service)})).await.assert_problem(500, "internal-error");
    let recovery = json!({"recovery_code": app.recovery_codes[0]});
    assert_eq!(log_in(&service, recovery).await.status, 200);
    assert_eq!(state(&service, &token).await["enabled"], true);
}

#[rstest]
#[actix_web::test]
async fn a_secret_counts_for_its_own_account_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, _) = start(backend).await;
    let bob = new_token(&service, "bob").await;
    Authenticator::enable(&service, &bob).await;
    let db = service.database().await;
    let bob_id = service.profile(&bob).await.body["id"].as_str().unwrap().to_owned();
    let rows = second_factor::Entity::find().all(&db).await.unwrap();
    let anns = rows.iter().find(|row| row.account_id.to_string() != bob_id).unwrap();
    // Whoever can write to the database, but does not know the key, gives bob the secret of ann.
    second_factor::Entity::update_many()
        .col_expr(second_factor::Column::SealedSecret, Expr::value(anns.sealed_secret.clone()))
        .filter(second_factor::Column::AccountId.ne(anns.account_id))
        .exec(&db)
        .await
        .unwrap();
    let body = json!({"username": "bob", "password": PASSWORD, "code": app.code(&service)});
    service.post("/users/login", &body).await.assert_problem(500, "internal-error");
}

#[rstest]
#[actix_web::test]
async fn an_administrator_helps_whoever_lost_the_app_and_the_codes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, _, token) = start(backend).await;
    let admin = service.new_administrator("root").await;
    let id = service.profile(&token).await.body["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/users/{id}/second-factor");
    service.with_token(Method::DELETE, &path, &token).await.assert_problem(403, "insufficient-scope");
    assert_eq!(service.with_token(Method::DELETE, &path, &admin).await.status, 204);
    service.profile(&token).await.assert_problem(401, "invalid-token");
    let token = service.login("ann").await.body["access_token"].as_str().unwrap().to_owned();
    assert!(recovery_code::Entity::find().all(&service.database().await).await.unwrap().is_empty());
    assert_eq!(service.with_token(Method::DELETE, &path, &admin).await.status, 204);
    assert_eq!(service.profile(&token).await.status, 200, "there was none: no session ends");
    assert_eq!(
        story(&service, &token).await,
        told(&[
            ("second_factor_enable", "success"),
            ("second_factor_remove", "success"),
            ("all_sessions_end", "success"),
            ("login", "success"),
        ])
    );

    let root = service.profile(&admin).await.body["id"].as_str().unwrap().to_owned();
    for (id, status, kind) in [
        (root.as_str(), 409, "own-account"),
        ("00000000-0000-7000-8000-000000000000", 404, "not-found"),
        ("x", 404, "not-found"),
    ] {
        let path = format!("/admin/users/{id}/second-factor");
        service.with_token(Method::DELETE, &path, &admin).await.assert_problem(status, kind);
    }
}

#[rstest]
#[actix_web::test]
async fn a_program_has_nothing_to_do_with_it(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, _, token) = start(backend).await;
    let scopes = json!({"name": "import", "scopes": ["profile:read", "profile:write"]});
    let created = service.send(Method::POST, "/users/tokens", &token, &[], &scopes).await;
    let program = created.body["token"].as_str().unwrap();
    let both = json!({"current_password": PASSWORD, "code": "123456"});
    for (method, path, body) in [
        (Method::GET, PATH.to_owned(), json!(null)),
        (Method::POST, PATH.to_owned(), json!({"current_password": PASSWORD})),
        (Method::DELETE, PATH.to_owned(), both.clone()),
        (Method::POST, format!("{PATH}/confirm"), json!({"code": "123456"})),
        (Method::POST, format!("{PATH}/recovery-codes"), both),
    ] {
        let answer = service.send(method.clone(), &path, program, &[], &body).await;
        answer.assert_problem(403, "login-required");
        service.send(method, &path, "x", &[], &body).await.assert_problem(401, "invalid-token");
    }
}

#[rstest]
#[actix_web::test]
async fn it_is_in_the_export_without_secrets_and_goes_with_the_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, token) = start(backend).await;
    let export = service.with_token(Method::GET, "/users/profile/export", &token).await.body;
    assert_eq!(export["second_factor"], state(&service, &token).await);
    let text = export.to_string().to_lowercase();
    for secret in app.secret().iter().chain(&app.recovery_codes) {
        assert!(!text.contains(&secret.to_lowercase()), "{secret}");
    }
    let body = json!({"current_password": PASSWORD});
    assert_eq!(service.send(Method::DELETE, "/users/profile", &token, &[], &body).await.status, 204);
    let db = service.database().await;
    assert!(second_factor::Entity::find().all(&db).await.unwrap().is_empty());
    assert!(recovery_code::Entity::find().all(&db).await.unwrap().is_empty());
}
