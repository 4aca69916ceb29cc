//! The bytes of videos: kept once for an account, in versions, within a quota, and in agreement with the database.

use std::io::Write;
use std::net::TcpStream;

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Kadr, Setup, User, eventually, red_then_blue, sample};

fn sha256_of(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

async fn quiet(backend: Backend) -> Kadr {
    Setup::on(backend).without_workers().start().await
}

async fn content(user: &User<'_>, path: &str) -> Vec<u8> {
    let answer = user.get(&format!("{path}/content")).await;
    assert_eq!(answer.status, 200);
    answer.body
}

async fn delete_for_good(user: &User<'_>, path: &str) {
    user.delete(&format!("{path}?permanent=true")).await.ok(204);
}

/// A request to make a video that may be sent twice.
async fn with_key(user: &User<'_>, key: &str, body: Value) -> Answer {
    let request = user.request("POST", "/videos").content_type("application/json");
    Answer::to(request.insert_header(("idempotency-key", key)), body.to_string()).await
}

#[rstest]
#[actix_web::test]
async fn equal_bytes_of_one_account_are_kept_once_until_the_last_video_that_has_them_is_gone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let first = ada.upload_quietly(red_then_blue()).await;
    let second = ada.upload_quietly(red_then_blue()).await;
    let form = [("file", Some("film.mp4"), "video/mp4", red_then_blue())];
    let third = ada.send_form(&form).await;
    third.ok(201);
    assert_eq!(kadr.blobs().len(), 1);
    let others = bob.upload_quietly(red_then_blue()).await;
    assert_eq!(kadr.blobs().len(), 2, "nobody shares bytes with somebody else");

    delete_for_good(&ada, &first).await;
    delete_for_good(&ada, third.header("location")).await;
    assert_eq!(content(&ada, &second).await, red_then_blue());
    delete_for_good(&ada, &second).await;
    assert_eq!(kadr.blobs().len(), 1);
    assert_eq!(content(&bob, &others).await, red_then_blue());
}

#[rstest]
#[actix_web::test]
async fn of_equal_uploads_at_the_same_time_one_blob_is_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let uploads = futures_util::future::join_all((0..8).map(|_| ada.upload_quietly(red_then_blue())));
    let paths = uploads.await;
    assert_eq!(kadr.blobs().len(), 1);
    let deletions = paths.iter().skip(1).map(|path| delete_for_good(&ada, path));
    futures_util::future::join_all(deletions).await;
    assert_eq!(content(&ada, &paths[0]).await, red_then_blue());
    delete_for_good(&ada, &paths[0]).await;
    assert!(kadr.blobs().is_empty());
}

#[rstest]
#[actix_web::test]
async fn videos_that_exchange_their_contents_at_the_same_time_do_not_wait_for_each_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let (first, second) = (ada.upload_quietly(vec![1; 10]).await, ada.upload_quietly(vec![2; 10]).await);
    for round in 0..10 {
        let (one, other) = if round % 2 == 0 { (2, 1) } else { (1, 2) };
        let paths = [&first, &second].map(|path| format!("{path}/content?analyze=false"));
        let swaps = [ada.put(&paths[0], vec![one; 10]), ada.put(&paths[1], vec![other; 10])];
        for answer in futures_util::future::join_all(swaps).await {
            answer.ok(200);
        }
        assert_eq!(
            (content(&ada, &first).await, content(&ada, &second).await),
            (vec![one; 10], vec![other; 10])
        );
    }
    assert_eq!(kadr.blobs().len(), 2);
}

#[rstest]
#[actix_web::test]
async fn what_an_account_has_here_need_not_be_sent_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    ada.upload(red_then_blue()).await;
    let digest = sha256_of(&red_then_blue());
    let address = format!("/videos/content-by-digest/{digest}");
    let upper = format!("/videos/content-by-digest/{}", digest.to_uppercase());
    for address in [&address, &upper] {
        let found = ada.get(address).await.ok(200);
        assert_eq!(found, json!({ "sha256": digest, "bytes": red_then_blue().len(), "videos": 1 }));
    }
    let head = Answer::to(ada.request("HEAD", &address), "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    bob.get(&address).await.problem(404, "not-found");
    ada.get("/videos/content-by-digest/abc").await.problem(422, "validation-failed");
    ada.get(&format!("/videos/content-by-digest/{}", "0".repeat(64))).await.problem(404, "not-found");

    let made = ada.post("/videos", json!({ "title": "Again", "sha256": digest })).await;
    let video = made.ok(201);
    assert_eq!((&video["status"], &video["version"]), (&json!("ready"), &json!(1)));
    let path = made.header("location");
    assert_eq!(content(&ada, path).await, red_then_blue());
    assert_eq!(ada.ended_analysis(path).await["status"], "succeeded");
    let refused = bob.post("/videos", json!({ "title": "Not mine", "sha256": digest })).await;
    assert_eq!(refused.problem(422, "validation-failed")["errors"][0]["pointer"], "/sha256");
    assert_eq!(bob.get("/videos").await.ok(200)["items"], json!([]));
}

