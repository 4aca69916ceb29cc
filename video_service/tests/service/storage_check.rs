//! `video_service storage check [--fix]`, beside a database and a store that disagree.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::json;
use service_kit::clock::{Clock, SystemClock};
use service_kit::testing::Backend;
use video_service::blobs::BlobStore;
use video_service::storage_check::StorageCheck;

use crate::support::{Answer, Kadr, Setup, red_then_blue, sample};
use crate::uploads::{begin, piece, state, tus};

/// What a check of the service's database and store says, and how much it finds.
async fn check(kadr: &Kadr, fix: bool) -> (String, u64) {
    let blobs = BlobStore::open(&kadr.blob_dir()).unwrap();
    let mut output = Vec::new();
    let db = kadr.database().await;
    let check = StorageCheck { db: &db, blobs: &blobs, now: SystemClock.now(), fix, output: &mut output };
    let findings = check.run().await.unwrap();
    (String::from_utf8(output).unwrap(), findings)
}

/// A file that nobody has touched for an hour.
fn put_old(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    let hour_ago = SystemTime::from(SystemClock.now()) - Duration::from_hours(1);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}

#[rstest]
#[actix_web::test]
async fn where_all_is_well_nothing_is_found(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    ada.ended_analysis(&path).await;
    ada.upload_quietly(red_then_blue()).await;
    assert_eq!(check(&kadr, false).await, ("the database and the store agree\n".to_owned(), 0));
}

#[rstest]
#[actix_web::test]
async fn bytes_that_nobody_names_are_told_first_and_removed_on_request_when_they_are_old(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let store = kadr.blob_dir();
    put_old(&store.join("videos/orphan"), b"12345");
    put_old(&store.join("posters/orphan.jpg"), b"123");
    let staged = "uploads/019abc00-0000-7000-8000-000000000000";
    put_old(&store.join(staged), b"12");
    let begun = ada.request("POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    let begun = Answer::to(begun.insert_header(("upload-length", 5)), "").await;
    put_old(&store.join(begun.header("location").trim_start_matches('/')), b"1234");
    std::fs::write(store.join("videos/young"), b"1").unwrap();
    put_old(&store.join("videos/broken-off#1"), b"1");

    let (said, findings) = check(&kadr, false).await;
    assert_eq!(findings, 4);
    assert!(said.contains(&format!("{staged}: nobody names these 2 bytes: would be removed\n")), "{said}");
    assert!(said.contains("videos/orphan: nobody names these 5 bytes: would be removed\n"), "{said}");
    assert!(said.contains("posters/orphan.jpg: nobody names these 3 bytes: would be removed\n"), "{said}");
    assert!(said.ends_with("wrong: 4; nothing was changed, --fix repairs\n"), "{said}");
    assert!(
        said.contains("videos/broken-off#1: an upload that broke off left 1 bytes: would be removed\n"),
        "{said}"
    );
    assert_eq!(kadr.blobs().len(), 7, "a look changes nothing");

    let (said, findings) = check(&kadr, true).await;
    assert_eq!((findings, said.ends_with("repaired: 4\n")), (4, true), "{said}");
    assert_eq!(kadr.blobs().len(), 3);
    assert_eq!(check(&kadr, false).await.1, 0);
    assert_eq!(ada.get(&format!("{path}/content")).await.body, red_then_blue());
}

#[rstest]
#[actix_web::test]
async fn a_whole_upload_that_is_not_a_videos_content_yet_is_left_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let request = ada.request("POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    let begun = Answer::to(request.insert_header(("upload-length", 5)), "").await;
    begun.ok(201);
    let upload = begun.header("location").trim_start_matches("/uploads/").to_owned();
    let key = format!("videos/{}-{upload}", begun.header("kadr-video-id"));
    // As a process leaves it that dies after it has renamed the file, and before it has written the record.
    put_old(&kadr.blob_dir().join(&key), b"12345");
    kadr.database().await.execute_unprepared("UPDATE upload SET status = 'verifying'").await.unwrap();
    assert_eq!(check(&kadr, true).await.1, 0);
    assert!(kadr.blob_dir().join(&key).exists());
}

#[rstest]
#[actix_web::test]
async fn a_video_whose_bytes_are_lost_waits_for_them_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let other = ada.upload_quietly(sample()).await;
    let before = ada.get(&path).await.ok(200);
    let lost = kadr.blobs().into_iter().find(|blob| std::fs::read(blob).unwrap() == red_then_blue());
    std::fs::remove_file(lost.unwrap()).unwrap();

    let (said, findings) = check(&kadr, false).await;
    assert_eq!((findings, said.contains("would wait for their bytes again")), (1, true), "{said}");
    assert_eq!(ada.get(&path).await.ok(200), before, "a look changes nothing");
    assert_eq!(check(&kadr, true).await.1, 1);
    let video = ada.get(&path).await.ok(200);
    assert_eq!((&video["status"], &video["bytes"]), (&"waiting".into(), &serde_json::Value::Null));
    ada.put(&format!("{path}/content?analyze=false"), red_then_blue()).await.ok(200);
    assert_eq!(ada.get(&format!("{path}/content")).await.body, red_then_blue());
    assert_eq!(ada.get(&format!("{other}/content")).await.body, sample());
    assert_eq!(check(&kadr, false).await.1, 0);
}

