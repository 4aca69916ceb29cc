//! Resumable uploads, by tus 1.0.0, as its public clients and its hostile ones send them.

use std::io::Write;
use std::net::TcpStream;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use rstest::rstest;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use service_kit::testing::Backend;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::support::{Answer, Client, Installation, Kadr, Process, Setup, User, eventually, red_then_blue};

pub(crate) const PIECE: &str = "application/offset+octet-stream";

pub(crate) fn tus(user: &User<'_>, method: &str, path: &str) -> awc::ClientRequest {
    user.request(method, path).insert_header(("tus-resumable", "1.0.0"))
}

pub(crate) fn piece(user: &User<'_>, path: &str, offset: usize) -> awc::ClientRequest {
    tus(user, "PATCH", path).insert_header(("upload-offset", offset)).content_type(PIECE)
}

pub(crate) fn pair(key: &str, value: &str) -> String {
    format!("{key} {}", BASE64_STANDARD.encode(value))
}

/// The path of a new upload.
pub(crate) async fn begin(user: &User<'_>, length: usize, metadata: &str) -> String {
    let request = tus(user, "POST", "/uploads").insert_header(("upload-length", length));
    let answer = Answer::to(request.insert_header(("upload-metadata", metadata)), "").await;
    answer.ok(201);
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    answer.header("location").to_owned()
}

async fn offset(user: &User<'_>, path: &str) -> usize {
    let answer = Answer::to(tus(user, "HEAD", path), "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    answer.header("upload-offset").parse().unwrap()
}

pub(crate) async fn state(user: &User<'_>, path: &str) -> Value {
    user.get(path).await.ok(200)
}

#[actix_web::test]
async fn a_client_finds_out_what_is_spoken_without_a_token() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().video("UPLOADS__MAX_BYTES", 1000).start().await;
    let answer = Answer::to(kadr.anonymous("OPTIONS", "/uploads"), "").await;
    assert_eq!(
        (answer.status, answer.header("tus-version"), answer.header("tus-max-size")),
        (204, "1.0.0", "1000")
    );
    let extensions = "creation,creation-with-upload,checksum,expiration,termination";
    assert_eq!(answer.header("tus-extension"), extensions);
    assert_eq!(answer.header("tus-checksum-algorithm"), "sha256,sha1");
}

#[rstest]
#[actix_web::test]
async fn pieces_become_a_video_whose_analysis_begins_by_itself(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let film = red_then_blue();
    let metadata = [pair("filename", "../red then blue.mp4"), pair("filetype", "video/mp4")].join(",");
    let path = begin(&ada, film.len(), &metadata).await;
    let begun = state(&ada, &path).await;
    assert_eq!(
        (&begun["status"], &begun["offset"], &begun["length"]),
        (&json!("waiting"), &json!(0), &json!(film.len()))
    );
    let record = format!("/videos/{}", begun["video_id"].as_str().unwrap());
    assert_eq!(ada.get(&record).await.ok(200)["status"], "waiting");

    let (first, rest) = film.split_at(film.len() / 3);
    let answer = Answer::to(piece(&ada, &path, 0), first.to_vec()).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (204, first.len().to_string().as_str()));
    assert!(answer.header("upload-expires").ends_with(" GMT"));
    assert_eq!(state(&ada, &path).await["status"], "receiving");
    assert_eq!(offset(&ada, &path).await, first.len());
    Answer::to(piece(&ada, &path, first.len()), rest.to_vec()).await.ok(204);
    assert_eq!(state(&ada, &path).await["status"], "ready");
    let again = Answer::to(piece(&ada, &path, film.len()), "").await;
    assert_eq!((again.status, again.header("upload-offset")), (204, film.len().to_string().as_str()));

    let video = ada.get(&record).await.ok(200);
    assert_eq!((&video["status"], &video["title"]), (&json!("ready"), &json!("red then blue.mp4")));
    assert_eq!(video["sha256"], hex::encode(Sha256::digest(&film)));
    assert_eq!(ada.get(&format!("{record}/content")).await.body, film);
    assert_eq!(ada.ended_analysis(&record).await["status"], "succeeded");
    assert_eq!(kadr.blobs().iter().filter(|path| path.display().to_string().contains("uploads/")).count(), 0);
}