#[rstest]
#[actix_web::test]
async fn bytes_that_were_lost_are_made_good_by_who_sends_them_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let first = ada.upload_quietly(red_then_blue()).await;
    std::fs::write(&kadr.blobs()[0], b"not what it was").unwrap();
    let second = ada.upload_quietly(red_then_blue()).await;
    assert_eq!(content(&ada, &first).await, red_then_blue());
    assert_eq!(content(&ada, &second).await, red_then_blue());
    assert_eq!(kadr.blobs().len(), 1);
}

#[rstest]
#[actix_web::test]
async fn new_content_is_a_new_version_and_the_old_analysis_stays_with_the_old_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let first = ada.ended_analysis(&path).await;
    assert_eq!((&first["status"], &first["version"]), (&json!("succeeded"), &json!(1)));
    let poster = ada.get(&format!("{path}/poster.jpg")).await.body;
    let answer = ada.put(&format!("{path}/content?analyze=false"), sample()).await;
    assert_eq!(answer.ok(200)["version"], 2);

    ada.get(&format!("{path}/analysis")).await.problem(404, "not-found");
    ada.get(&format!("{path}/poster.jpg")).await.problem(404, "not-found");
    assert_eq!(ada.get(&format!("{path}/poster.jpg?version=1")).await.body, poster);
    assert_eq!(ada.get(&format!("{path}/analysis?version=1")).await.ok(200), first);
    let versions = ada.get(&format!("{path}/versions")).await.ok(200);
    let digests: Vec<_> = versions["items"].as_array().unwrap().iter().map(|item| &item["sha256"]).collect();
    assert_eq!(digests, [&json!(sha256_of(&sample())), &json!(sha256_of(&red_then_blue()))]);

    ada.post(&format!("{path}/analysis"), json!({})).await.ok(202);
    let second = ada.ended_analysis(&path).await;
    assert_eq!((&second["status"], &second["version"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(second["report"]["input"]["sha256"], sha256_of(&sample()));
    assert_eq!(ada.get(&format!("{path}/analysis?version=1")).await.ok(200), first);
    kadr.user("bob").await.get(&format!("{path}/versions")).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn no_account_keeps_more_bytes_than_its_quota_by_whatever_way_they_come(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let film = red_then_blue();
    let quota = film.len() + 1000;
    let kadr =
        Setup::on(backend).without_workers().video("QUOTA__MAX_BYTES_PER_ACCOUNT", quota).start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(film.clone()).await;
    let usage = ada.get("/usage").await.ok(200);
    assert_eq!(
        (&usage["bytes"], &usage["max_bytes"], &usage["videos"]),
        (&json!(film.len()), &json!(quota), &json!(1))
    );

    let other = ada.video("Another").await;
    ada.put(&format!("{other}/content"), vec![7; 1001]).await.problem(403, "quota-exceeded");
    let form = [("file", Some("film.mp4"), "video/mp4", vec![7; 1001])];
    ada.send_form(&form).await.problem(403, "quota-exceeded");
    let unannounced = ada.request("PUT", &format!("{other}/content")).content_type("video/mp4");
    let pieces = futures_util::stream::iter((0..3).map(|_| Ok::<_, std::io::Error>(vec![7; 500].into())));
    let refused = unannounced.send_stream(pieces).await.unwrap();
    assert_eq!(refused.status(), 403);
    let tus = ada.request("POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    Answer::to(tus.insert_header(("upload-length", 1001)), "").await.problem(403, "quota-exceeded");
    assert_eq!(kadr.blobs().len(), 1);

    ada.put(&format!("{other}/content?analyze=false"), vec![7; 1000]).await.ok(201);
    // In place of what is there, as much may come as is there.
    ada.put(&format!("{path}/content?analyze=false"), vec![8; film.len()]).await.ok(200);
    assert_eq!(ada.get("/usage").await.ok(200)["bytes"], quota);
    kadr.user("bob").await.upload_quietly(film).await;
}

#[rstest]
#[actix_web::test]
async fn uploads_that_fit_each_do_not_exceed_the_quota_together(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("QUOTA__MAX_BYTES_PER_ACCOUNT", 2500).start().await;
    let ada = kadr.user("ada").await;
    let mut paths = Vec::new();
    for title in ["One", "Two", "Three", "Four"] {
        paths.push(format!("{}/content?analyze=false", ada.video(title).await));
    }
    let uploads = (1..).zip(&paths).map(|(byte, path)| ada.put(path, vec![byte; 1000]));
    let answers = futures_util::future::join_all(uploads).await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken, 2);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.problem(403, "quota-exceeded");
    }
    assert_eq!(ada.get("/usage").await.ok(200)["bytes"], 2000);
    assert_eq!(kadr.blobs().len(), 2);
}

#[rstest]
#[actix_web::test]
async fn no_account_has_more_videos_than_its_quota(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("QUOTA__MAX_VIDEOS_PER_ACCOUNT", 2).start().await;
    let ada = kadr.user("ada").await;
    let first = ada.video("One").await;
    ada.upload_quietly(red_then_blue()).await;
    ada.post("/videos", json!({ "title": "Three" })).await.problem(403, "quota-exceeded");
    let form = [("file", Some("film.mp4"), "video/mp4", sample())];
    ada.send_form(&form).await.problem(403, "quota-exceeded");
    let tus = ada.request("POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    Answer::to(tus.insert_header(("upload-length", 5)), "").await.problem(403, "quota-exceeded");
    assert_eq!(kadr.blobs().len(), 1);
    delete_for_good(&ada, &first).await;
    ada.video("Three, now").await;
}

#[rstest]
#[actix_web::test]
async fn a_video_is_made_once_however_often_its_request_is_sent_with_one_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let first = with_key(&ada, "k1", json!({ "title": "Once" })).await.ok(201);
    let again = with_key(&ada, "k1", json!({ "title": "Once" })).await;
    assert_eq!(again.ok(201)["id"], first["id"]);
    assert_eq!(again.header("location"), format!("/videos/{}", first["id"].as_str().unwrap()));
    with_key(&ada, "k1", json!({ "title": "Twice" })).await.problem(422, "idempotency-key-reused");
    assert_ne!(with_key(&bob, "k1", json!({ "title": "Once" })).await.ok(201)["id"], first["id"]);
    assert_ne!(with_key(&ada, "k2", json!({ "title": "Once" })).await.ok(201)["id"], first["id"]);

    let race = (0..6).map(|_| with_key(&ada, "k3", json!({ "title": "Race" })));
    for answer in futures_util::future::join_all(race).await {
        assert!(matches!(answer.status, 201 | 409), "{}", answer.status);
    }
    let titles = ada.get("/videos").await.ok(200);
    let races = titles["items"].as_array().unwrap().iter().filter(|video| video["title"] == "Race").count();
    assert_eq!(races, 1);
}

#[actix_web::test]
async fn no_account_takes_all_hands_of_a_process() {
    let kadr = Setup::on(Backend::Sqlite)
        .without_workers()
        .video("UPLOADS__MAX_CONCURRENT_PER_ACCOUNT", 1)
        .start()
        .await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let request = ada.request("POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    let begun = Answer::to(request.insert_header(("upload-length", 10)), "").await;
    begun.ok(201);
    let head = [
        format!("PATCH {} HTTP/1.1", begun.header("location")),
        format!("Host: {}", kadr.video_address()),
        format!("Authorization: Bearer {}", ada.token),
        "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 10".to_owned(),
        "Content-Type: application/offset+octet-stream".to_owned(),
    ];
    let mut slow = TcpStream::connect(kadr.video_address()).unwrap();
    slow.write_all(format!("{}\r\n\r\n01234", head.join("\r\n")).as_bytes()).unwrap();
    eventually("the first bytes of the slow one", async || {
        kadr.blobs().iter().any(|path| path.metadata().is_ok_and(|file| file.len() == 5)).then_some(())
    })
    .await;

    let path = format!("{}/content?analyze=false", ada.video("Quick").await);
    let refused = ada.put(&path, red_then_blue()).await;
    refused.problem(429, "too-many-uploads");
    assert_eq!(refused.header("retry-after"), "5");
    let begun = ada.request("POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    let begun = begun.insert_header(("upload-length", 5)).content_type("application/offset+octet-stream");
    Answer::to(begun, "01234").await.problem(429, "too-many-uploads");
    assert_eq!(ada.get("/usage").await.ok(200)["announced_bytes"], 10, "of the slow one alone");
    bob.upload_quietly(red_then_blue()).await;
    slow.write_all(b"56789").unwrap();
    let taken = eventually("room for the next one", async || {
        let answer = ada.put(&path, red_then_blue()).await;
        (answer.status != 429).then_some(answer)
    });
    taken.await.ok(201);
}

#[actix_web::test]
async fn a_first_content_is_the_first_whatever_else_of_the_record_changes_meanwhile() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("A film").await;
    let head = [
        format!("PUT {path}/content HTTP/1.1"),
        format!("Host: {}", kadr.video_address()),
        format!("Authorization: Bearer {}", ada.token),
        "If-None-Match: *\r\nContent-Type: video/mp4\r\nContent-Length: 10\r\nConnection: close".to_owned(),
    ];
    let mut slow = TcpStream::connect(kadr.video_address()).unwrap();
    slow.write_all(format!("{}\r\n\r\n01234", head.join("\r\n")).as_bytes()).unwrap();
    eventually("the staging file", async || (!kadr.blobs().is_empty()).then_some(())).await;
    ada.patch(&path, json!({"title": "Another title"})).await.ok(200);
    slow.write_all(b"56789").unwrap();
    let video = eventually("the content", async || {
        let video = ada.get(&path).await.ok(200);
        (video["status"] == "ready").then_some(video)
    })
    .await;
    assert_eq!((&video["title"], &video["bytes"]), (&json!("Another title"), &json!(10)));
}
