//! `/users/tokens`: what programs may do, and for how long.

use actix_web::http::{Method, header};
use chrono::TimeDelta;
use entity::user_db::{account, personal_token};
use rstest::rstest;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};
use service_kit::clock::Clock;
use service_kit::testing::Backend;

use crate::support::{Answer, PASSWORD, TestService, read};

const PATH: &str = "/users/tokens";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A service, and the access token of a login.
async fn logged_in(backend: Backend) -> (TestService, String) {
    let service = TestService::start(backend).await;
    let token = text(&service.new_session("ann").await["access_token"]).to_owned();
    (service, token)
}

async fn make(service: &TestService, login: &str, body: &Value) -> Answer {
    let request = service.request(Method::POST, PATH);
    read(request.insert_header((header::AUTHORIZATION, format!("Bearer {login}"))).send_json(body)).await
}

#[rstest]
#[actix_web::test]
async fn a_token_is_shown_once_and_works_until_it_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, login) = logged_in(backend).await;
    let wanted = json!({
        "name": " nightly import ", "scopes": ["videos:write", "profile:read", "videos:write"],
        "expires_at": "2027-02-01T00:00:00Z"
    });
    let made = make(&service, &login, &wanted).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")), "{made:?}");
    let token = text(&made.body["token"]);
    assert!(service_kit::personal_token::is_well_formed(token));
    assert_eq!(made.body["name"], "nightly import");
    assert_eq!(made.body["scopes"], json!(["profile:read", "videos:write"]));
    assert_eq!(made.body["expires_at"], "2027-02-01T00:00:00Z");

    let profile = service.profile(token).await;
    assert_eq!((profile.status, &profile.body["username"]), (200, &json!("ann")));
    let listed = service.with_token(Method::GET, PATH, &login).await.body;
    let [item] = &listed["items"].as_array().unwrap()[..] else { panic!("{listed}") };
    assert!(token.starts_with(text(&item["hint"])) && !listed.to_string().contains(token));
    assert_eq!(item["last_used_at"], "2027-01-15T08:00:00Z");
    let row = personal_token::Entity::find().one(&service.database().await).await.unwrap().unwrap();
    assert!(!format!("{row:?}").contains(token), "only its digest is kept");

    let facts = service.introspect(token).await.body;
    assert_eq!(
        (&facts["active"], &facts["sub"], &facts["scope"], &facts["exp"], &facts["jti"]),
        (
            &json!(true),
            &profile.body["id"],
            &json!("profile:read videos:write"),
            &json!(1_801_440_000),
            &item["id"]
        )
    );
    assert!(facts.get("sid").is_none());

    let path = made.header(header::LOCATION).unwrap();
    let other = text(&service.new_session("bob").await["access_token"]).to_owned();
    service.with_token(Method::DELETE, path, &other).await.assert_problem(404, "not-found");
    assert_eq!(service.profile(token).await.status, 200);
    assert_eq!(service.with_token(Method::DELETE, path, &login).await.status, 204);
    service.profile(token).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token).await.body, json!({"active": false}));
    service.with_token(Method::DELETE, path, &login).await.assert_problem(404, "not-found");
    let log = service.with_token(Method::GET, "/users/audit", &login).await.body;
    let actions: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|event| text(&event["action"])).collect();
    assert_eq!(actions[..2], ["token_delete", "token_create"]);
}

#[rstest]
#[actix_web::test]
async fn a_token_ends_when_it_was_to_and_with_its_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, login) = logged_in(backend).await;
    let made = make(&service, &login, &json!({"name": "x", "scopes": ["profile:read"]})).await.body;
    assert_eq!(made["expires_at"], "2027-04-15T08:00:00Z", "90 days");
    let token = text(&made["token"]);
    service.clock.advance(TimeDelta::days(90) - TimeDelta::seconds(1));
    assert_eq!(service.profile(token).await.status, 200);

    let set_disabled = async |at: Option<chrono::DateTime<chrono::Utc>>| {
        let update = account::Entity::update_many().col_expr(account::Column::DisabledAt, Expr::value(at));
        update.exec(&service.database().await).await.unwrap();
    };
    set_disabled(Some(service.clock.now())).await;
    service.profile(token).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token).await.body, json!({"active": false}));
    set_disabled(None).await;
    assert_eq!(service.profile(token).await.status, 200);

    service.clock.advance(TimeDelta::seconds(1));
    service.profile(token).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token).await.body, json!({"active": false}));
}