#[rstest]
#[actix_web::test]
async fn a_creation_without_bytes_needs_no_media_type_and_may_have_any(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    for media_type in ["application/octet-stream", "application/x-www-form-urlencoded", PIECE] {
        let request = tus(&ada, "POST", "/uploads").insert_header(("upload-length", 4));
        let begun = Answer::to(request.content_type(media_type), "").await;
        begun.ok(201);
        assert_eq!(begun.header("upload-offset"), "0", "{media_type}");
    }
    let request = tus(&ada, "POST", "/uploads").insert_header(("upload-length", 4));
    let other = request.content_type("application/octet-stream");
    Answer::to(other, "0123").await.problem(415, "unsupported-media-type");
}

#[rstest]
#[actix_web::test]
async fn the_first_piece_may_come_with_the_creation_and_be_for_a_record_that_exists(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let record = ada.video("A film").await;
    let id = record.trim_start_matches("/videos/");
    let film = red_then_blue();
    let metadata = [pair("video_id", id), pair("analyze", "false")].join(",");
    let create = |user: &User<'_>| {
        let request = tus(user, "POST", "/uploads").insert_header(("upload-length", film.len()));
        request.insert_header(("upload-metadata", metadata.as_str())).content_type(PIECE)
    };
    Answer::to(create(&eve), film.clone()).await.problem(404, "not-found");
    let answer = Answer::to(create(&ada), film.clone()).await;
    answer.ok(201);
    assert_eq!(
        (answer.header("upload-offset"), answer.header("kadr-video-id")),
        (film.len().to_string().as_str(), id)
    );
    assert_eq!(ada.get(&record).await.ok(200)["sha256"], hex::encode(Sha256::digest(&film)));
    ada.get(&format!("{record}/analysis")).await.problem(404, "not-found");
}

#[rstest]
#[case::a_wrong_version(|request: awc::ClientRequest| request.insert_header(("tus-resumable", "0.2.2")), 412, "tus-version")]
#[case::a_negative_length(|request: awc::ClientRequest| request.insert_header(("upload-length", "-5")), 400, "malformed-request")]
#[case::an_empty_upload(|request: awc::ClientRequest| request.insert_header(("upload-length", "0")), 400, "malformed-request")]
#[case::a_length_over_the_limit(|request: awc::ClientRequest| request.insert_header(("upload-length", "10737418241")), 413, "content-too-large")]
#[case::a_length_that_is_no_number_of_bytes(
    |request: awc::ClientRequest| request.insert_header(("upload-length", "99999999999999999999999999")), 413, "content-too-large"
)]
#[case::metadata_that_is_not_base64(
    |request: awc::ClientRequest| request.insert_header(("upload-metadata", "filename %%%")), 400, "malformed-request"
)]
#[case::an_unknown_checksum(
    |request: awc::ClientRequest| request.insert_header(("upload-checksum", "crc32 AAAA")), 400, "malformed-request"
)]
#[case::a_picture(
    |request: awc::ClientRequest| request.insert_header(("upload-metadata", "filetype aW1hZ2UvcG5n")), 415, "unsupported-media-type"
)]
#[actix_web::test]
async fn a_bad_beginning_begins_nothing(
    #[case] change: fn(awc::ClientRequest) -> awc::ClientRequest,
    #[case] status: u16,
    #[case] slug: &str,
) {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let request = change(tus(&ada, "POST", "/uploads").insert_header(("upload-length", 5)));
    let answer = Answer::to(request, "").await;
    answer.problem(status, slug);
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([]));
}

