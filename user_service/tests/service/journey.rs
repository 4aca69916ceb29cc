//! What people do, from first to last.

use actix_web::http::{Method, header};
use futures_util::future::join;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use migration::user_db::Migrator;
use rstest::rstest;
use sea_orm::Database;
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use service_kit::testing::{Backend, TestDatabase};

use crate::support::{PASSWORD, TestService, read};

#[rstest]
#[actix_web::test]
async fn somebody_registers_logs_in_reads_their_profile_and_logs_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let registration = json!({
        "username": "Ann", "email": "Ann@example.org", "password": PASSWORD, "display_name": " Ann Lee "
    });
    let registered = service.post("/users/register", &registration).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    assert_eq!(registered.header(header::LOCATION), Some("/users/profile"));
    assert_eq!(registered.body["username"], "Ann");
    assert_eq!(registered.body["email"], "Ann@example.org");
    assert_eq!(registered.body["display_name"], "Ann Lee");
    assert_eq!(registered.body["created_at"], "2027-01-15T08:00:00Z");
    assert_eq!(registered.body.as_object().unwrap().len(), 10, "nothing else: {registered:?}");

    let login = service.login("ann").await;
    assert_eq!(login.status, 200, "{login:?}");
    assert_eq!(login.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(login.body["token_type"], "Bearer");
    assert_eq!(login.body["expires_in"], 900);
    let token = login.body["access_token"].as_str().unwrap();

    let profile = service.profile(token).await;
    assert_eq!((profile.status, &profile.body), (200, &registered.body));
    let introspected = service.introspect(token).await;
    assert_eq!(introspected.body["active"], true);
    assert_eq!(introspected.body["sub"], registered.body["id"]);

    let logout = service.with_token(Method::POST, "/users/logout", token).await;
    assert_eq!((logout.status, logout.body), (204, Value::Null));
    service.profile(token).await.assert_problem(401, "invalid-token");
    assert_eq!(service.introspect(token).await.body, json!({"active": false}));
    service.refresh(&login.body["refresh_token"]).await.assert_problem(401, "invalid-token");
}

#[rstest]
#[actix_web::test]
async fn the_address_is_as_good_as_the_name_in_any_case(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    for name in [json!({"username": "ANN"}), json!({"email": "ANN@Example.ORG"})] {
        let mut body = name.clone();
        body["password"] = PASSWORD.into();
        assert_eq!(service.post("/users/login", &body).await.status, 200, "{name}");
    }
}

#[rstest]
#[actix_web::test]
async fn logging_out_of_one_device_leaves_the_other_logged_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let first = service.new_session("ann").await;
    let second = service.login("ann").await.body;
    service.with_token(Method::POST, "/users/logout", first["access_token"].as_str().unwrap()).await;
    assert_eq!(service.profile(second["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(service.refresh(&second["refresh_token"]).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn a_login_survives_a_restart(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    let service = service.restart_with(&[]).await;
    assert_eq!(service.profile(session["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(service.refresh(&session["refresh_token"]).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn others_can_check_a_token_with_the_published_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    let token = session["access_token"].as_str().unwrap();
    let published = service.get("/.well-known/jwks.json").await;
    assert!(published.header(header::CACHE_CONTROL).unwrap().contains("max-age"));
    let keys: JwkSet = serde_json::from_value(published.body).unwrap();

    let head = decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(head.kid.as_deref().unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["http://localhost:8000"]);
    validation.set_audience(&["kadr"]);
    let claims = decode::<Value>(token, &key, &validation).unwrap().claims;
    for claim in ["iss", "sub", "sid", "jti", "iat", "exp", "aud", "scope"] {
        assert!(!claims[claim].is_null(), "{claim}");
    }
    assert_eq!(claims["scope"], session["scope"]);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
}

#[actix_web::test]
async fn two_instances_that_start_at_once_on_one_database_believe_each_others_tokens() {
    let database = TestDatabase::create(Backend::Postgres).await.unwrap();
    Migrator::up(&Database::connect(database.url()).await.unwrap(), None).await.unwrap();
    let variables = [("DATABASE__URL", database.url()), ("DATABASE__MIGRATE_ON_START", "false")];
    let start = || TestService::start_with(Backend::Sqlite, &variables);
    let (first, second) = Box::pin(join(start(), start())).await;

    for (here, there, name) in [(&first, &second, "ann"), (&second, &first, "bob")] {
        let token = here.new_session(name).await["access_token"].as_str().unwrap().to_owned();
        assert_eq!(there.profile(&token).await.status, 200);
        there.with_token(Method::POST, "/users/logout", &token).await;
        assert_eq!(here.introspect(&token).await.body, json!({"active": false}));
    }
}

#[rstest]
#[actix_web::test]
async fn a_profile_that_did_not_change_is_not_sent_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
    let tag = service.profile(&token).await.header(header::ETAG).unwrap().to_owned();
    assert!(tag.starts_with('"'), "strong: {tag}");

    for (known, status) in [(tag.as_str(), 304), ("*", 304), ("\"other\"", 200)] {
        let request = service
            .request(Method::GET, "/users/profile")
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
            .insert_header((header::IF_NONE_MATCH, known));
        let answer = read(request.send()).await;
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.header(header::ETAG), Some(tag.as_str()));
    }
}

#[rstest]
#[actix_web::test]
async fn the_metadata_names_addresses_that_exist(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let metadata = service.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.body["issuer"], "http://localhost:8000");
    let path = |member: &str| {
        let address = metadata.body[member].as_str().unwrap();
        address.strip_prefix("http://localhost:8000").unwrap().to_owned()
    };
    assert_eq!(service.get(&path("jwks_uri")).await.status, 200);
    assert_eq!(service.post(&path("introspection_endpoint"), &json!({})).await.status, 401);
}

#[rstest]
#[actix_web::test]
async fn a_service_that_runs_is_alive_and_ready(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    assert_eq!(service.get("/healthz").await.status, 200);
    let ready = service.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["checks"]), (200, &json!({"database": "ok", "sessions": "ok"})));
    assert_eq!(service.get("/metrics").await.status, 200);
    assert_eq!(service.get("/docs/").await.status, 200);
}
