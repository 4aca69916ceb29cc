//! Both programs as processes: the demo's journey, and what an operator may do to them.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use video_analysis::{Execution, Options};

use crate::support::{
    Answer, Client, Installation, eventually, program, red_then_blue, run_video_service, sample,
    sample_looped, sample_path,
};

#[actix_web::test]
async fn the_journey_of_the_demo_ends_with_a_report_and_a_poster() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let profile = ada.get(&users, "/users/profile").await.ok(200);
    assert_eq!(profile["username"], "ada");

    let path = ada.upload(&videos, sample()).await;
    let analysis = ada.analysis_when(&videos, &path, has_ended).await;
    assert_eq!(analysis["status"], "succeeded", "{analysis}");
    let report = &analysis["report"];
    assert!(report["shots"].as_array().unwrap().len() > 5);
    assert!(report["loudness"]["integrated_lufs"].as_f64().unwrap() < 0.0);
    assert_eq!(ada.get(&videos, &format!("{path}/poster.jpg")).await.status, 200);
    assert_eq!(ada.get(&videos, &format!("{path}/content")).await.body, sample());
    assert!(videos.stop("INT").await.success(), "Ctrl-C ends it cleanly");
    assert!(users.stop("INT").await.success(), "Ctrl-C ends it cleanly");
}

#[actix_web::test]
async fn the_script_of_the_demo_shows_what_was_found() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let left = tempfile::tempdir().unwrap();
    let walk = || {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/journey"));
        script.arg(sample_path()).env("OUT", left.path());
        script.env("USER_URL", &users.url).env("VIDEO_URL", &videos.url).env("no_proxy", "127.0.0.1");
        script
    };
    let told = |script: &mut Command| {
        let Output { status, stdout, stderr } = script.output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    };
    let (tables, outline) =
        (told(walk().env("VIDEO_ANALYSIS", program("video_analysis"))), told(&mut walk()));
    assert!(tables.contains("Shots (10 of 720 frames)"), "{tables}");
    assert!(outline.contains("shots    10, from seconds 0 4.21 "), "{outline}");
    let report = std::fs::read(left.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["digest"], undisturbed_digest(&sample()));
}

#[actix_web::test]
async fn killed_in_the_middle_it_ends_in_the_same_report() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let film = sample_looped(8);
    let path = ada.upload(&videos, film.clone()).await;
    let before = ada.analysis_when(&videos, &path, |analysis| fraction(analysis) > 0.05).await;
    assert_eq!(before["status"], "running", "the film is long enough to be interrupted");
    videos.kill();
    eventually("the end of the decoders", async || installation.decoders().is_empty().then_some(())).await;

    let videos = installation.video_service("all", &users, &[]);
    let after = ada.analysis_when(&videos, &path, has_ended).await;
    assert_eq!(
        (&after["status"], &after["id"], &after["attempts"]),
        (&json!("succeeded"), &before["id"], &json!(2))
    );
    assert_eq!(after["report"]["digest"], undisturbed_digest(&film));
}

#[actix_web::test]
async fn stopped_in_the_middle_it_goes_on_where_it_is_started_again() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let film = sample_looped(8);
    let path = ada.upload(&videos, film.clone()).await;
    let before = ada.analysis_when(&videos, &path, |analysis| fraction(analysis) > 0.05).await;
    assert_eq!(before["status"], "running", "the film is long enough to be interrupted");
    assert!(videos.stop("TERM").await.success());
    assert!(installation.decoders().is_empty(), "no decoder outlives its service");

    let videos = installation.video_service("all", &users, &[]);
    let after = ada.analysis_when(&videos, &path, has_ended).await;
    assert_eq!(after["status"], "succeeded");
    assert_eq!(after["attempts"], 1, "an orderly stop is nobody's fault");
    assert_eq!(after["report"]["digest"], undisturbed_digest(&film));
}

#[actix_web::test]
async fn every_process_notices_a_logout_when_its_cache_has_forgotten_the_token() {
    const CACHE_SECONDS: u64 = 2;
    let installation = Installation::new();
    let users = installation.user_service("0");
    let cache = CACHE_SECONDS.to_string();
    let settings = [("VIDEO_SERVICE__USER_SERVICE__CACHE_SECONDS", cache.as_str())];
    let processes = [
        installation.video_service("all", &users, &settings),
        installation.video_service("serve", &users, &settings),
    ];
    let ada = Client::register(&installation, &users, "ada").await;
    for process in &processes {
        ada.get(process, "/videos").await.ok(200);
    }
    Answer::to(ada.request(&users, "POST", "/users/logout"), "").await.ok(204);
    let ended = Instant::now();
    for process in &processes {
        eventually("the logout to be noticed", async || {
            (ada.get(process, "/videos").await.status == 401).then_some(())
        })
        .await;
    }
    // A verdict from the moment before the logout, and the time that asking takes on a busy machine.
    assert!(ended.elapsed() < Duration::from_secs(CACHE_SECONDS + 3), "{:?}", ended.elapsed());
    let mut profile = ada.request(&users, "GET", "/users/profile").send().await.unwrap();
    assert_eq!(profile.status(), 401, "User Service itself notices at once");
    profile.body().await.unwrap();
}

#[actix_web::test]
async fn a_canceled_analysis_has_no_decoder_left() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&videos, sample_looped(40)).await;
    eventually("a decoder at work", async || (!installation.decoders().is_empty()).then_some(())).await;
    let cancel = ada.request(&videos, "DELETE", &format!("{path}/analysis"));
    assert_eq!(Answer::to(cancel, "").await.ok(200)["status"], "canceled");
    eventually("the end of the decoders", async || installation.decoders().is_empty().then_some(())).await;
    assert_eq!(ada.get(&videos, &format!("{path}/analysis")).await.ok(200)["status"], "canceled");
}

