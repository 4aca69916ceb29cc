//! What must not work, and what must be left of it: a clear answer, and nothing else.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;
use sha2::{Digest, Sha256, Sha512};

use crate::support::{Answer, Kadr, Setup, User, eventually, red_then_blue};

#[rstest]
#[case::text(b"This is a shopping list, not a film.".to_vec(), "not_a_video")]
#[case::noise((0..12_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect(), "not_a_video")]
#[actix_web::test]
async fn what_is_no_video_fails_its_analysis_with_a_reason(#[case] content: Vec<u8>, #[case] kind: &str) {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let error = failure(&ada, content).await;
    assert_eq!((&error["type"], &error["retryable"]), (&json!(kind), &json!(false)));
    assert!(!error["message"].as_str().unwrap().contains('/'), "no path: {error}");
    works_still(&ada).await;
}

#[rstest]
#[actix_web::test]
async fn a_film_without_its_end_fails_with_a_reason() {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let mut film = red_then_blue();
    // ffmpeg writes an MP4's index last: without it the file describes nothing.
    film.truncate(film.len() / 2);
    let error = failure(&ada, film).await;
    assert!(["truncated", "not_a_video"].contains(&error["type"].as_str().unwrap()), "{error}");
    works_still(&ada).await;
}

#[rstest]
#[actix_web::test]
async fn a_playlist_never_opens_what_it_names() {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("private.mp4");
    std::fs::write(&local, red_then_blue()).unwrap();
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/film.mp4", trap.local_addr().unwrap());

    let local = local.display();
    let playlists = [
        format!("ffconcat version 1.0\nfile '{local}'\n"),
        format!("ffconcat version 1.0\nfile '{url}'\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{local}\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n"),
        format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\n",
            5004
        ),
    ];
    for playlist in playlists {
        let error = failure(&ada, playlist.clone().into_bytes()).await;
        assert!(
            ["not_a_video", "unsupported_format"].contains(&error["type"].as_str().unwrap()),
            "{error} {playlist}"
        );
    }
    let nobody = trap.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "nothing was fetched");
    works_still(&ada).await;
}

#[rstest]
#[actix_web::test]
async fn a_header_that_promises_enormous_pictures_is_refused_before_decoding() {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let error = failure(&ada, enormous_y4m()).await;
    // ffmpeg itself may balk at such a header; either way nothing of that size was allocated.
    assert!(
        ["too_many_pixels", "not_a_video", "undecodable"].contains(&error["type"].as_str().unwrap()),
        "{error}"
    );
    works_still(&ada).await;
}

#[rstest]
#[actix_web::test]
async fn empty_content_is_refused(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Empty").await;
    ada.put(&format!("{path}/content"), Vec::new()).await.problem(422, "validation-failed");
    assert_eq!(ada.get(&path).await.ok(200)["status"], "waiting");
    assert_eq!(kadr.blobs(), Vec::<PathBuf>::new());
}

#[rstest]
#[actix_web::test]
async fn content_over_the_limit_is_refused_before_it_is_stored(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("UPLOADS__MAX_BYTES", 100_000).start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Large").await;
    let content = format!("{path}/content");
    // Announced: refused by its header alone, with not a byte of it sent.
    let head = format!(
        "PUT {content} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: video/mp4\r\nContent-Length: 100001\r\n\r\n",
        ada.token
    );
    assert_eq!(status_of(&kadr, head.as_bytes()).await, "HTTP/1.1 413 Payload Too Large");
    // Not announced: refused when it passes the limit.
    let chunks = futures_util::stream::iter(
        (0..30).map(|_| Ok::<_, std::io::Error>(actix_web::web::Bytes::from(vec![0; 10_000]))),
    );
    let mut response =
        ada.request("PUT", &content).content_type("video/mp4").send_stream(chunks).await.unwrap();
    assert_eq!(response.status(), 413);
    let problem: Value = serde_json::from_slice(&response.body().await.unwrap()).unwrap();
    assert_eq!(problem["type"], "urn:kadr:problem:content-too-large");
    assert_eq!(ada.get(&path).await.ok(200)["status"], "waiting");
    assert_eq!(kadr.blobs(), Vec::<PathBuf>::new());
    ada.put(&content, vec![0; 100_000]).await.ok(201);
}

