//! `/users/second-factor`, and what becomes of logins.

use actix_web::http::{Method, header};
use chrono::TimeDelta;
use entity::user_db::{account, recovery_code, second_factor};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::clock::Clock;
use service_kit::testing::Backend;

use crate::authenticator::{Authenticator, PATH, log_in};
use crate::support::{Answer, PASSWORD, TestService};

/// A service on which ann uses an app, and the token of her session.
async fn start(backend: Backend) -> (TestService, Authenticator, String) {
    let service = TestService::start(backend).await;
    let token = new_token(&service, "ann").await;
    let app = Authenticator::enable(&service, &token).await;
    (service, app, token)
}

async fn new_token(service: &TestService, name: &str) -> String {
    service.new_session(name).await["access_token"].as_str().unwrap().to_owned()
}

async fn state(service: &TestService, token: &str) -> Value {
    let answer = service.with_token(Method::GET, PATH, token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Action and outcome of what happened to the account since the login, the oldest first.
async fn story(service: &TestService, token: &str) -> Vec<(String, String)> {
    let answer = service.with_token(Method::GET, "/users/audit?limit=200", token).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = answer.body["items"].as_array().unwrap().iter().rev().skip(2);
    events.map(|event| (text(&event["action"]), text(&event["outcome"]))).collect()
}

fn told(events: &[(&str, &str)]) -> Vec<(String, String)> {
    events.iter().map(|(action, outcome)| ((*action).to_owned(), (*outcome).to_owned())).collect()
}

#[rstest]
#[actix_web::test]
async fn a_login_wants_a_code_once_the_app_has_shown_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let token = new_token(&service, "ann").await;
    assert_eq!(
        state(&service, &token).await,
        json!({"enabled": false, "confirmed_at": null, "recovery_codes_left": 0})
    );
    let app = Authenticator::begin(&service, &token).await;
    assert_eq!((app.issuer(), app.account_name()), (Some("Kadr"), "ann"));
    assert_eq!(service.login("ann").await.status, 200, "not confirmed yet");
    let confirmed = app.confirm(&service, &token).await;
    assert_eq!((confirmed.status, confirmed.header(header::CACHE_CONTROL)), (200, Some("no-store")));
    assert_eq!(confirmed.body["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(
        state(&service, &token).await,
        json!({"enabled": true, "confirmed_at": "2027-01-15T08:00:00Z", "recovery_codes_left": 10})
    );

    let answer = service.login("ann").await;
    answer.assert_problem(401, "second-factor-required");
    log_in(&service, json!({"code": app.code(&service)})).await.assert_problem(401, "second-factor-invalid");
    service.clock.advance(TimeDelta::seconds(30));
    let code = app.code(&service);
    let wrong_password = json!({"username": "ann", "password": "wrong horse", "code": code});
    service.post("/users/login", &wrong_password).await.assert_problem(401, "invalid-credentials");
    let (left, right) = code.split_at(3);
    let answer = log_in(&service, json!({"code": format!("{left} {right}")})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(service.profile(answer.body["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(
        story(&service, &token).await,
        told(&[
            ("login", "success"),
            ("second_factor_enable", "success"),
            ("second_factor_missing", "refused"),
            ("second_factor_check", "refused"),
            ("login", "refused"),
            ("login", "success"),
        ])
    );
}

#[rstest]
#[actix_web::test]
async fn a_code_counts_once_and_no_earlier_one_after_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, _) = start(backend).await;
    service.clock.advance(TimeDelta::seconds(300));
    for refused in [-60, 60] {
        let code = app.code_of(&service, refused);
        log_in(&service, json!({"code": code})).await.assert_problem(401, "second-factor-invalid");
    }
    for taken in [-30, 0, 30] {
        let code = json!({"code": app.code_of(&service, taken)});
        assert_eq!(log_in(&service, code.clone()).await.status, 200, "{taken}");
        log_in(&service, code).await.assert_problem(401, "second-factor-invalid");
    }
    let earlier = app.code(&service);
    log_in(&service, json!({"code": earlier})).await.assert_problem(401, "second-factor-invalid");
}

#[rstest]
#[case::code(false)]
#[case::recovery_code(true)]
#[actix_web::test]
async fn of_many_logins_at_once_with_the_same_code_one_wins(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] by_recovery_code: bool,
) {
    let (service, app, _) = start(backend).await;
    let body = if by_recovery_code {
        json!({"recovery_code": app.recovery_codes[0]})
    } else {
        json!({"code": app.code(&service)})
    };
    let answers = join_all((0..5).map(async |_| log_in(&service, body.clone()).await)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.assert_problem(401, "second-factor-invalid");
    }
}

#[rstest]
#[actix_web::test]
async fn a_recovery_code_stands_in_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, app, token) = start(backend).await;
    let typed = app.recovery_codes[3].to_uppercase().replace('-', "");
    assert_eq!(log_in(&service, json!({"recovery_code": typed})).await.status, 200);
    let again = json!({"recovery_code": app.recovery_codes[3]});
    log_in(&service, again).await.assert_problem(401, "second-factor-invalid");
    assert_eq!(state(&service, &token).await["recovery_codes_left"], 9);
    assert_eq!(
        story(&service, &token).await,
        told(&[
            ("second_factor_enable", "success"),
            ("recovery_code_use", "success"),
            ("login", "success"),
            ("second_factor_check", "refused"),
        ])
    );

    let other = new_token(&service, "bob").await;
    Authenticator::enable(&service, &other).await;
    let somebody_elses =
        json!({"username": "bob", "password": PASSWORD, "recovery_code": app.recovery_codes[4]});
    service.post("/users/login", &somebody_elses).await.assert_problem(401, "second-factor-invalid");
    assert_eq!(state(&service, &token).await["recovery_codes_left"], 9);
}