#[actix_web::test]
async fn serving_and_working_may_be_two_processes() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let server = installation.video_service("serve", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&server, red_then_blue()).await;
    assert_eq!(ada.get(&server, &format!("{path}/analysis")).await.ok(200)["status"], "queued");

    let worker = installation.video_service("work", &users, &[]);
    let analysis = ada.analysis_when(&server, &path, has_ended).await;
    assert_eq!(analysis["status"], "succeeded");
    assert_eq!(ada.get(&worker, "/healthz").await.status, 200);
    ada.get(&worker, "/videos").await.problem(404, "not-found");
}

#[actix_web::test]
async fn user_service_may_go_and_come_back() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let port = users.port().to_owned();
    let videos =
        installation.video_service("all", &users, &[("VIDEO_SERVICE__USER_SERVICE__CACHE_SECONDS", "3600")]);
    let ada = Client::register(&installation, &users, "ada").await;
    let eve = Client::register(&installation, &users, "eve").await;
    let path = ada.upload(&videos, red_then_blue()).await;
    users.kill();

    ada.get(&videos, &path).await.ok(200);
    let unknown = eve.get(&videos, "/videos").await;
    unknown.problem(503, "unavailable");
    assert_eq!(unknown.header("retry-after"), "5");
    let analysis = ada.analysis_when(&videos, &path, has_ended).await;
    assert_eq!(analysis["status"], "succeeded", "analyses need nobody's token");

    let _users = installation.user_service(&port);
    assert_eq!(eve.get(&videos, "/videos").await.ok(200)["items"], json!([]));
}

#[actix_web::test]
async fn the_log_tells_of_requests_and_keeps_secrets() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("all", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&videos, red_then_blue()).await;
    ada.analysis_when(&videos, &path, has_ended).await;
    let answer = ada.get(&videos, &path).await;
    let id = answer.header("x-request-id");

    let log = videos.stop_and_read_log().await;
    let line = log.iter().find(|line| line.contains(id)).unwrap();
    for field in ["method=GET", "path=/videos/{id} ", "status=200", "milliseconds=", "request_id="] {
        assert!(line.contains(field), "{field}: {line}");
    }
    let secret =
        std::fs::read_to_string(installation.data().join("secrets/introspection_client_secret")).unwrap();
    let log = [log, users.stop_and_read_log().await].concat().join("\n");
    for secret in [ada.token.as_str(), secret.trim(), "correct horse battery", "ada@example.com"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn a_wrong_configuration_ends_the_start_in_one_line_that_names_the_key() {
    let unknown_file = ["--config", "/nowhere/kadr.toml"];
    let cases: [(&[&str], (&str, &str), &str); 12] = [
        (&[], ("VIDEO_SERVICE__HTTP__PROT", "9000"), "http"),
        (&[], ("VIDEO_SERVICE__HTTP__PORT", "many"), "http.port"),
        (&[], ("VIDEO_SERVICE__UPLOADS__MAX_BYTES", "0"), "uploads.max_bytes"),
        (&[], ("VIDEO_SERVICE__DATABASE__URL", "mysql://x"), "database.url"),
        (&[], ("VIDEO_SERVICE__USER_SERVICE__URL", "localhost"), "user_service.url"),
        (&[], ("VIDEO_SERVICE__ANALYSIS__LEASE_SECONDS", "1"), "analysis.lease_seconds"),
        (&[], ("VIDEO_SERVICE__ANALYSIS__NICENESS", "20"), "analysis.niceness"),
        (&[], ("VIDEO_SERVICE__SHARES__DEFAULT_DAYS", "366"), "shares.default_days"),
        (&[], ("VIDEO_SERVICE__SHARES__MAX_DAYS", "40000"), "shares.max_days"),
        (&[], ("VIDEO_SERVICE__SHARES__BCRYPT_COST", "32"), "shares.bcrypt_cost"),
        (&[], ("VIDEO_SERVICE__ANALYSIS__FFMPEG", "/nowhere/ffmpeg"), "analysis.ffmpeg"),
        (&unknown_file, ("VIDEO_SERVICE__HTTP__PORT", "0"), "/nowhere/kadr.toml"),
    ];
    for (arguments, setting, named) in cases {
        let output = run_video_service(arguments, &[setting]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{setting:?}: {text}");
        assert!(text.starts_with("video_service: ") && text.contains(named), "{setting:?}: {text}");
    }
}

#[test]
fn migrating_is_a_command_of_its_own_and_may_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let check = run_video_service(&["storage", "check"], &[("VIDEO_SERVICE__DATA_DIR", data)]);
    let text = String::from_utf8(check.stderr).unwrap();
    assert_eq!((check.status.code(), text.contains("video_service migrate")), (Some(1), true), "{text}");
    for _ in 0..2 {
        let output = run_video_service(&["migrate"], &[("VIDEO_SERVICE__DATA_DIR", data)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(folder.path().join("video_service.db").exists());
}

fn has_ended(analysis: &Value) -> bool {
    !matches!(analysis["status"].as_str(), Some("queued" | "running"))
}

fn fraction(analysis: &Value) -> f64 {
    analysis["progress"]["fraction"].as_f64().unwrap()
}

/// The digest of the report of a run that nothing disturbed.
fn undisturbed_digest(film: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    std::fs::write(&path, film).unwrap();
    video_analysis::analyze(&path, &Options::default(), &Execution::default(), &()).unwrap().digest
}
