//! What becomes of logins with a second factor.

use actix_web::http::header;
use chrono::TimeDelta;
use entity::user_db::account;
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;
use service_kit::clock::Clock;
use service_kit::testing::Backend;

use crate::authenticator::{Authenticator, log_in, new_token, start, state, story, told};
use crate::support::{PASSWORD, TestService};

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