#[rstest]
#[case::no_digits("abcdef")]
#[case::too_short("12345")]
#[case::too_long("1234567")]
#[case::empty("")]
#[case::signed("+12345")]
#[case::other_digits("١٢٣٤٥٦")]
#[case::endless(&"1".repeat(50_000))]
#[actix_web::test]
async fn what_is_no_code_is_wrong(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] code: &str,
) {
    let (service, ..) = start(backend).await;
    log_in(&service, json!({"code": code})).await.assert_problem(401, "second-factor-invalid");
    log_in(&service, json!({"recovery_code": code})).await.assert_problem(401, "second-factor-invalid");
}

#[rstest]
#[actix_web::test]
async fn one_of_the_two_codes_is_enough_and_all_that_is_taken(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, token) = start(backend).await;
    let both = json!({"code": app.code(&service), "recovery_code": app.recovery_codes[0]});
    let answer = log_in(&service, both).await;
    answer.assert_problem(422, "validation-failed");
    assert_eq!(answer.pointers(), ["/code", "/recovery_code"]);
    assert_eq!(state(&service, &token).await["recovery_codes_left"], 10);
    service.register("bob").await;
    let needless = json!({"username": "bob", "password": PASSWORD, "code": "123456"});
    assert_eq!(service.post("/users/login", &needless).await.status, 200, "bob has no second factor");
}

#[rstest]
#[actix_web::test]
async fn a_disabled_account_is_refused_before_its_code_is_looked_at(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, _) = start(backend).await;
    account::Entity::update_many()
        .col_expr(account::Column::DisabledAt, Expr::value(service.clock.now()))
        .exec(&service.database().await)
        .await
        .unwrap();
    for body in [json!({}), json!({"code": app.code(&service)})] {
        log_in(&service, body).await.assert_problem(401, "invalid-credentials");
    }
}

#[rstest]
#[actix_web::test]
async fn guessing_codes_gets_slower_and_slower_but_recovery_codes_need_not_wait(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, app, _) = start(backend).await;
    let wrong = json!({"code": app.wrong_code(&service)});
    for _ in 0..5 {
        log_in(&service, wrong.clone()).await.assert_problem(401, "second-factor-invalid");
    }
    let mut delays = Vec::new();
    for _ in 0..14 {
        log_in(&service, wrong.clone()).await.assert_problem(401, "second-factor-invalid");
        let answer = log_in(&service, json!({"code": app.code(&service)})).await;
        answer.assert_problem(429, "too-many-requests");
        let delay: i64 = answer.header(header::RETRY_AFTER).unwrap().parse().unwrap();
        delays.push(delay);
        service.clock.advance(TimeDelta::seconds(delay));
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);

    log_in(&service, wrong).await.assert_problem(401, "second-factor-invalid");
    let recovery = json!({"recovery_code": app.recovery_codes[0]});
    assert_eq!(log_in(&service, recovery).await.status, 200);
    service.clock.advance(TimeDelta::seconds(3600));
    assert_eq!(log_in(&service, json!({"code": app.code(&service)})).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn the_right_password_without_a_code_forgets_no_failure(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, ..) = start(backend).await;
    let guess =
        async || service.post("/users/login", &json!({"username": "ann", "password": "wrong horse"})).await;
    for _ in 0..5 {
        guess().await.assert_problem(401, "invalid-credentials");
        service.login("ann").await.assert_problem(401, "second-factor-required");
    }
    guess().await.assert_problem(401, "invalid-credentials");
    service.login("ann").await.assert_problem(429, "too-many-requests");
}

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
