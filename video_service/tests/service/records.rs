//! What a record says beyond its title: tags, identifiers of other systems, metadata, and facts of the analysis.

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Setup, User, eventually, only_sound, red_then_blue};

#[rstest]
#[actix_web::test]
async fn a_record_keeps_tags_an_external_id_and_metadata(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let metadata = json!({"shot on": {"reel": 7, "takes": [1, 2.5, null, "\n"]}});
    let new = json!({
        "title": "Film", "tags": [" Night ", "river bank", "night"],
        "external_id": "MAM/7:a", "metadata": metadata,
    });
    let made = ada.post("/videos", new).await;
    let path = made.header("location").to_owned();
    let video = made.ok(201);
    assert_eq!(video["tags"], json!(["night", "river bank"]));
    assert_eq!((&video["external_id"], &video["metadata"]), (&json!("MAM/7:a"), &metadata));
    assert_eq!(ada.get(&path).await.ok(200), video);
    assert_eq!(ada.get("/videos").await.ok(200)["items"], json!([video]));

    let changed = ada.patch(&path, json!({"tags": ["Day"], "external_id": "b"})).await.ok(200);
    assert_eq!((&changed["tags"], &changed["external_id"]), (&json!(["day"]), &json!("b")));
    assert_eq!((&changed["metadata"], &changed["title"]), (&metadata, &json!("Film")));
    let emptied = json!({"tags": null, "external_id": null, "metadata": null});
    let emptied = ada.patch(&path, emptied).await.ok(200);
    assert_eq!(
        (&emptied["tags"], &emptied["external_id"], &emptied["metadata"]),
        (&json!([]), &Value::Null, &json!({}))
    );
    assert_eq!(ada.get(&path).await.ok(200), emptied);
}

#[rstest]
#[actix_web::test]
async fn a_form_has_the_same_members(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let parts = [
        text("tags", "Night, river bank"),
        text("external_id", "x"),
        text("metadata", r#"{"reel": 7}"#),
        ("file", Some("a.mp4"), "video/mp4", red_then_blue()),
    ];
    let video = ada.send_form(&parts).await.ok(201);
    assert_eq!(
        (&video["tags"], &video["external_id"], &video["metadata"]),
        (&json!(["night", "river bank"]), &json!("x"), &json!({"reel": 7}))
    );
    // The bytes of a form that is refused go as well.
    ada.send_form(&parts).await.problem(409, "external-id-exists");
    eventually("the rubbish to be removed", async || (kadr.blobs().len() == 1).then_some(())).await;
}

#[rstest]
#[actix_web::test]
async fn an_owner_has_an_external_id_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let new = || json!({"title": "Film", "external_id": "x"});
    ada.post("/videos", new()).await.ok(201);
    bob.post("/videos", new()).await.ok(201);
    let problem = ada.post("/videos", new()).await.problem(409, "external-id-exists");
    assert_eq!(problem["errors"][0]["pointer"], "/external_id");
    let other = ada.video("Another").await;
    ada.patch(&other, json!({"external_id": "x", "title": "Lost"})).await.problem(409, "external-id-exists");
    assert_eq!(ada.get(&other).await.ok(200)["title"], "Another");
}

#[rstest]
#[actix_web::test]
async fn all_that_is_wrong_with_a_record_is_named_at_once() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let wrong = json!({
        "title": "", "tags": ["a", "b,c"], "external_id": "", "metadata": {"a": "x".repeat(17_000)},
    });
    let path = ada.video("Film").await;
    for answer in [ada.post("/videos", wrong.clone()).await, ada.patch(&path, wrong).await] {
        let problem = answer.problem(422, "validation-failed");
        let errors = problem["errors"].as_array().unwrap();
        let pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/title", "/tags/1", "/external_id", "/metadata"]);
    }
    for (member, value) in [
        ("metadata", json!([])),
        ("metadata", json!({"a": "\u{0}"})),
        ("tags", json!("a")),
        ("external_id", json!(7)),
    ] {
        let problem = ada.patch(&path, json!({ member: value })).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
    }
}

