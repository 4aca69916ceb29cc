//! Resumable uploads of which nothing comes, or that are too many: nobody takes them for a success, and they leave nothing.

use std::io::Write;
use std::net::TcpStream;

use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Setup, User, eventually};
use crate::uploads::{PIECE, begin, pair, piece, state, tus};

#[rstest]
#[actix_web::test]
async fn an_upload_whose_video_is_deleted_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let record = ada.video("A film").await;
    let path = begin(&ada, 4, &pair("video_id", record.trim_start_matches("/videos/"))).await;
    ada.delete(&record).await.ok(204);
    let refused = Answer::to(piece(&ada, &path, 0), "0123").await.problem(410, "upload-failed");
    assert_eq!(refused["detail"], "the video was deleted before its bytes had arrived");
    let ended = state(&ada, &path).await;
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("failed"), &refused["detail"]));
    assert_eq!(Answer::to(tus(&ada, "HEAD", &path), "").await.status, 410, "nobody goes on with it");
    Answer::to(piece(&ada, &path, 4), "").await.problem(410, "upload-failed");
    assert!(kadr.blobs().is_empty(), "{:?}", kadr.blobs());
}

#[rstest]
#[actix_web::test]
async fn an_upload_whose_video_is_deleted_for_good_takes_no_room_any_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let record = ada.video("A film").await;
    let path = begin(&ada, 8, &pair("video_id", record.trim_start_matches("/videos/"))).await;
    Answer::to(piece(&ada, &path, 0), "0123").await.ok(204);
    assert_eq!(ada.get("/usage").await.ok(200)["announced_bytes"], 8);
    ada.delete(&format!("{record}?permanent=true")).await.ok(204);
    assert_eq!(ada.get("/usage").await.ok(200)["announced_bytes"], 0);
    let ended = state(&ada, &path).await;
    let reason = json!("the video was deleted before its bytes had arrived");
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("failed"), &reason));
    assert!(kadr.blobs().is_empty(), "{:?}", kadr.blobs());
}

#[rstest]
#[actix_web::test]
async fn an_upload_for_which_there_is_no_room_left_at_its_end_leaves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("QUOTA__MAX_BYTES_PER_ACCOUNT", 10).start().await;
    let ada = kadr.user("ada").await;
    let record = ada.video("A film").await;
    // There was room for either when it began.
    let mut other = send_half_of_content(&kadr, &ada, &record).await;
    let path = begin(&ada, 6, "").await;
    let made = state(&ada, &path).await["video_id"].as_str().unwrap().to_owned();
    other.write_all(b"56789").unwrap();
    eventually("the end of the other", async || {
        (ada.get(&record).await.ok(200)["status"] == "ready").then_some(())
    })
    .await;

    Answer::to(piece(&ada, &path, 0), "012345").await.problem(410, "upload-failed");
    assert_eq!(state(&ada, &path).await["reason"], "The account's quota is used up");
    ada.get(&format!("/videos/{made}")).await.problem(404, "not-found");
    let usage = ada.get("/usage").await.ok(200);
    assert_eq!(
        (&usage["bytes"], &usage["announced_bytes"], &usage["videos"]),
        (&json!(10), &json!(0), &json!(1))
    );
    assert_eq!(kadr.blobs().len(), 1);
}

/// Sends the first five of ten bytes of the content of `record`, and waits until they have come.
async fn send_half_of_content(kadr: &Kadr, user: &User<'_>, record: &str) -> TcpStream {
    let head = [
        format!("PUT {record}/content?analyze=false HTTP/1.1"),
        format!("Host: {}\r\nAuthorization: Bearer {}", kadr.video_address(), user.token),
        "Content-Type: video/mp4\r\nContent-Length: 10".to_owned(),
    ];
    let mut connection = TcpStream::connect(kadr.video_address()).unwrap();
    connection.write_all(format!("{}\r\n\r\n01234", head.join("\r\n")).as_bytes()).unwrap();
    eventually("the beginning of the content", async || (!kadr.blobs().is_empty()).then_some(())).await;
    connection
}

#[rstest]
#[case::a_checksum_that_is_another("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "0123", 460, "checksum-mismatch")]
#[case::more_than_was_announced("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "01234", 413, "content-too-large")]
#[actix_web::test]
async fn an_upload_whose_first_piece_is_refused_with_its_creation_has_never_begun(
    #[case] checksum: &str,
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] slug: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let request = tus(&ada, "POST", "/uploads").insert_header(("upload-length", 4)).content_type(PIECE);
    let request = request.insert_header(("upload-checksum", checksum));
    Answer::to(request, body).await.problem(status, slug);
    let usage = ada.get("/usage").await.ok(200);
    assert_eq!((&usage["announced_bytes"], &usage["videos"]), (&json!(0), &json!(0)));
    assert!(kadr.blobs().is_empty(), "{:?}", kadr.blobs());
}

#[rstest]
#[actix_web::test]
async fn uploads_that_begin_at_once_are_no_more_than_may_be(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::on(backend).without_workers().video("QUOTA__MAX_BYTES_PER_ACCOUNT", 25);
    let kadr = setup.video("UPLOADS__MAX_UNFINISHED_PER_ACCOUNT", 3).start().await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    for (user, length, taken, slug) in [(&ada, 10, 2, "quota-exceeded"), (&bob, 1, 3, "too-many-uploads")] {
        let create =
            || Answer::to(tus(user, "POST", "/uploads").insert_header(("upload-length", length)), "");
        let answers = futures_util::future::join_all((0..8).map(|_| create())).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), taken);
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            refused.problem(refused.status, slug);
        }
    }
}

#[rstest]
#[actix_web::test]
async fn what_has_expired_takes_no_room_even_before_it_is_swept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::on(backend).without_workers().video("QUOTA__MAX_BYTES_PER_ACCOUNT", 10);
    let kadr = setup.video("UPLOADS__MAX_UNFINISHED_PER_ACCOUNT", 1).start().await;
    let ada = kadr.user("ada").await;
    begin(&ada, 10, "").await;
    kadr.database().await.execute_unprepared("UPDATE upload SET expires_at = created_at").await.unwrap();
    assert_eq!(ada.get("/usage").await.ok(200)["announced_bytes"], 0);
    begin(&ada, 10, "").await;
}

#[actix_web::test]
async fn an_account_has_as_many_unfinished_uploads_as_it_may() {
    let setup = Setup::on(Backend::Sqlite).without_workers();
    let kadr = setup.video("UPLOADS__MAX_UNFINISHED_PER_ACCOUNT", 1).start().await;
    let ada = kadr.user("ada").await;
    let path = begin(&ada, 4, "").await;
    let another = || Answer::to(tus(&ada, "POST", "/uploads").insert_header(("upload-length", 4)), "");
    another().await.problem(429, "too-many-uploads");
    Answer::to(piece(&ada, &path, 0), "0123").await.ok(204);
    another().await.ok(201);
}
