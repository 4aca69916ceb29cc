//! Uploads by ticket: without a token, for one video, until the ticket ends or is spent.

use std::io::Write;
use std::net::TcpStream;

use awc::ClientRequest;
use rstest::rstest;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use service_kit::clock::{Clock, SystemClock};
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Setup, User, eventually, red_then_blue};

const PIECE: &str = "application/offset+octet-stream";

async fn quiet(backend: Backend) -> Kadr {
    Setup::on(backend).without_workers().start().await
}

async fn ticket(user: &User<'_>, path: &str, body: Value) -> Value {
    let answer = user.post(&format!("{path}/upload-tickets"), body).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.ok(201)
}

fn address<'a>(ticket: &'a Value, name: &str) -> &'a str {
    ticket[name].as_str().unwrap()
}

async fn put(kadr: &Kadr, ticket: &Value, content: Vec<u8>) -> Answer {
    let path = format!("{}?analyze=false", address(ticket, "content_url"));
    Answer::to(kadr.anonymous("PUT", &path).content_type("video/mp4"), content).await
}

fn tus(kadr: &Kadr, method: &str, path: &str) -> ClientRequest {
    kadr.anonymous(method, path).insert_header(("tus-resumable", "1.0.0"))
}

async fn begin(kadr: &Kadr, ticket: &Value, length: usize) -> Answer {
    let request = tus(kadr, "POST", address(ticket, "tus_url")).insert_header(("upload-length", length));
    Answer::to(request, "").await
}

async fn piece(kadr: &Kadr, upload: &str, offset: usize, bytes: Vec<u8>) -> Answer {
    let request = tus(kadr, "PATCH", upload).insert_header(("upload-offset", offset)).content_type(PIECE);
    Answer::to(request, bytes).await
}

/// Somebody takes the rights of all accounts away.
async fn disable_all(kadr: &Kadr) {
    let db = Database::connect(kadr.user_database_url()).await.unwrap();
    db.execute_unprepared("UPDATE account SET disabled_at = '2026-01-01 00:00:00+00:00'").await.unwrap();
}

#[rstest]
#[actix_web::test]
async fn a_ticket_uploads_one_content_though_the_session_it_was_made_in_has_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Mine").await;
    let ticket = ticket(&ada, &path, json!({})).await;
    ada.logout().await;
    eventually("the end of the token", async || (ada.get(&path).await.status == 401).then_some(())).await;

    assert_eq!(put(&kadr, &ticket, red_then_blue()).await.ok(204), Value::Null);
    assert_eq!(std::fs::read(&kadr.blobs()[0]).unwrap(), red_then_blue());
    put(&kadr, &ticket, b"more".to_vec()).await.problem(404, "not-found");
    begin(&kadr, &ticket, 5).await.problem(404, "not-found");
    assert_eq!(kadr.blobs().len(), 1, "a ticket is spent with the first content");
}

#[rstest]
#[actix_web::test]
async fn a_client_of_tus_uploads_by_a_ticket_and_learns_how_it_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let (path, other) = (ada.video("Mine").await, ada.video("Mine as well").await);
    let (ticket, others) = (ticket(&ada, &path, json!({})).await, ticket(&ada, &other, json!({})).await);
    let options = Answer::to(kadr.anonymous("OPTIONS", address(&ticket, "tus_url")), "").await;
    assert_eq!((options.status, options.header("tus-version")), (204, "1.0.0"));

    let begun = begin(&kadr, &ticket, 10).await;
    begun.ok(201);
    let upload = begun.header("location");
    assert!(upload.starts_with(address(&ticket, "tus_url")), "{upload}");
    piece(&kadr, upload, 0, b"01234".to_vec()).await.ok(204);
    let head = Answer::to(tus(&kadr, "HEAD", upload), "").await;
    assert_eq!((head.status, head.header("upload-offset")), (200, "5"));
    let id = upload.rsplit('/').next().unwrap();
    let elsewhere = format!("{}/{id}", address(&others, "tus_url"));
    for method in ["HEAD", "GET", "DELETE"] {
        assert_eq!(Answer::to(tus(&kadr, method, &elsewhere), "").await.status, 404, "{method}");
    }
    piece(&kadr, &elsewhere, 5, b"56789".to_vec()).await.problem(404, "not-found");

    piece(&kadr, upload, 5, b"56789".to_vec()).await.ok(204);
    let state = Answer::to(tus(&kadr, "GET", upload), "").await.ok(200);
    assert_eq!((&state["status"], &state["offset"]), (&json!("ready"), &json!(10)));
    assert_eq!(ada.get(&format!("{path}/content")).await.body, b"0123456789");
    assert_eq!(ada.get(&format!("/uploads/{id}")).await.ok(200)["status"], "ready");
}

#[rstest]
#[actix_web::test]
async fn a_ticket_names_its_video_and_no_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    use base64::Engine;
    let kadr = quiet(backend).await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let (path, other) = (ada.video("Mine").await, ada.video("Mine as well").await);
    let ticket = ticket(&ada, &path, json!({})).await;
    let id = base64::prelude::BASE64_STANDARD.encode(other.trim_start_matches("/videos/"));
    let request = tus(&kadr, "POST", address(&ticket, "tus_url")).insert_header(("upload-length", 5));
    let request = request.insert_header(("upload-metadata", format!("video_id {id}")));
    Answer::to(request, "").await.problem(404, "not-found");
    bob.post(&format!("{path}/upload-tickets"), json!({})).await.problem(404, "not-found");

    for (from, to) in [("/tickets/", "/tickets/A"), (".", ".A"), (".", "")] {
        let forged = json!({ "content_url": address(&ticket, "content_url").replacen(from, to, 1) });
        put(&kadr, &forged, red_then_blue()).await.problem(404, "not-found");
    }
    ada.delete(&path).await.ok(204);
    put(&kadr, &ticket, red_then_blue()).await.problem(404, "not-found");
    assert!(kadr.blobs().is_empty());
}