#[rstest]
#[actix_web::test]
async fn a_token_may_do_what_its_scopes_say_and_never_what_is_for_logins(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, login) = logged_in(backend).await;
    let made = make(&service, &login, &json!({"name": "x", "scopes": ["videos:read"]})).await.body;
    let token = text(&made["token"]);
    let refused = service.profile(token).await;
    refused.assert_problem(403, "insufficient-scope");
    let challenge = refused.header(header::WWW_AUTHENTICATE).unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\", scope=\"profile:read\""), "{challenge}");

    let id = text(&made["id"]);
    for (method, path) in [
        (Method::GET, PATH.to_owned()),
        (Method::DELETE, format!("{PATH}/{id}")),
        (Method::GET, "/users/sessions".to_owned()),
        (Method::DELETE, "/users/sessions".to_owned()),
        (Method::POST, "/users/logout".to_owned()),
        (Method::GET, "/users/audit".to_owned()),
        (Method::GET, "/admin/users".to_owned()),
    ] {
        service.with_token(method, &path, token).await.assert_problem(403, "login-required");
    }
    let more = make(&service, token, &json!({"name": "y", "scopes": ["profile:write"]})).await;
    more.assert_problem(403, "login-required");
    assert_eq!(service.profile(&login).await.status, 200, "the login is as it was");
}

#[rstest]
#[actix_web::test]
async fn a_program_may_change_the_profile_and_not_without_the_password_its_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (service, login) = logged_in(backend).await;
    let token = async |scope: &str| {
        let made = make(&service, &login, &json!({"name": "x", "scopes": [scope]})).await.body;
        text(&made["token"]).to_owned()
    };
    let (reads, writes) = (token("profile:read").await, token("profile:write").await);
    let patch = async |token: &str, body: Value| {
        service.send(Method::PATCH, "/users/profile", token, &[], &body).await
    };
    let name = json!({"display_name": "Ann Lee"});
    patch(&reads, name.clone()).await.assert_problem(403, "insufficient-scope");
    assert_eq!(patch(&writes, name).await.body["display_name"], "Ann Lee");
    let address = json!({"email": "new@example.org"});
    patch(&writes, address.clone()).await.assert_problem(422, "validation-failed");
    let mut wrong = address.clone();
    wrong["current_password"] = "wrong horse".into();
    patch(&writes, wrong).await.assert_problem(403, "wrong-password");
    let mut right = address;
    right["current_password"] = PASSWORD.into();
    assert_eq!(patch(&writes, right).await.body["email"], "new@example.org");
}

#[rstest]
#[case::nothing(json!({}), 422)]
#[case::no_scopes(json!({"name": "x", "scopes": []}), 422)]
#[case::unknown_scope(json!({"name": "x", "scopes": ["videos:read", "everything"]}), 422)]
#[case::administration(json!({"name": "x", "scopes": ["admin"]}), 422)]
#[case::two_in_one(json!({"name": "x", "scopes": ["videos:read videos:write"]}), 422)]
#[case::huge_list(json!({"name": "x", "scopes": vec!["a"; 10_000]}), 422)]
#[case::endless_list(json!({"name": "x", "scopes": vec!["videos:read"; 100_000]}), 413)]
#[case::empty_name(json!({"name": " ", "scopes": ["videos:read"]}), 422)]
#[case::long_name(json!({"name": "x".repeat(129), "scopes": ["videos:read"]}), 422)]
#[case::past(json!({"name": "x", "scopes": ["videos:read"], "expires_at": "2027-01-15T08:00:00Z"}), 422)]
#[case::no_time(json!({"name": "x", "scopes": ["videos:read"], "expires_at": "tomorrow"}), 422)]
#[case::unknown_member(json!({"name": "x", "scopes": ["videos:read"], "token": "mine"}), 422)]
#[actix_web::test]
async fn what_cannot_be_a_token_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] body: Value,
    #[case] status: u16,
) {
    let (service, login) = logged_in(backend).await;
    assert_eq!(make(&service, &login, &body).await.status, status);
    assert!(personal_token::Entity::find().one(&service.database().await).await.unwrap().is_none());
}

#[rstest]
#[actix_web::test]
async fn a_token_that_is_none_does_not_count(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let (service, login) = logged_in(backend).await;
    let made = make(&service, &login, &json!({"name": "x", "scopes": ["profile:read"]})).await.body;
    let unknown = service_kit::personal_token::generate().unwrap();
    let unknown = secrecy::ExposeSecret::expose_secret(&unknown);
    let mistyped = text(&made["token"]).to_uppercase().replace("KADR_PAT_", "kadr_pat_");
    for token in ["kadr_pat_", &mistyped, unknown, &format!("{unknown}0"), "kadr_pat_' OR 1=1 --"] {
        service.profile(token).await.assert_problem(401, "invalid-token");
        assert_eq!(service.introspect(token).await.body, json!({"active": false}));
    }
}
