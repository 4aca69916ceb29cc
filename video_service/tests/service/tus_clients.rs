//! Resumable uploads by the public clients of tus, unmodified.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{
    Answer, Client, Installation, Kadr, Setup, eventually, sample, sample_looped, sample_path,
};

/// What `scripts/test-clients` has installed.
fn clients() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_BIN_EXE_video_service"));
    let folder = target.ancestors().nth(2).unwrap().join("clients");
    assert!(
        folder.join("installed").exists(),
        "the public clients are not installed: run scripts/test-clients"
    );
    folder
}

fn last_line(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap().to_owned()
}

#[rstest]
#[actix_web::test]
async fn tuspy_uploads_with_its_checksums_by_either_of_its_clients(#[values("sync", "async")] client: &str) {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let mut command = Command::new(clients().join("venv/bin/python"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/upload.py")).arg(sample_path()).args([
        &kadr.video_url("/uploads"),
        &ada.token,
        "200000",
        client,
    ]);
    let output = actix_rt::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let address = last_line(&output);
    let path = address.strip_prefix(&kadr.video_url("")).unwrap();
    let ended = ada.get(path).await.ok(200);
    assert_eq!(ended["status"], "ready");
    let record = format!("/videos/{}", ended["video_id"].as_str().unwrap());
    assert_eq!(ada.get(&record).await.ok(200)["title"], "By tuspy");
    assert_eq!(ada.get(&format!("{record}/content")).await.body, sample());
}

#[actix_web::test]
async fn tus_js_client_goes_on_after_both_it_and_the_service_were_killed() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("serve", &users, &[]);
    let port = videos.port().to_owned();
    let ada = Client::register(&installation, &users, "ada").await;
    let film = sample_looped(20);
    let file = installation.data().join("film.mp4");
    std::fs::write(&file, &film).unwrap();
    let start = || {
        Command::new("node")
            .arg(clients().join("upload.mjs"))
            .arg(&file)
            .args([&format!("http://127.0.0.1:{port}/uploads"), &ada.token, "1000000"])
            .arg(installation.data().join("resume.json"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut client = start();
    let upload = eventually("the middle of the upload", async || {
        let listed = std::fs::read_dir(installation.data().join("blobs/uploads")).ok()?;
        let id = listed
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .find(|name| !name.contains('.'))?;
        let path = format!("/uploads/{id}");
        // On a connection of its own, for those that are kept die with the service.
        let state = Answer::to(ada.request(&videos, "GET", &path).force_close(), "").await.ok(200);
        (state["offset"].as_u64().unwrap() >= 1_000_000).then_some(path)
    })
    .await;
    videos.kill();
    client.kill().unwrap();
    client.wait().unwrap();

    let videos = installation.video_service("serve", &users, &[("VIDEO_SERVICE__HTTP__PORT", &port)]);
    let before = ada.get(&videos, &upload).await.ok(200);
    assert_eq!(before["status"], "receiving", "{before}");
    let client = start();
    let output = actix_rt::task::spawn_blocking(move || client.wait_with_output().unwrap()).await.unwrap();
    let ended: Value = serde_json::from_str(&last_line(&output)).unwrap();
    assert_eq!(ended["url"], format!("http://127.0.0.1:{port}{upload}"), "it went on with the same upload");
    let first: Value =
        serde_json::from_str(String::from_utf8_lossy(&output.stdout).lines().next().unwrap()).unwrap();
    assert!(first["accepted"].as_u64() > before["offset"].as_u64(), "and from where it stood");
    let after = ada.get(&videos, &upload).await.ok(200);
    assert_eq!(after["status"], "ready");
    let content = format!("/videos/{}/content", after["video_id"].as_str().unwrap());
    assert_eq!(ada.get(&videos, &content).await.body, film);
}

#[actix_web::test]
async fn uppy_goes_on_in_another_page_and_on_another_site() {
    let kadr =
        Setup::on(Backend::Sqlite).video("HTTP__CORS_ALLOWED_ORIGINS", "http://films.example").start().await;
    let ada = kadr.user("ada").await;
    let upload = |page: &str| {
        let mut command = Command::new("node");
        command.arg(clients().join("upload_uppy.mjs")).arg(sample_path());
        command.args([&kadr.video_url("/uploads"), &ada.token, "500000", page]);
        actix_rt::task::spawn_blocking(move || command.output().unwrap())
    };
    let output = upload("http://films.example/new").await.unwrap();
    let ended: Value = serde_json::from_str(&last_line(&output)).unwrap();
    let pieces: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["page"].is_number())
        .collect();
    assert_eq!(
        pieces[..2],
        [json!({ "page": 1, "accepted": 500_000 }), json!({ "page": 2, "accepted": 1_000_000 })]
    );
    let path = ended["url"].as_str().unwrap().strip_prefix(&kadr.video_url("")).unwrap().to_owned();
    let ended = ada.get(&path).await.ok(200);
    assert_eq!(ended["status"], "ready");
    let record = format!("/videos/{}", ended["video_id"].as_str().unwrap());
    assert_eq!(ada.get(&record).await.ok(200)["title"], "By Uppy");
    assert_eq!(ada.get(&format!("{record}/content")).await.body, sample());
    assert_eq!(
        ada.get("/videos").await.ok(200)["items"].as_array().unwrap().len(),
        1,
        "both pages had one upload"
    );
    assert!(!upload("http://evil.example/new").await.unwrap().status.success(), "a site that may not");
}
