//! Accounts that are gone: `DELETE /internal/accounts/{id}`, and how User Service comes to ask for it.

use awc::ClientRequest;
use rstest::rstest;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{Answer, Client, Installation, Kadr, PATIENCE, Setup, eventually, red_then_blue};
use crate::uploads::{begin, piece};

/// The request of somebody who says to be User Service.
fn deletion(kadr: &Kadr, account: &str, name: &str, secret: &str) -> ClientRequest {
    kadr.anonymous("DELETE", &format!("/internal/accounts/{account}")).basic_auth(name, secret)
}

#[rstest]
#[actix_web::test]
async fn everything_of_an_account_goes_and_nothing_of_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let analysed = ada.upload(red_then_blue()).await;
    ada.ended_analysis(&analysed).await;
    let queued = ada.upload(red_then_blue()).await;
    let waiting = ada.video("No bytes yet").await;
    let upload = begin(&ada, 8, "").await;
    Answer::to(piece(&ada, &upload, 0), "0123").await.ok(204);
    let other = bob.upload_quietly(red_then_blue()).await;
    let account = ada.account().await;
    let secret = kadr.secret("account_deletion_client_secret");

    Answer::to(deletion(&kadr, &account, "user_service", &secret), "").await.ok(204);
    ada.get(&upload).await.problem(404, "not-found");
    for path in [&analysed, &queued, &waiting] {
        ada.get(path).await.problem(404, "not-found");
        ada.get(&format!("{path}/analysis")).await.problem(404, "not-found");
    }
    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([]));
    assert_eq!(bob.get(&format!("{other}/content")).await.status, 200);
    eventually("the end of the blobs", async || (kadr.blobs().len() == 1).then_some(())).await;
    Answer::to(deletion(&kadr, &account, "user_service", &secret), "").await.ok(204);
}

#[actix_web::test]
async fn nobody_but_user_service_may_ask() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Mine").await;
    let account = ada.account().await;
    let secret = kadr.secret("account_deletion_client_secret");
    let other_direction = kadr.secret("introspection_client_secret");
    for request in [
        kadr.anonymous("DELETE", &format!("/internal/accounts/{account}")),
        ada.request("DELETE", &format!("/internal/accounts/{account}")),
        deletion(&kadr, &account, "user_service", &other_direction),
        deletion(&kadr, &account, "video_service", &secret),
        deletion(&kadr, &account, "user_service", ""),
    ] {
        let answer = Answer::to(request, "").await;
        answer.problem(401, "client-authentication-required");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"kadr\"");
    }
    ada.get(&path).await.ok(200);
    Answer::to(deletion(&kadr, "nobody", "user_service", &secret), "").await.problem(404, "not-found");
}

#[actix_web::test]
async fn a_deletion_arrives_though_both_services_are_killed_on_the_way() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    ada.upload(&videos, red_then_blue()).await;
    let (user_port, video_port) = (users.port().to_owned(), videos.port().to_owned());
    let video_url = videos.url.clone();
    let database = installation.data().join("video_service.db");
    assert_eq!(count_videos(&database).await, 1);

    videos.kill();
    users.kill();
    let settings = [("USER_SERVICE__VIDEO_SERVICE__URL", video_url.as_str())];
    let users = installation.user_service_with(&user_port, &settings);
    // The installation's own client still holds connections to the one that was killed.
    let client = awc::Client::builder().timeout(PATIENCE).finish();
    let request = client.delete(format!("{}/users/profile", users.url)).bearer_auth(&ada.token);
    let body = json!({"current_password": "correct horse battery"}).to_string();
    Answer::to(request.content_type("application/json"), body).await.ok(204);
    users.kill();

    let users = installation.user_service_with(&user_port, &settings);
    let _videos =
        installation.video_service("all", &users, &[("VIDEO_SERVICE__HTTP__PORT", video_port.as_str())]);
    eventually("the deletion of the videos", async || (count_videos(&database).await == 0).then_some(()))
        .await;
}

async fn count_videos(database: &std::path::Path) -> u64 {
    use sea_orm::{EntityTrait, PaginatorTrait};
    let db = sea_orm::Database::connect(format!("sqlite://{}", database.display())).await.unwrap();
    entity::video_db::video::Entity::find().count(&db).await.unwrap()
}
