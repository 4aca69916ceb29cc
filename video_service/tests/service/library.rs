//! The library: videos are made, listed, changed, played and deleted.

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Setup, eventually, next_of, only_sound, red_then_blue, titles};

#[rstest]
#[actix_web::test]
async fn a_record_waits_for_its_bytes_and_is_ready_when_they_are_stored(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let made = ada.post("/videos", json!({"title": " Red, then blue ", "description": "Two colours"})).await;
    let video = made.ok(201);
    let path = made.header("location").to_owned();
    assert_eq!(path, format!("/videos/{}", video["id"].as_str().unwrap()));
    assert_eq!((&video["title"], &video["status"]), (&json!("Red, then blue"), &json!("waiting")));
    ada.get(&format!("{path}/content")).await.problem(404, "not-found");

    let film = red_then_blue();
    let stored = ada.put(&format!("{path}/content"), film.clone()).await.ok(201);
    assert_eq!((&stored["status"], &stored["bytes"]), (&json!("ready"), &json!(film.len())));
    assert_eq!(stored["sha256"], sha256(&film));
    assert_eq!(ada.get(&path).await.ok(200), stored);
}

#[rstest]
#[actix_web::test]
async fn a_form_makes_record_and_content_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let film = red_then_blue();
    let parts = [
        ("description", None, "text/plain", b"Two colours".to_vec()),
        ("file", Some("../red.mp4"), "video/mp4", film.clone()),
    ];
    let answer = ada.send_form(&parts).await;
    let video = answer.ok(201);
    assert_eq!(
        (&video["title"], &video["filename"], &video["status"]),
        (&json!("red.mp4"), &json!("red.mp4"), &json!("ready"))
    );
    let path = answer.header("location");
    assert_eq!(ada.get(&format!("{path}/content")).await.body, film);
    assert_eq!(ada.ended_analysis(path).await["status"], "succeeded");
}

#[rstest]
#[actix_web::test]
async fn a_form_that_is_wrong_leaves_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let film = ("file", Some("red.mp4"), "video/mp4", red_then_blue());
    let text = |name, value: &str| (name, None, "text/plain", value.as_bytes().to_vec());

    let no_file = ada.send_form(&[text("title", "x")]).await.problem(422, "validation-failed");
    assert_eq!(no_file["errors"][0]["pointer"], "/file");
    let unknown =
        ada.send_form(&[film.clone(), text("colour", "red")]).await.problem(422, "validation-failed");
    assert_eq!(unknown["errors"][0]["pointer"], "/colour");
    let bad_title =
        ada.send_form(&[film.clone(), text("title", "\u{7}")]).await.problem(422, "validation-failed");
    assert_eq!(bad_title["errors"][0]["pointer"], "/title");
    ada.send_form(&[film.clone(), film.clone()]).await.problem(422, "validation-failed");
    let image = ("file", Some("a.png"), "image/png", vec![1, 2, 3]);
    ada.send_form(&[image]).await.problem(415, "unsupported-media-type");
    let empty = ("file", Some("red.mp4"), "video/mp4", Vec::new());
    ada.send_form(&[empty]).await.problem(422, "validation-failed");

    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([]));
    eventually("the rubbish to be removed", async || kadr.blobs().is_empty().then_some(())).await;
}

#[rstest]
#[actix_web::test]
async fn the_library_is_paged_newest_first_and_stays_stable_under_inserts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    for number in 1..=5 {
        ada.video(&format!("Film {number}")).await;
    }
    let first = ada.get("/videos?limit=2&status=waiting").await;
    assert_eq!(titles(&first.ok(200)), ["Film 5", "Film 4"]);
    ada.video("Film 6").await;

    let mut address = next_of(&first).unwrap();
    let mut seen = Vec::new();
    loop {
        let page = ada.get(&address).await;
        seen.extend(titles(&page.ok(200)));
        match next_of(&page) {
            Some(next) => address = next,
            None => break,
        }
    }
    assert_eq!(seen, ["Film 3", "Film 2", "Film 1"]);
    assert_eq!(titles(&ada.get("/videos?status=ready").await.ok(200)), Vec::<String>::new());
}