#[rstest]
#[actix_web::test]
async fn a_bad_piece_changes_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = begin(&ada, 10, "").await;
    Answer::to(piece(&ada, &path, 0), "0123").await.ok(204);
    Answer::to(piece(&ada, &path, 3), "3456").await.problem(409, "upload-offset");
    Answer::to(piece(&ada, &path, 4), "456789X").await.problem(413, "content-too-large");
    let unannounced = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"456789X"))]);
    let mut response = piece(&ada, &path, 4).send_stream(unannounced).await.unwrap();
    assert_eq!(response.status(), 413);
    response.body().await.unwrap();
    let other_type = tus(&ada, "PATCH", &path).insert_header(("upload-offset", 4)).content_type("video/mp4");
    Answer::to(other_type, "4").await.problem(415, "unsupported-media-type");
    let no_offset = tus(&ada, "PATCH", &path).content_type(PIECE);
    Answer::to(no_offset, "4").await.problem(400, "malformed-request");
    for (method, body) in [("PATCH", "4"), ("DELETE", ""), ("HEAD", "")] {
        let request = tus(&eve, method, &path).insert_header(("upload-offset", 4)).content_type(PIECE);
        assert_eq!(Answer::to(request, body).await.status, 404, "{method}");
    }
    assert_eq!(offset(&ada, &path).await, 4);
    Answer::to(piece(&ada, &path, 4), "456789").await.ok(204);
}

#[rstest]
#[actix_web::test]
async fn a_piece_with_a_checksum_is_kept_whole_or_not_at_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = begin(&ada, 8, "").await;
    let send = async |offset: usize, body: &'static str, algorithm: &str, of: &str| {
        let digest = match algorithm {
            "sha1" => BASE64_STANDARD.encode(Sha1::digest(of)),
            _ => BASE64_STANDARD.encode(Sha256::digest(of)),
        };
        let checksum = ("upload-checksum", format!("{algorithm} {digest}"));
        Answer::to(piece(&ada, &path, offset).insert_header(checksum), body).await
    };
    for algorithm in ["sha1", "sha256"] {
        send(0, "abcd", algorithm, "abcX").await.problem(460, "checksum-mismatch");
        assert_eq!(offset(&ada, &path).await, 0);
    }
    send(0, "abcd", "sha1", "abcd").await.ok(204);
    send(4, "efgh", "sha256", "efgh").await.ok(204);
    let id = state(&ada, &path).await["video_id"].as_str().unwrap().to_owned();
    assert_eq!(ada.get(&format!("/videos/{id}/content")).await.body, b"abcdefgh");
}

#[rstest]
#[actix_web::test]
async fn a_new_request_takes_over_from_one_that_hangs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = begin(&ada, 10, "").await;
    let mut hanging = TcpStream::connect(kadr.video_address()).unwrap();
    let head = [
        format!("PATCH {path} HTTP/1.1"),
        format!("Host: {}", kadr.video_address()),
        format!("Authorization: Bearer {}", ada.token),
        format!("Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {PIECE}\r\nContent-Length: 10"),
    ];
    hanging.write_all(format!("{}\r\n\r\n01234", head.join("\r\n")).as_bytes()).unwrap();
    eventually("the bytes of the request that hangs", async || {
        kadr.blobs().iter().any(|path| path.metadata().is_ok_and(|file| file.len() == 5)).then_some(())
    })
    .await;
    assert_eq!(offset(&ada, &path).await, 5, "who asks how far it is ends the request that hangs");
    Answer::to(piece(&ada, &path, 5), "56789").await.ok(204);
    assert_eq!(state(&ada, &path).await["status"], "ready");
    let id = state(&ada, &path).await["video_id"].as_str().unwrap().to_owned();
    assert_eq!(ada.get(&format!("/videos/{id}/content")).await.body, b"0123456789");
    drop(hanging);
}

#[rstest]
#[actix_web::test]
async fn of_pieces_sent_at_once_one_counts(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = begin(&ada, 10, "").await;
    let pieces = (0..6).map(|_| Answer::to(piece(&ada, &path, 0), "0123456789"));
    let answers = futures_util::future::join_all(pieces).await;
    assert!(answers.iter().any(|answer| answer.status == 204));
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        assert!([400, 409, 423].contains(&answer.status), "{}", answer.status);
    }
    let id = state(&ada, &path).await["video_id"].as_str().unwrap().to_owned();
    assert_eq!(ada.get(&format!("/videos/{id}/content")).await.body, b"0123456789");
}

