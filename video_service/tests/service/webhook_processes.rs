//! Webhooks across restarts, and what is kept of them over time.

use chrono::TimeDelta;
use entity::video_db::webhook_delivery;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Answer, Client, Installation, Receiver, eventually, red_then_blue};

#[actix_web::test]
async fn what_was_accepted_arrives_though_the_service_is_killed() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let settings = [
        ("VIDEO_SERVICE__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("VIDEO_SERVICE__WEBHOOKS__RETRY_SECONDS", "1, 1, 1, 1, 1, 1, 1, 1, 1, 1"),
        ("VIDEO_SERVICE__WEBHOOKS__TIMEOUT_SECONDS", "2"),
    ];
    let videos = installation.video_service("serve", &users, &settings);
    let ada = Client::register(&installation, &users, "ada").await;
    let receiver = Receiver::start();
    receiver.answer(500);
    let body = json!({"url": receiver.url(), "events": ["video.ready"]}).to_string();
    let request = ada.request(&videos, "POST", "/webhooks").content_type("application/json");
    let secret = Answer::to(request, body).await.ok(201)["secret"].as_str().unwrap().to_owned();
    ada.upload(&videos, red_then_blue()).await;
    let before = receiver.messages(1).await;
    videos.kill();

    receiver.answer(204);
    // Two of them share the work, and what the dead one had under way.
    let videos = [(); 2].map(|()| installation.video_service("serve", &users, &settings));
    let path = ada.upload(&videos[0], b"bytes".to_vec()).await;
    let log = eventually("the deliveries", async || {
        let webhooks = ada.get(&videos[1], "/webhooks").await.ok(200);
        let id = webhooks["items"][0]["id"].as_str().unwrap();
        let log = ada.get(&videos[1], &format!("/webhooks/{id}/deliveries?status=succeeded")).await.ok(200);
        (log["items"].as_array().unwrap().len() == 2).then_some(log)
    })
    .await;
    let messages = receiver.received();
    let about_second = messages.iter().filter(|message| message.event().1 == path).count();
    assert_eq!(about_second, 1, "of two couriers one delivers");
    let last = messages.iter().rfind(|message| message.id() == before[0].id()).unwrap();
    assert!(last.is_signed_with(&secret));
    assert_eq!(log["items"][1]["id"], before[0].id());
    let [first, second] = videos;
    let lines = [first.stop_and_read_log().await, second.stop_and_read_log().await].concat().join("\n");
    assert!(lines.contains("webhook delivered webhook="));
    assert!(!lines.contains("query-secret") && !lines.contains(&secret), "{lines}");
}

#[actix_web::test]
async fn deliveries_that_ended_long_ago_are_forgotten() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let settings = [("VIDEO_SERVICE__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")];
    let videos = installation.video_service("serve", &users, &settings);
    let ada = Client::register(&installation, &users, "ada").await;
    let receiver = Receiver::start();
    let body = json!({"url": receiver.url(), "events": ["video.ready"]}).to_string();
    let request = ada.request(&videos, "POST", "/webhooks").content_type("application/json");
    let made = Answer::to(request, body).await.ok(201);
    let log = format!("/webhooks/{}/deliveries", made["id"].as_str().unwrap());
    for _ in 0..2 {
        ada.upload(&videos, b"bytes".to_vec()).await;
    }
    let ended = eventually("the end of the deliveries", async || {
        let log = ada.get(&videos, &format!("{log}?status=succeeded")).await.ok(200);
        (log["items"].as_array().unwrap().len() == 2).then_some(log)
    })
    .await;
    videos.kill();
    age(&installation, ended["items"][1]["id"].as_str().unwrap(), TimeDelta::days(31)).await;

    let videos = installation.video_service("serve", &users, &settings);
    let left = eventually("the end of the old one", async || {
        let log = ada.get(&videos, &log).await.ok(200);
        (log["items"].as_array().unwrap().len() == 1).then_some(log)
    })
    .await;
    assert_eq!(left["items"][0]["id"], ended["items"][0]["id"]);
}

/// Makes the delivery `id` older.
async fn age(installation: &Installation, id: &str, by: TimeDelta) {
    let file = installation.data().join("video_service.db");
    let db = sea_orm::Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    let id: Uuid = id.parse().unwrap();
    let row = webhook_delivery::Entity::find_by_id(id).one(&db).await.unwrap().unwrap();
    let created_at = Set(row.created_at - by);
    let older = webhook_delivery::ActiveModel { id: Set(id), created_at, ..Default::default() };
    webhook_delivery::Entity::update(older).exec(&db).await.unwrap();
}
