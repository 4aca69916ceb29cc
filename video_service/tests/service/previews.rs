//! What is known of a video before its report is there.

use serde_json::{Value, json};
use video_analysis::{Execution, preview};

use crate::support::{Answer, Client, Installation, sample_looped};

#[actix_web::test]
async fn estimates_are_shown_until_the_report_takes_their_place() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let settings = [("VIDEO_SERVICE__ANALYSIS__PREVIEW_MIN_BYTES", "1")];
    let videos = installation.video_service("all", &users, &settings);
    let ada = Client::register(&installation, &users, "ada").await;
    let film = sample_looped(8);
    let file = installation.data().join("film.mp4");
    std::fs::write(&file, &film).unwrap();
    let (expected, board) = preview(&file, &Execution::default(), &()).unwrap();

    let path = ada.upload(&videos, film).await;
    let early = ada.analysis_when(&videos, &path, |analysis| analysis["preview"].is_object()).await;
    assert_eq!((&early["status"], &early["preview"]["exact"]), (&json!("running"), &json!(false)));
    let expected: Value = serde_json::from_slice(&expected.canonical_json().unwrap()).unwrap();
    assert!(early["preview"] == expected, "another preview than the engine's");
    assert!(early["report"].is_null());
    assert!(!board.sprites.is_empty());
    for (number, jpeg) in board.sprites.iter().enumerate() {
        let answer = ada.get(&videos, &format!("{path}/analysis/preview/{number}.jpg")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"));
        assert_eq!(&answer.body, jpeg);
    }

    let ended = ada.analysis_when(&videos, &path, |analysis| analysis["status"] == "succeeded").await;
    assert_eq!((&ended["preview"], ended["report"].is_object()), (&Value::Null, true));
    ada.get(&videos, &format!("{path}/analysis/preview/0.jpg")).await.problem(404, "not-found");

    // What has been analysed once is not estimated again.
    let again = ada.request(&videos, "POST", &format!("{path}/analysis")).content_type("application/json");
    Answer::to(again, r#"{"black": {"min_seconds": 3.0}}"#).await.ok(202);
    let mut seen = Vec::new();
    ada.analysis_when(&videos, &path, |analysis| {
        seen.push(analysis["preview"].clone());
        analysis["status"] == "succeeded"
    })
    .await;
    assert!(seen.iter().all(Value::is_null), "{seen:?}");
}

#[actix_web::test]
async fn what_is_analysed_as_soon_is_not_looked_at_before() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&videos, sample_looped(2)).await;
    let mut seen = Vec::new();
    ada.analysis_when(&videos, &path, |analysis| {
        seen.push(analysis["preview"].clone());
        analysis["status"] == "succeeded"
    })
    .await;
    assert!(seen.iter().all(Value::is_null), "{seen:?}");
}
