//! Share links and signed URLs beside what a process does by itself: it tidies up, logs and counts.

use entity::video_db::share;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::clock::{Clock, SystemClock};

use crate::support::{Answer, Client, Installation, eventually, red_then_blue};

#[actix_web::test]
async fn expired_links_are_forgotten_when_the_service_starts() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("serve", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&videos, red_then_blue()).await;
    for _ in 0..2 {
        Answer::to(ada.request(&videos, "POST", &format!("{path}/shares")), "").await.ok(201);
    }
    assert!(videos.stop("TERM").await.success());
    let database = installation.data().join("video_service.db");
    let db = sea_orm::Database::connect(format!("sqlite://{}", database.display())).await.unwrap();
    let oldest = share::Entity::find().one(&db).await.unwrap().unwrap();
    share::Entity::update_many()
        .filter(share::COLUMN.id.eq(oldest.id))
        .col_expr(share::Column::ExpiresAt, Expr::value(SystemClock.now()))
        .exec(&db)
        .await
        .unwrap();
    let _videos = installation.video_service("serve", &users, &[]);
    eventually("the expired link to be forgotten", async || {
        (share::Entity::find().count(&db).await.unwrap() == 1).then_some(())
    })
    .await;
    assert!(share::Entity::find_by_id(oldest.id).one(&db).await.unwrap().is_none());
}

#[actix_web::test]
async fn neither_the_log_nor_metrics_know_what_opens_a_video() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let settings = [("VIDEO_SERVICE__LOG__FILTER", "debug"), ("VIDEO_SERVICE__SHARES__BCRYPT_COST", "4")];
    let videos = installation.video_service("all", &users, &settings);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&videos, red_then_blue()).await;
    let post = |path: &str, body: Value| {
        let request = ada.request(&videos, "POST", path).content_type("application/json");
        Answer::to(request, body.to_string())
    };
    let made = post(&format!("{path}/shares"), json!({"password": "open sesame"})).await.ok(201);
    let link = made["url"].as_str().unwrap();
    let look = |path: &str| Answer::to(installation.client.get(format!("{}{path}", videos.url)), "");
    look(link).await.problem(403, "share-password-required");
    post(&format!("{link}/unlock"), json!({"password": "open barley"})).await.problem(403, "wrong-password");
    let unlocked = post(&format!("{link}/unlock"), json!({"password": "open sesame"})).await.ok(200);
    let grant = unlocked["grant"].as_str().unwrap();
    assert_eq!(look(unlocked["content_url"].as_str().unwrap()).await.status, 200);
    look(&format!("{link}?grant={grant}&x=y")).await.problem(422, "validation-failed");
    let url =
        post(&format!("{path}/content-url"), json!({})).await.ok(200)["url"].as_str().unwrap().to_owned();
    assert_eq!(look(&url).await.status, 200);
    let signature = url.split("signature=").nth(1).unwrap();
    look(&format!("/signed/videos/x/content?expires=1&signature={signature}"))
        .await
        .problem(404, "not-found");
    look(&format!("/shares/{}/elsewhere", made["token"].as_str().unwrap())).await.problem(404, "not-found");

    let metrics = String::from_utf8(look("/metrics").await.body).unwrap();
    assert!(metrics.contains("/shares/{token}/content") && metrics.contains("/signed/videos/{id}/content"));
    let log = videos.stop_and_read_log().await.join("\n");
    assert!(
        log.contains("path=/shares/{token}/content ") && log.contains("path=/signed/videos/{id}/content ")
    );
    for secret in [made["token"].as_str().unwrap(), grant, signature, "open sesame", "open barley"] {
        assert!(!log.contains(secret), "{secret}: {log}");
        assert!(!metrics.contains(secret), "{secret}: {metrics}");
    }
}