#[rstest]
#[actix_web::test]
async fn what_is_lost_is_neither_analysed_nor_had_again_by_its_digest(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let facts = "UPDATE video SET duration_seconds = 2, video_codec = 'h264', shots = 2";
    kadr.database().await.execute_unprepared(facts).await.unwrap();
    let sha256 = ada.get(&path).await.ok(200)["sha256"].as_str().unwrap().to_owned();
    let by_digest = format!("/videos/content-by-digest/{sha256}");
    ada.get(&by_digest).await.ok(200);
    std::fs::remove_file(&kadr.blobs()[0]).unwrap();

    ada.get(&by_digest).await.problem(404, "not-found");
    let again = ada.post("/videos", json!({"title": "Again", "sha256": sha256})).await;
    again.problem(422, "validation-failed");
    assert_eq!(check(&kadr, true).await.1, 1);
    assert_eq!(ada.get(&format!("{path}/analysis?version=1")).await.ok(200)["status"], "canceled");
    let video = ada.get(&path).await.ok(200);
    assert_eq!((&video["duration_seconds"], &video["video_codec"]), (&json!(null), &json!(null)), "{video}");
    assert_eq!(video["findings"]["shots"], json!(null));
}

#[rstest]
#[case("receiving", 6)]
#[case("verifying", 10)]
#[actix_web::test]
async fn an_upload_whose_bytes_are_lost_fails(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(false, true)] by_the_check: bool,
    #[case] status: &str,
    #[case] offset: u64,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let upload = begin(&ada, 10, "").await;
    Answer::to(piece(&ada, &upload, 0), "012345").await.ok(204);
    let database = kadr.database().await;
    let change = format!("UPDATE upload SET status = '{status}', \"offset\" = {offset}");
    database.execute_unprepared(&change).await.unwrap();
    std::fs::remove_dir_all(kadr.blob_dir().join("uploads")).unwrap();

    if by_the_check {
        let lost = format!(
            "{}: the {offset} bytes that had arrived are lost",
            upload.replace("/uploads/", "upload ")
        );
        let (said, findings) = check(&kadr, false).await;
        assert_eq!((findings, said.contains(&format!("{lost}: would fail\n"))), (1, true), "{said}");
        assert_eq!(state(&ada, &upload).await["status"], status, "a look changes nothing");
        assert_eq!(check(&kadr, true).await.1, 1);
    } else {
        assert_eq!(Answer::to(tus(&ada, "HEAD", &upload), "").await.status, 410);
    }
    let ended = state(&ada, &upload).await;
    assert_eq!(
        (&ended["status"], &ended["reason"]),
        (&json!("failed"), &json!("the bytes that had arrived are lost"))
    );
    assert_eq!(ada.get("/usage").await.ok(200)["announced_bytes"], 0);
    assert_eq!(check(&kadr, false).await.1, 0);
}

#[rstest]
#[actix_web::test]
async fn videos_are_counted_anew_where_the_count_is_wrong(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let (first, second) =
        (ada.upload_quietly(red_then_blue()).await, ada.upload_quietly(red_then_blue()).await);
    kadr.database().await.execute_unprepared("UPDATE content SET videos = 7").await.unwrap();
    let (said, _) = check(&kadr, true).await;
    assert!(said.contains("7 videos are counted, 2 name it: counted anew\n"), "{said}");
    for path in [first, second] {
        ada.delete(&format!("{path}?permanent=true")).await.ok(204);
    }
    assert!(kadr.blobs().is_empty());
}