#[rstest]
#[actix_web::test]
async fn content_with_another_digest_than_announced_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = format!("{}/content", ada.video("Film").await);
    let put = |digest: &str| {
        let request =
            ada.request("PUT", &path).content_type("video/mp4").insert_header(("content-digest", digest));
        Answer::to(request, "abc")
    };
    put("sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:").await.problem(422, "validation-failed");
    put("sha-256=nonsense").await.problem(400, "malformed-request");
    let right = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    let wrong = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
    for (of_content, of_representation) in [(right, wrong), (wrong, right)] {
        let request = ada.request("PUT", &path).content_type("video/mp4");
        let request = request.insert_header(("content-digest", of_content));
        let both = request.insert_header(("repr-digest", of_representation));
        Answer::to(both, "abc").await.problem(422, "validation-failed");
    }
    assert_eq!(kadr.blobs(), Vec::<PathBuf>::new());
    let other = format!("sha-512=:{}:, {right}", BASE64_STANDARD.encode(Sha512::digest("abd")));
    put(&other).await.problem(422, "validation-failed");
    put(&format!("{right}, nonsense!")).await.problem(400, "malformed-request");
    assert_eq!(kadr.blobs(), Vec::<PathBuf>::new());
    let both = format!("sha-512=:{}:, {right}, md5=:AA==:", BASE64_STANDARD.encode(Sha512::digest("abc")));
    put(&both).await.ok(201);
}

#[rstest]
#[actix_web::test]
async fn a_form_has_the_digest_that_it_or_its_file_was_announced_with(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let of = |bytes: &str| format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(bytes)));
    let form = |of_file: &str| {
        format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\
             Content-Digest: {of_file}\r\n\r\nabc\r\n--limit--\r\nan epilogue"
        )
    };
    let post = |form: &str, digest: &str| {
        let request = ada.request("POST", "/videos").content_type("multipart/form-data; boundary=limit");
        Answer::to(request.insert_header(("repr-digest", digest)), form.to_owned())
    };
    let right = form(&of("abc"));
    let wrong = form(&of("abd"));
    post(&wrong, &of(&wrong)).await.problem(422, "validation-failed");
    post(&right, &of("abc")).await.problem(422, "validation-failed");
    post(&right, "nonsense!").await.problem(400, "malformed-request");
    assert_eq!(kadr.blobs(), Vec::<PathBuf>::new());
    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([]));
    post(&right, &of(&right)).await.ok(201);
}

#[rstest]
#[actix_web::test]
async fn content_is_put_only_where_there_is_none_when_the_client_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = format!("{}/content", ada.video("Film").await);
    let put = || ada.request("PUT", &path).content_type("video/mp4").insert_header(("if-none-match", "*"));
    Answer::to(put(), "abc").await.ok(201);
    Answer::to(put(), "abd").await.problem(412, "changed-meanwhile");
    let get = |tag: &str| Answer::to(ada.request("GET", &path).insert_header(("if-match", tag)), "");
    get("\"other\"").await.problem(412, "changed-meanwhile");
    let present = ada.get(&path).await;
    assert_eq!(get(present.header("etag")).await.body, b"abc");
}

#[actix_web::test]
async fn a_query_that_nobody_looks_at_is_refused() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    for address in
        [format!("{path}?fields=title"), "/usage?fields=title".to_owned(), "/events?fields=title".to_owned()]
    {
        let problem = ada.get(&address).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], "fields", "{address}");
    }
    let refused = ada.post("/videos?dry_run=true", json!({ "title": "Another" })).await;
    refused.problem(422, "validation-failed");
    assert_eq!(ada.get("/usage").await.ok(200)["videos"], 1);
}

#[rstest]
#[actix_web::test]
async fn a_part_of_the_content_is_not_taken_for_the_whole(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = format!("{}/content", ada.upload_quietly(red_then_blue()).await);
    let request = ada.request("PUT", &path).content_type("video/mp4");
    let part = request.insert_header(("content-range", "bytes 0-2/9"));
    Answer::to(part, "abc").await.problem(400, "malformed-request");
    assert_eq!(ada.get(&path).await.body, red_then_blue());
}

#[rstest]
#[actix_web::test]
async fn content_that_its_client_has_not_seen_is_not_replaced(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let record = ada.upload_quietly(red_then_blue()).await;
    let path = format!("{record}/content?analyze=false");
    let seen = ada.get(&record).await.header("etag").to_owned();
    let put = |content: &'static str| {
        let request = ada.request("PUT", &path).content_type("video/mp4");
        Answer::to(request.insert_header(("if-match", seen.as_str())), content)
    };
    let both = futures_util::future::join(put("one"), put("two")).await;
    let (taken, refused) = if both.0.status == 200 { both } else { (both.1, both.0) };
    assert_eq!(taken.ok(200)["version"], 2);
    refused.problem(412, "changed-meanwhile");
    put("three").await.problem(412, "changed-meanwhile");
    assert_eq!(ada.get(&record).await.ok(200)["version"], 2);
    assert_eq!(kadr.blobs().len(), 1);
}