#[rstest]
#[case("limit=0", "limit")]
#[case("limit=201", "limit")]
#[case("limit=many", "limit")]
#[case("status=lost", "status")]
#[case("colour=red", "colour")]
#[actix_web::test]
async fn a_wrong_question_is_refused_by_name(#[case] query: &str, #[case] pointer: &str) {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let problem = ada.get(&format!("/videos?{query}")).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], pointer);
}

#[rstest]
#[actix_web::test]
async fn a_record_is_changed_only_as_its_reader_saw_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Before").await;
    let seen = ada.get(&path).await.header("etag").to_owned();

    let change = |tag: &str, body: Value| {
        let request =
            ada.request("PATCH", &path).content_type("application/json").insert_header(("if-match", tag));
        Answer::to(request, body.to_string())
    };
    let changed = change(&seen, json!({"title": "After", "description": "New"})).await;
    assert_eq!(changed.ok(200)["title"], "After");
    change(&seen, json!({"title": "Too late"})).await.problem(412, "changed-meanwhile");
    let cleared = ada.patch(&path, json!({"description": null})).await.ok(200);
    assert_eq!((&cleared["title"], &cleared["description"]), (&json!("After"), &Value::Null));

    let current = ada.get(&path).await.header("etag").to_owned();
    let unchanged =
        Answer::to(ada.request("GET", &path).insert_header(("if-none-match", current.as_str())), "").await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_ne!(current, seen);
}

#[rstest]
#[actix_web::test]
async fn every_wrong_member_of_a_change_is_named(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let wrong = json!({"title": "", "description": "x".repeat(5001)});
    let problem = ada.patch(&path, wrong).await.problem(422, "validation-failed");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/title", "/description"]);
}

#[rstest]
#[actix_web::test]
async fn content_is_played_whole_and_in_ranges(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let film = red_then_blue();
    let path = format!("{}/content", ada.upload_quietly(film.clone()).await);
    let range = |range: &str| Answer::to(ada.request("GET", &path).insert_header(("range", range)), "");

    let whole = ada.get(&path).await;
    assert_eq!((whole.status, &whole.body), (200, &film));
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("etag"), format!("\"{}\"", sha256(&film)));
    let part = range("bytes=100-199").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &film[100..200]));
    assert_eq!(part.header("content-range"), format!("bytes 100-199/{}", film.len()));
    let tail = range("bytes=-7").await;
    assert_eq!((tail.status, tail.body.as_slice()), (206, &film[film.len() - 7..]));
    let beyond = range(&format!("bytes={}-", film.len())).await;
    beyond.problem(416, "range-not-satisfiable");
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", film.len()));

    let head = Answer::to(ada.request("HEAD", &path), "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), film.len().to_string());
}

#[rstest]
#[actix_web::test]
async fn a_video_deleted_for_good_takes_everything_along(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    assert_eq!(ada.ended_analysis(&path).await["status"], "succeeded");
    assert_eq!(ada.get(&format!("{path}/poster.jpg")).await.status, 200);
    assert_eq!(kadr.blobs().len(), 2, "the film and its poster");

    ada.delete(&format!("{path}?permanent=true")).await.ok(204);
    for address in ["", "/content", "/analysis", "/poster.jpg"] {
        ada.get(&format!("{path}{address}")).await.problem(404, "not-found");
    }
    ada.delete(&path).await.problem(404, "not-found");
    assert_eq!(kadr.blobs(), Vec::<std::path::PathBuf>::new());
}

#[rstest]
#[actix_web::test]
async fn somebody_elses_video_is_not_there(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = ada.upload(red_then_blue()).await;
    for address in ["", "/content", "/analysis", "/poster.jpg"] {
        eve.get(&format!("{path}{address}")).await.problem(404, "not-found");
    }
    eve.patch(&path, json!({"title": "Mine"})).await.problem(404, "not-found");
    eve.put(&format!("{path}/content"), only_sound()).await.problem(404, "not-found");
    eve.post(&format!("{path}/analysis"), json!({})).await.problem(404, "not-found");
    eve.delete(&format!("{path}/analysis")).await.problem(404, "not-found");
    eve.delete(&path).await.problem(404, "not-found");
    assert_eq!(eve.get("/videos").await.ok(200)["items"], json!([]));
    assert_eq!(ada.get(&path).await.ok(200)["title"], "A film");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