#[rstest]
#[actix_web::test]
async fn what_is_terminated_leaves_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = begin(&ada, 10, "").await;
    Answer::to(piece(&ada, &path, 0), "0123").await.ok(204);
    Answer::to(tus(&ada, "DELETE", &path), "").await.ok(204);
    assert_eq!(Answer::to(tus(&ada, "HEAD", &path), "").await.status, 404);
    Answer::to(piece(&ada, &path, 4), "4").await.problem(404, "not-found");
    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([]));
    assert!(kadr.blobs().is_empty(), "{:?}", kadr.blobs());

    let path = begin(&ada, 4, "").await;
    let overridden = tus(&ada, "POST", &path).insert_header(("x-http-method-override", "PATCH"));
    let overridden = overridden.insert_header(("upload-offset", 0)).content_type(PIECE);
    Answer::to(overridden, "0123").await.ok(204);
    Answer::to(tus(&ada, "DELETE", &path), "").await.ok(204);
    assert_eq!(
        ada.get("/videos").await.ok(200)["items"].as_array().unwrap().len(),
        1,
        "a video's content stays"
    );
}

#[rstest]
#[actix_web::test]
async fn what_has_expired_is_gone(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = begin(&ada, 10, "").await;
    Answer::to(piece(&ada, &path, 0), "0123").await.ok(204);
    let db = Database::connect(kadr.database_url()).await.unwrap();
    db.execute_unprepared("UPDATE upload SET expires_at = '2026-01-01T00:00:00+00:00'").await.unwrap();
    Answer::to(piece(&ada, &path, 4), "456789").await.problem(410, "upload-expired");
    assert_eq!(Answer::to(tus(&ada, "HEAD", &path), "").await.status, 410);
    assert_eq!(state(&ada, &path).await["status"], "expired");
}

/// An upload that was begun, and the service that has swept after somebody has changed the database meanwhile.
async fn swept(
    installation: &Installation,
    users: &Process,
    ada: &Client<'_>,
    change: &str,
) -> (Process, String) {
    let videos = installation.video_service("serve", users, &[]);
    let request = ada.request(&videos, "POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
    let request = request.insert_header(("upload-length", 10)).content_type(PIECE);
    let begun = Answer::to(request, "0123").await;
    begun.ok(201);
    let upload = begun.header("location").to_owned();
    assert!(videos.stop("TERM").await.success());
    let file = installation.data().join("video_service.db");
    let db = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    db.execute_unprepared(change).await.unwrap();
    db.close().await.unwrap();

    let videos = installation.video_service("serve", users, &[]);
    let staged = installation.data().join("blobs/uploads");
    eventually("the sweep", async || std::fs::read_dir(&staged).unwrap().next().is_none().then_some(()))
        .await;
    (videos, upload)
}

#[actix_web::test]
async fn what_has_expired_is_removed_with_its_bytes_and_the_record_made_for_it() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let ada = Client::register(&installation, &users, "ada").await;
    let late = "UPDATE upload SET expires_at = '2026-01-01T00:00:00+00:00'";
    let (videos, upload) = swept(&installation, &users, &ada, late).await;
    assert_eq!(ada.get(&videos, &upload).await.ok(200)["status"], "expired");
    eventually("the end of the record", async || {
        let listed = ada.get(&videos, "/videos").await.ok(200);
        (listed["items"] == json!([])).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn what_was_taken_from_whoever_deleted_its_video_is_ended_later() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let ada = Client::register(&installation, &users, "ada").await;
    let (videos, upload) = swept(&installation, &users, &ada, "DELETE FROM video").await;
    let ended = ada.get(&videos, &upload).await.ok(200);
    assert_eq!(ended["reason"], "the video was deleted before its bytes had arrived", "{ended}");
    assert_eq!(ada.get(&videos, "/usage").await.ok(200)["announced_bytes"], 0);
}