#[rstest]
#[actix_web::test]
async fn metadata_nested_a_thousand_deep_is_refused() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    for depth in [1_000, 10_000] {
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            let value = format!("{{\"a\":{}0{}}}", open.repeat(depth), close.repeat(depth));
            let body = format!("{{\"title\":\"x\",\"metadata\":{value}}}");
            for (method, path) in [("POST", "/videos"), ("PATCH", &path)] {
                let request = ada.request(method, path).content_type("application/json");
                let answer = Answer::to(request, body.clone()).await;
                answer.problem(
                    if body.len() > 65_536 { 413 } else { 400 },
                    match answer.status {
                        413 => "content-too-large",
                        _ => "malformed-request",
                    },
                );
            }
            let file = ("file", Some("a.mp4"), "video/mp4", red_then_blue());
            let problem =
                ada.send_form(&[file, text("metadata", &value)]).await.problem(422, "validation-failed");
            assert_eq!(problem["errors"][0]["pointer"], "/metadata");
        }
    }
    let shallow = json!({"metadata": {"a": [[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]}});
    let problem = ada.patch(&path, shallow).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], "/metadata");
    assert_eq!(ada.get(&path).await.ok(200)["metadata"], json!({}));
    eventually("the rubbish to be removed", async || kadr.blobs().is_empty().then_some(())).await;
}

#[rstest]
#[actix_web::test]
async fn a_title_of_a_megabyte_is_refused_whichever_way_it_comes() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let title = "x".repeat(1 << 20);
    ada.post("/videos", json!({"title": title})).await.problem(413, "content-too-large");
    ada.patch(&path, json!({"title": title})).await.problem(413, "content-too-large");
    let problem = ada.send_form(&[text("title", &title)]).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], "/title");
    assert_eq!(ada.get("/videos").await.ok(200)["items"].as_array().unwrap().len(), 1);
}

#[rstest]
#[actix_web::test]
async fn a_record_shows_the_facts_of_its_content_once_it_is_analysed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let waiting = ada.get(&path).await;
    assert_eq!(facts(&waiting.ok(200)), json!([null, null, null, null, null, null, null, null, null]));
    ada.put(&format!("{path}/content?analyze=false"), red_then_blue()).await.ok(201);
    let uploaded = ada.get(&path).await.header("etag").to_owned();
    ada.post(&format!("{path}/analysis"), json!({})).await.ok(202);

    let analysis = ada.ended_analysis(&path).await;
    assert_eq!(analysis["report"]["container"]["duration_seconds"], 2);
    let analysed = ada.get(&path).await;
    let video = analysed.ok(200);
    assert_eq!(facts(&video), json!([2.0, 320, 180, "25/1", 25.0, "h264", "aac", 2, 0]));
    assert_eq!(video["findings"]["true_peak_dbtp"], analysis["report"]["loudness"]["true_peak_dbtp"]);
    assert!(video["findings"]["integrated_lufs"].is_number());
    assert_ne!(analysed.header("etag"), uploaded, "the record is another one");

    ada.put(&format!("{path}/content?analyze=false"), only_sound()).await.ok(200);
    assert_eq!(
        facts(&ada.get(&path).await.ok(200)),
        facts(&waiting.ok(200)),
        "nothing is known of new content"
    );
    ada.post(&format!("{path}/analysis"), json!({})).await.ok(202);
    let video = known(&ada, &path).await;
    assert_eq!((&video["video_codec"], &video["findings"]["shots"]), (&Value::Null, &Value::Null));
    assert_eq!((&video["audio_codec"], &video["findings"]["silence"]), (&json!("aac"), &json!(0)));
}

/// The record at `path`, once its duration is known.
async fn known(user: &User<'_>, path: &str) -> Value {
    eventually("the facts", async || {
        let video = user.get(path).await.ok(200);
        video["duration_seconds"].is_number().then_some(video)
    })
    .await
}

fn facts(video: &Value) -> Value {
    let names = [
        "duration_seconds",
        "width",
        "height",
        "frame_rate",
        "frames_per_second",
        "video_codec",
        "audio_codec",
    ];
    let mut facts: Vec<_> = names.iter().map(|name| video[name].clone()).collect();
    facts.extend(["shots", "black"].map(|name| video["findings"][name].clone()));
    facts.into()
}

fn text<'a>(name: &'a str, value: &str) -> (&'a str, Option<&'a str>, &'a str, Vec<u8>) {
    (name, None, "text/plain", value.as_bytes().to_vec())
}
