//! Jobs as their owners and administrators see them: started once, in order, paused, ended when they hang.

use rstest::rstest;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{Answer, Client, Installation, Kadr, Setup, User, red_then_blue};

async fn start(user: &User<'_>, path: &str, key: &str, options: serde_json::Value) -> Answer {
    let request = user.request("POST", &format!("{path}/analysis")).insert_header(("idempotency-key", key));
    Answer::to(request.content_type("application/json"), options.to_string()).await
}

#[rstest]
#[actix_web::test]
async fn a_start_that_is_sent_again_starts_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let answers = futures_util::future::join_all((0..4).map(|_| start(&ada, &path, "once", json!({})))).await;
    let first = answers[0].ok(202);
    assert!(answers.iter().all(|answer| answer.ok(202)["id"] == first["id"]));
    ada.delete(&format!("{path}/analysis")).await.ok(200);
    let again = start(&ada, &path, "once", json!({})).await.ok(202);
    assert_eq!((&again["id"], &again["status"]), (&first["id"], &json!("canceled")));
    assert_ne!(start(&ada, &path, "twice", json!({})).await.ok(202)["id"], first["id"]);

    let other = json!({"black": {"min_coverage": 0.5}});
    start(&ada, &path, "once", other).await.problem(422, "idempotency-key-reused");
    let eve = kadr.user("eve").await;
    let of_eve = eve.upload_quietly(red_then_blue()).await;
    assert_ne!(
        start(&eve, &of_eve, "once", json!({})).await.ok(202)["id"],
        first["id"],
        "keys are one's own"
    );
    start(&ada, &path, &"x".repeat(256), json!({})).await.problem(400, "malformed-request");
}

#[actix_web::test]
async fn a_priority_is_kept_and_a_wrong_one_is_pointed_at() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let wrong = ada.post(&format!("{path}/analysis?priority=now"), json!({})).await;
    assert_eq!(wrong.problem(422, "validation-failed")["errors"][0]["pointer"], "priority");
    let started = ada.post(&format!("{path}/analysis?priority=high"), json!({})).await.ok(202);
    assert_eq!(started["priority"], "high");
}

#[actix_web::test]
async fn an_administrator_pauses_the_queue_and_lets_it_go_on() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    for (method, path) in [("GET", "/queue"), ("POST", "/queue/pause"), ("POST", "/queue/resume")] {
        let refused = Answer::to(ada.request(&videos, method, path), "").await;
        refused.problem(403, "insufficient-scope");
        assert!(refused.header("www-authenticate").contains("scope=\"admin\""));
    }
    let chief = Client::administrator(&installation, &users, "chief").await;
    let paused = Answer::to(chief.request(&videos, "POST", "/queue/pause"), "").await.ok(200);
    assert_eq!((&paused["paused"], &paused["queued"]), (&json!(true), &json!(0)));

    let path = ada.upload(&videos, red_then_blue()).await;
    let waited = ada.get(&videos, &format!("{path}/analysis?wait=3")).await.ok(200);
    assert_eq!(waited["status"], "queued");
    assert_eq!(chief.get(&videos, "/queue").await.ok(200)["queued"], 1);
    let resumed = Answer::to(chief.request(&videos, "POST", "/queue/resume"), "").await.ok(200);
    assert_eq!(resumed["paused_at"], json!(null));
    let ended = ada.get(&videos, &format!("{path}/analysis?wait=55")).await.ok(200);
    assert_eq!(ended["status"], "succeeded");
}

#[actix_web::test]
async fn an_analysis_that_gets_no_further_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ffmpeg");
    std::fs::write(&program, "#!/bin/sh\n[ \"$1\" = -version ] && exit 0\nexec sleep 3600\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kadr: Kadr = Setup::on(Backend::Sqlite)
        .video("ANALYSIS__FFMPEG", program.display())
        .video("ANALYSIS__STALL_SECONDS", 1)
        .video("ANALYSIS__MAX_ATTEMPTS", 1)
        .start()
        .await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let analysis = ada.ended_analysis(&path).await;
    let error = json!({"type": "stalled", "message": "The analysis got no further.", "retryable": true});
    assert_eq!((&analysis["status"], &analysis["error"]), (&json!("failed"), &error));
}