#[rstest]
#[actix_web::test]
async fn of_two_uploads_by_one_ticket_the_first_that_ends_is_the_content(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Mine").await;
    let ticket = ticket(&ada, &path, json!({})).await;
    let (first, second) = (begin(&kadr, &ticket, 5).await, begin(&kadr, &ticket, 5).await);
    piece(&kadr, second.header("location"), 0, b"first".to_vec()).await.ok(204);
    let late = piece(&kadr, first.header("location"), 0, b"later".to_vec()).await;
    assert_eq!(late.problem(410, "upload-failed")["detail"], "the video has got other content meanwhile");
    assert_eq!(ada.get(&format!("{path}/content")).await.body, b"first");
    assert_eq!((ada.get(&path).await.ok(200)["version"].clone(), kadr.blobs().len()), (json!(1), 1));
}

#[rstest]
#[actix_web::test]
async fn of_contents_put_by_one_ticket_at_once_one_is_taken(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Mine").await;
    let ticket = ticket(&ada, &path, json!({})).await;
    let puts = (0..8).map(|number| put(&kadr, &ticket, vec![number; 1000]));
    let answers = futures_util::future::join_all(puts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    for late in answers.iter().filter(|answer| answer.status != 204) {
        late.problem(404, "not-found");
    }
    assert_eq!((ada.get(&path).await.ok(200)["version"].clone(), kadr.blobs().len()), (json!(1), 1));
}

#[rstest]
#[actix_web::test]
async fn what_the_owner_puts_meanwhile_is_not_replaced_by_a_ticket(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Mine").await;
    let ticket = ticket(&ada, &path, json!({})).await;
    let begun = begin(&kadr, &ticket, 5).await;
    ada.put(&format!("{path}/content?analyze=false"), b"owner".to_vec()).await.ok(201);
    piece(&kadr, begun.header("location"), 0, b"other".to_vec()).await.problem(410, "upload-failed");
    assert_eq!(ada.get(&format!("{path}/content")).await.body, b"owner");
}

#[rstest]
#[actix_web::test]
async fn who_may_not_upload_any_more_may_not_by_a_ticket_either_not_at_the_last_byte(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = quiet(backend).await;
    let ada = kadr.user("ada").await;
    let (path, other) = (ada.video("Mine").await, ada.video("Mine as well").await);
    let (first, second) = (ticket(&ada, &path, json!({})).await, ticket(&ada, &other, json!({})).await);
    let begun = begin(&kadr, &first, 10).await;
    let upload = begun.header("location");
    piece(&kadr, upload, 0, b"01234".to_vec()).await.ok(204);
    // The account is disabled while the last piece is on its way: it was asked for before, and is asked for again.
    let head = [
        format!("PATCH {upload} HTTP/1.1"),
        format!("Host: {}", kadr.video_address()),
        format!("Tus-Resumable: 1.0.0\r\nUpload-Offset: 5\r\nContent-Type: {PIECE}\r\nContent-Length: 5"),
    ];
    let mut connection = TcpStream::connect(kadr.video_address()).unwrap();
    connection.write_all(format!("{}\r\n\r\n567", head.join("\r\n")).as_bytes()).unwrap();
    eventually("the first bytes of the piece", async || {
        kadr.blobs().iter().any(|path| path.metadata().is_ok_and(|file| file.len() == 8)).then_some(())
    })
    .await;
    disable_all(&kadr).await;
    connection.write_all(b"89").unwrap();

    put(&kadr, &second, red_then_blue()).await.problem(404, "not-found");
    begin(&kadr, &second, 5).await.problem(404, "not-found");
    let db = kadr.database().await;
    let sql = "SELECT reason FROM upload WHERE status = 'failed'";
    let reason: String = eventually("the end of the upload", async || {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap()?;
        Some(row.try_get("", "reason").unwrap())
    })
    .await;
    assert!(reason.contains("may not upload"), "{reason}");
    eventually("the end of the bytes", async || kadr.blobs().is_empty().then_some(())).await;
}

#[actix_web::test]
async fn a_ticket_ends_when_it_says() {
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("UPLOADS__TICKET_MAX_HOURS", 2).start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Mine").await;
    let tickets = format!("{path}/upload-tickets");
    for wrong in ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
        let refused = ada.post(&tickets, json!({ "expires_at": wrong })).await;
        assert_eq!(refused.problem(422, "validation-failed")["errors"][0]["pointer"], "/expires_at");
    }
    let soon = SystemClock.now() + chrono::TimeDelta::seconds(2);
    let ticket = ticket(&ada, &path, json!({ "expires_at": soon })).await;
    let upload = begin(&kadr, &ticket, 5).await.header("location").to_owned();
    eventually("the end of the ticket", async || {
        (Answer::to(tus(&kadr, "GET", &upload), "").await.status == 404).then_some(())
    })
    .await;
    put(&kadr, &ticket, red_then_blue()).await.problem(404, "not-found");
}

#[actix_web::test]
async fn quotas_hold_for_tickets_as_well() {
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("QUOTA__MAX_BYTES_PER_ACCOUNT", 10).start().await;
    let ada = kadr.user("ada").await;
    let ticket = ticket(&ada, &ada.video("Mine").await, json!({})).await;
    put(&kadr, &ticket, vec![7; 11]).await.problem(403, "quota-exceeded");
    begin(&kadr, &ticket, 11).await.problem(403, "quota-exceeded");
    put(&kadr, &ticket, vec![7; 10]).await.ok(204);
}
