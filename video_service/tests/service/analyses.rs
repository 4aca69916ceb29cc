//! Analyses: started, followed, canceled, failed, repeated.

use rstest::rstest;
use serde_json::json;
use service_kit::testing::Backend;
use video_analysis::{DetectorName, Execution, Options};

use crate::support::{
    Answer, Kadr, Setup, eventually, only_sound, red_then_blue, sample, sample_looped, sample_path,
};

#[rstest]
#[actix_web::test]
async fn an_upload_is_analysed_by_itself_and_the_report_is_the_engines(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(sample()).await;
    let analysis = ada.ended_analysis(&path).await;
    assert_eq!(analysis["status"], "succeeded", "{analysis}");
    assert_eq!((&analysis["attempts"], &analysis["error"]), (&json!(1), &json!(null)));
    assert_eq!(analysis["progress"]["fraction"], 1.0);
    assert_eq!(analysis["progress"]["frames_done"], analysis["report"]["frames"]);

    let report =
        video_analysis::analyze(sample_path(), &Options::default(), &Execution::default(), &()).unwrap();
    assert_eq!(analysis["report"]["digest"], report.digest);
    let served = String::from_utf8(ada.get(&format!("{path}/analysis")).await.body).unwrap();
    let canonical = String::from_utf8(report.canonical_json().unwrap()).unwrap();
    assert!(served.contains(&canonical), "the report is served byte for byte as the engine wrote it");
}

#[rstest]
#[actix_web::test]
async fn the_poster_is_a_picture_of_the_video(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    ada.ended_analysis(&path).await;
    let poster = ada.get(&format!("{path}/poster.jpg")).await;
    assert_eq!((poster.status, poster.header("content-type")), (200, "image/jpeg"));
    assert_eq!(
        (&poster.body[..3], &poster.body[poster.body.len() - 2..]),
        (&[0xFF, 0xD8, 0xFF][..], &[0xFF, 0xD9][..])
    );
    let tag = poster.header("etag").to_owned();
    let request = ada.request("GET", &format!("{path}/poster.jpg")).insert_header(("if-none-match", tag));
    assert_eq!(Answer::to(request, "").await.status, 304);
}

#[rstest]
#[actix_web::test]
async fn sound_without_pictures_is_analysed_and_has_no_poster(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(only_sound()).await;
    let analysis = ada.ended_analysis(&path).await;
    assert_eq!(analysis["status"], "succeeded", "{analysis}");
    assert_eq!(analysis["report"]["frames"], 0);
    assert!(analysis["report"]["loudness"]["integrated_lufs"].is_number());
    ada.get(&format!("{path}/poster.jpg")).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn options_are_kept_and_change_what_is_found(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    ada.get(&format!("{path}/analysis")).await.problem(404, "not-found");

    let plain = ada.request("POST", &format!("{path}/analysis"));
    let accepted = Answer::to(plain, "").await;
    assert_eq!(accepted.ok(202)["video_id"], path.trim_start_matches("/videos/"));
    assert_eq!(accepted.header("location"), format!("{path}/analysis"));
    assert_eq!(ada.ended_analysis(&path).await["report"]["shots"].as_array().unwrap().len(), 2);

    let blind = json!({"shots": {"min_change": 255.0, "min_contrast": 1000.0}});
    let first = ada.post(&format!("{path}/analysis"), blind).await.ok(202);
    let analysis = ada.ended_analysis(&path).await;
    assert_eq!(analysis["id"], first["id"]);
    assert_eq!(analysis["options"]["shots"]["min_change"], 255.0);
    assert_eq!(analysis["report"]["shots"].as_array().unwrap().len(), 1, "{}", analysis["report"]["shots"]);
}

#[actix_web::test]
async fn the_schema_of_the_options_is_published_and_describes_those_that_are_kept() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let published = Answer::to(kadr.anonymous("GET", "/analysis/options.schema.json"), "").await;
    let schema = published.ok(200);
    assert_eq!(published.header("content-type"), "application/schema+json");
    let schema = jsonschema::draft202012::new(&schema).unwrap();

    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let options = json!({"shots": {"min_fade_frames": 9.0}, "silence": {"min_seconds": 2}});
    assert!(schema.is_valid(&options));
    ada.post(&format!("{path}/analysis"), options).await.ok(202);
    let kept = ada.get(&format!("{path}/analysis")).await.ok(200)["options"].clone();
    assert!(schema.is_valid(&kept), "{kept}");
    assert_eq!(
        (&kept["shots"]["min_fade_frames"], &kept["silence"]["min_seconds"]),
        (&json!(9), &json!(2.0))
    );
    assert_eq!(kept["black"], json!(Options::default().black), "with what was not given");
}