#[rstest]
#[actix_web::test]
async fn a_client_that_hangs_up_leaves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Cut off").await;
    let mut connection = TcpStream::connect(kadr.video_address()).unwrap();
    let head = format!(
        "PUT {path}/content HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: video/mp4\r\nContent-Length: 9000000\r\n\r\n",
        ada.token
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(&vec![7; 3_000_000]).unwrap();
    eventually("the first bytes to arrive", async || (!kadr.blobs().is_empty()).then_some(())).await;
    assert_eq!(ada.get(&path).await.ok(200)["status"], "waiting", "half a film is no film");
    drop(connection);
    eventually("the rubbish to be removed", async || kadr.blobs().is_empty().then_some(())).await;
    assert_eq!(ada.get(&path).await.ok(200)["status"], "waiting");
    ada.put(&format!("{path}/content"), red_then_blue()).await.ok(201);
}

#[rstest]
#[actix_web::test]
async fn content_needs_a_media_type_that_could_be_a_video(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let content = format!("{path}/content");
    Answer::to(ada.request("PUT", &content), "x").await.problem(415, "unsupported-media-type");
    let html = ada.request("PUT", &content).content_type("text/html");
    Answer::to(html, "x").await.problem(415, "unsupported-media-type");
    Answer::to(ada.request("POST", "/videos"), "{}").await.problem(415, "unsupported-media-type");
    let text = ada.request("POST", "/videos").content_type("text/plain");
    Answer::to(text, "{}").await.problem(415, "unsupported-media-type");
    let text = ada.request("PATCH", &path).content_type("text/plain");
    Answer::to(text, "{}").await.problem(415, "unsupported-media-type");
}

#[rstest]
#[case::no_json("{\"title\":", 400, "malformed-request", None)]
#[case::trailing("{\"title\":\"x\"}{", 400, "malformed-request", None)]
#[case::unknown_member("{\"title\":\"x\",\"owner\":\"me\"}", 422, "validation-failed", Some("/owner"))]
#[case::wrong_type("{\"title\":7}", 422, "validation-failed", Some("/title"))]
#[case::empty_title("{\"title\":\" \"}", 422, "validation-failed", Some("/title"))]
#[case::missing_title("{}", 422, "validation-failed", None)]
#[case::no_object("[\"x\", null]", 422, "validation-failed", Some(""))]
#[case::twice("{\"title\":\"x\",\"title\":\"y\"}", 422, "validation-failed", Some(""))]
#[actix_web::test]
async fn a_wrong_body_is_refused_and_pointed_at(
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] slug: &str,
    #[case] pointer: Option<&str>,
) {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let request = ada.request("POST", "/videos").content_type("application/json");
    let problem = Answer::to(request, body).await.problem(status, slug);
    if let Some(pointer) = pointer {
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([]));
}

#[rstest]
#[actix_web::test]
async fn a_record_larger_than_records_are_is_refused() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let problem = ada.post("/videos", json!({"title": "x".repeat(1_000_000)})).await;
    problem.problem(413, "content-too-large");
}

#[rstest]
#[actix_web::test]
async fn an_address_or_method_that_does_not_exist_is_a_problem_too() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    ada.get("/nowhere").await.problem(404, "not-found");
    ada.get("/videos/not-an-id").await.problem(404, "not-found");
    let answer = Answer::to(ada.request("DELETE", "/videos"), "").await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "HEAD, GET, POST");
}

/// The error of the analysis of `content`.
async fn failure(user: &User<'_>, content: Vec<u8>) -> Value {
    let path = user.upload(content).await;
    let analysis = user.ended_analysis(&path).await;
    assert_eq!((&analysis["status"], &analysis["attempts"]), (&json!("failed"), &json!(1)), "{analysis}");
    assert!(analysis.get("report").is_none());
    analysis["error"].clone()
}

/// Whatever came before, the next video is analysed.
async fn works_still(user: &User<'_>) {
    let path = user.upload(red_then_blue()).await;
    assert_eq!(user.ended_analysis(&path).await["status"], "succeeded");
}

/// A Y4M header of 100,000 × 100,000 pixels and a little data: no other format promises so much in so few bytes.
fn enormous_y4m() -> Vec<u8> {
    let mut film = b"YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420jpeg\nFRAME\n".to_vec();
    film.extend_from_slice(&[128; 4096]);
    film
}

/// The status line that answers `request`, which may be one that no HTTP library would send.
async fn status_of(kadr: &Kadr, request: &[u8]) -> String {
    let (address, request) = (kadr.video_address().to_owned(), request.to_vec());
    actix_rt::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(&request).unwrap();
        let mut answer = [0; 512];
        let length = connection.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).lines().next().unwrap().to_owned()
    })
    .await
    .unwrap()
}
