//! The database goes away in the middle, and comes back.

use actix_web::http::{Method, header};
use serde_json::json;
use service_kit::testing::{Backend, Cable, TestDatabase};

use crate::support::{Answer, TestService, read};

#[track_caller]
fn assert_away(answer: &Answer) {
    answer.assert_problem(503, "unavailable");
    assert_eq!(answer.header(header::RETRY_AFTER), Some("5"));
}

#[actix_web::test]
async fn without_its_database_the_service_says_so_and_recovers_by_itself() {
    let database = TestDatabase::create(Backend::Postgres).await.unwrap();
    let (mut cable, url) = Cable::to_database(database.url()).await.unwrap();
    let variables = [("DATABASE__URL", url.as_str()), ("DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1")];
    let service = TestService::start_with(Backend::Sqlite, &variables).await;
    let session = service.new_session("ann").await;
    let token = session["access_token"].as_str().unwrap();

    cable.cut().await;
    assert_away(&service.profile(token).await);
    assert_away(&service.login("ann").await);
    assert_away(&service.refresh(&session["refresh_token"]).await);
    assert_away(&service.register("bob").await);
    assert_away(&service.introspect(token).await);
    let ready = read(service.request(Method::GET, "/readyz").send()).await;
    assert_eq!((ready.status, &ready.body["checks"]["database"]), (503, &json!("unavailable")));
    assert_eq!(service.get("/healthz").await.status, 200);

    cable.mend().await.unwrap();
    assert_eq!(service.profile(token).await.status, 200);
    assert_eq!(service.refresh(&session["refresh_token"]).await.status, 200, "the token was not used up");
    assert_eq!(service.login("ann").await.status, 200);
    assert_eq!(service.register("bob").await.status, 201, "nothing was half done");
    assert_eq!(service.get("/readyz").await.status, 200);
}