/// Names and states of the detectors of an analysis, and why one was skipped.
fn detectors(analysis: &serde_json::Value) -> Vec<String> {
    let detectors = analysis["detectors"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().map(ToOwned::to_owned);
    let line = |detector: &serde_json::Value| {
        [text(&detector["name"]), text(&detector["status"]), text(&detector["skipped_reason"])]
    };
    detectors.map(|detector| line(detector).into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
}

fn each(status: &str) -> Vec<String> {
    DetectorName::ALL.map(|name| format!("{name} {status}")).into()
}

#[rstest]
#[actix_web::test]
async fn every_detector_says_how_far_it_is(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let long = ada.upload(sample_looped(40)).await;
    let running = eventually("the analysis to run", async || {
        let analysis = ada.get(&format!("{long}/analysis")).await.ok(200);
        (analysis["status"] == "running").then_some(analysis)
    })
    .await;
    assert_eq!(detectors(&running), each("running"));
    let waiting = ada.upload(red_then_blue()).await;
    assert_eq!(detectors(&ada.get(&format!("{waiting}/analysis")).await.ok(200)), each("queued"));
    assert_eq!(detectors(&ada.delete(&format!("{long}/analysis")).await.ok(200)), each("canceled"));
    assert_eq!(detectors(&ada.ended_analysis(&waiting).await), each("succeeded"));

    let broken = ada.upload(b"no film at all".to_vec()).await;
    assert_eq!(detectors(&ada.ended_analysis(&broken).await), each("failed"));
    let sound = ada.upload(only_sound()).await;
    let analysis = ada.ended_analysis(&sound).await;
    let of_sound = ["silence", "loudness", "clipping", "channels"];
    let expected = DetectorName::ALL.map(|name| {
        let outcome = if of_sound.contains(&name.as_str()) {
            "succeeded"
        } else {
            "skipped the file has no video stream"
        };
        format!("{name} {outcome}")
    });
    assert_eq!(detectors(&analysis), expected);
}

#[rstest]
#[actix_web::test]
async fn detectors_that_nobody_asks_for_are_skipped_and_what_is_known_stays_known(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    ada.ended_analysis(&path).await;
    assert_eq!(ada.get(&path).await.ok(200)["findings"]["shots"], 2);

    let chosen = ["black", "plain", "freeze", "loudness"];
    let options = json!({"detectors": ["freeze", "loudness"]});
    let asked = ada.post(&format!("{path}/analysis"), options).await.ok(202);
    assert_eq!(asked["options"]["detectors"], json!(chosen), "{asked}");
    let of = |status: &str| {
        DetectorName::ALL.map(|name| {
            let status = if chosen.contains(&name.as_str()) { status } else { "skipped not asked for" };
            format!("{name} {status}")
        })
    };
    assert_eq!(detectors(&asked), of("queued"));
    let analysis = ada.ended_analysis(&path).await;
    assert_eq!(detectors(&analysis), of("succeeded"));
    assert_eq!(analysis["report"]["shots"], json!([]));
    assert_eq!(ada.get(&path).await.ok(200)["findings"]["shots"], 2, "as the analysis before found it");
    ada.get(&format!("{path}/analysis/export/edl")).await.problem(409, "not-exportable");
    let frame = ada.get(&format!("{path}/thumbnail?frame=1")).await;
    assert_eq!(frame.status, 200);
    let poster = ada.get(&format!("{path}/poster.jpg")).await;
    assert_eq!((poster.status, poster.body.get(..2)), (200, Some(&[0xff, 0xd8][..])));
}

#[rstest]
#[case(json!({"shotz": {}}), "/shotz")]
#[case(json!({"detectors": ["shots", "faces"]}), "/detectors/1")]
#[case(json!({"detectors": []}), "/detectors")]
#[case(json!({"black": {"min_coverage": "all"}}), "/black/min_coverage")]
#[case(json!({"black": {"min_coverage": 2.0}}), "/black/min_coverage")]
#[actix_web::test]
async fn a_wrong_option_is_pointed_at(#[case] options: serde_json::Value, #[case] pointer: &str) {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let problem = ada.post(&format!("{path}/analysis"), options).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], pointer);
}

#[rstest]
#[actix_web::test]
async fn of_many_that_start_an_analysis_at_once_one_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = format!("{}/analysis", ada.upload_quietly(red_then_blue()).await);
    let answers = futures_util::future::join_all((0..8).map(|_| ada.post(&path, json!({})))).await;
    let (started, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 202);
    assert_eq!((started.len(), refused.len()), (1, 7));
    for answer in refused {
        answer.problem(409, "analysis-under-way");
        assert_eq!(answer.header("location"), path);
    }
}

#[rstest]
#[actix_web::test]
async fn a_video_without_bytes_cannot_be_analysed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Empty").await;
    ada.post(&format!("{path}/analysis"), json!({})).await.problem(409, "no-content");
    ada.delete(&format!("{path}/analysis")).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn a_queued_analysis_is_canceled_and_can_be_started_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = format!("{}/analysis", ada.upload(red_then_blue()).await);
    let canceled = ada.delete(&path).await.ok(200);
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(ada.delete(&path).await.ok(200)["id"], canceled["id"], "asking twice is fine");
    assert_ne!(ada.post(&path, json!({})).await.ok(202)["id"], canceled["id"]);
}

#[rstest]
#[actix_web::test]
async fn a_running_analysis_is_canceled_and_its_slot_is_free_for_the_next(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let long = ada.upload(sample_looped(40)).await;
    eventually("the analysis to run", async || {
        (ada.get(&format!("{long}/analysis")).await.ok(200)["status"] == "running").then_some(())
    })
    .await;
    assert_eq!(ada.delete(&format!("{long}/analysis")).await.ok(200)["status"], "canceled");
    let short = ada.upload(red_then_blue()).await;
    assert_eq!(ada.ended_analysis(&short).await["status"], "succeeded");
    assert_eq!(ada.get(&format!("{long}/analysis")).await.ok(200)["status"], "canceled");
    ada.delete(&format!("{short}/analysis")).await.problem(409, "analysis-ended");
}

#[rstest]
#[actix_web::test]
async fn new_content_cancels_the_analysis_of_the_old_and_is_analysed_itself(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(sample_looped(40)).await;
    ada.put(&format!("{path}/content"), red_then_blue()).await.ok(200);
    let analysis = ada.ended_analysis(&path).await;
    assert_eq!((&analysis["status"], &analysis["report"]["frames"]), (&json!("succeeded"), &json!(50)));
    assert_eq!(analysis["report"]["input"]["sha256"], ada.get(&path).await.ok(200)["sha256"]);
    assert_eq!(kadr.blobs().len(), 2, "the new film and its poster");
}

#[rstest]
#[actix_web::test]
async fn a_deleted_video_ends_its_analysis_and_frees_the_slot(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let long = ada.upload(sample_looped(40)).await;
    ada.delete(&format!("{long}?permanent=true")).await.ok(204);
    let short = ada.upload(red_then_blue()).await;
    assert_eq!(ada.ended_analysis(&short).await["status"], "succeeded");
    assert_eq!(kadr.blobs().len(), 2, "the short film and its poster");
}
