//! Features that are kept from one analysis for the next.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;
use tempfile::TempDir;

use crate::support::{Kadr, Setup, User, eventually, red_then_blue, sample};

/// An ffmpeg that can be told to refuse: what is analysed all the same was not decoded. (It may write nothing to count with.)
struct Decoder(TempDir);

impl Decoder {
    fn new() -> Self {
        let decoder = Self(tempfile::tempdir().unwrap());
        decoder.works();
        decoder
    }

    fn works(&self) {
        self.does("");
    }

    /// Pictures and sound are not decoded; posters are.
    fn refuses(&self) {
        self.does("case \"$*\" in *scale=48:27* | *f32le*) exit 1 ;; esac\n");
    }

    fn does(&self, first: &str) {
        let new = self.0.path().join("new");
        std::fs::write(&new, format!("#!/bin/sh\n{first}exec ffmpeg \"$@\"\n")).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(new, self.program()).unwrap();
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("ffmpeg")
    }
}

async fn start(backend: Backend, decoder: &Decoder, settings: &[(&str, &str)]) -> Kadr {
    let setup = Setup::on(backend)
        .video("ANALYSIS__FFMPEG", decoder.program().display())
        .video("ANALYSIS__SEGMENTS", 1)
        .video("LIBRARY__PURGE_INTERVAL_SECONDS", 1);
    settings.iter().fold(setup, |setup, (key, value)| setup.video(key, value)).start().await
}

async fn again(user: &User<'_>, path: &str, options: Value) -> Value {
    user.post(&format!("{path}/analysis"), options).await.ok(202);
    user.ended_analysis(path).await
}

#[rstest]
#[actix_web::test]
async fn other_thresholds_start_no_decoder(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let decoder = Decoder::new();
    let kadr = start(backend, &decoder, &[]).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(sample()).await;
    let first = ada.ended_analysis(&path).await;

    decoder.refuses();
    let options = json!({
        "shots": {"min_change": 60.0}, "black": {"pixel_threshold": 0.4, "min_coverage": 0.6},
        "silence": {"threshold_dbfs": -25, "min_seconds": 0.2},
    });
    let second = again(&ada, &path, options.clone()).await;
    assert_eq!(
        (&second["status"], &second["options"]["silence"]["threshold_dbfs"]),
        (&json!("succeeded"), &json!(-25.0))
    );
    assert_ne!(second["report"]["silence"], first["report"]["silence"]);
    assert_eq!(second["report"]["input"], first["report"]["input"]);
    assert_eq!(second["progress"]["frames_done"], first["report"]["frames"]);

    // The same of other bytes and of a service that keeps nothing: decoded, and no byte is different.
    decoder.works();
    let keeps_nothing = start(backend, &decoder, &[("ANALYSIS__FEATURE_CACHE_BYTES", "0")]).await;
    let eve = keeps_nothing.user("eve").await;
    let path = eve.upload_quietly(sample()).await;
    assert_eq!(again(&eve, &path, options.clone()).await["report"], second["report"]);
    decoder.refuses();
    assert_eq!(again(&eve, &path, options).await["status"], "failed");
    assert_eq!(keeps_nothing.features(), Vec::<PathBuf>::new());
}

#[rstest]
#[actix_web::test]
async fn features_go_when_the_last_video_with_their_content_has_gone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let decoder = Decoder::new();
    let kadr = start(backend, &decoder, &[]).await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let of_ada = ada.upload(red_then_blue()).await;
    ada.ended_analysis(&of_ada).await;
    decoder.refuses();
    let of_eve = eve.upload(red_then_blue()).await;
    assert_eq!(
        eve.ended_analysis(&of_eve).await["status"],
        "succeeded",
        "the same bytes, whoever sends them"
    );
    assert_eq!(kadr.features().len(), 1);
    decoder.works();
    let other = ada.upload(sample()).await;
    ada.ended_analysis(&other).await;
    assert_eq!(kadr.features().len(), 2);

    ada.delete(&format!("{of_ada}?permanent=true")).await.ok(204);
    ada.delete(&format!("{other}?permanent=true")).await.ok(204);
    eventually("the features of the deleted film to go", async || (kadr.features().len() == 1).then_some(()))
        .await;
    decoder.refuses();
    assert_eq!(again(&eve, &of_eve, json!({"black": {"min_seconds": 9}})).await["status"], "succeeded");
    eve.delete(&of_eve).await.ok(204);
    eve.post(&format!("{of_eve}/restore"), json!({})).await.ok(200);
    assert_eq!(kadr.features().len(), 1, "what can be restored keeps its features");
    eve.delete(&format!("{of_eve}?permanent=true")).await.ok(204);
    eventually("the last features to go", async || kadr.features().is_empty().then_some(())).await;
}

#[actix_web::test]
async fn a_spoilt_file_of_features_is_decoded_again() {
    let decoder = Decoder::new();
    let kadr = start(Backend::Sqlite, &decoder, &[]).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let first = ada.ended_analysis(&path).await;
    let spoil = |file: &Path| {
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    spoil(&kadr.features()[0]);
    decoder.refuses();
    assert_eq!(again(&ada, &path, json!({})).await["status"], "failed");
    decoder.works();
    assert_eq!(again(&ada, &path, json!({})).await["report"], first["report"]);
    decoder.refuses();
    assert_eq!(again(&ada, &path, json!({})).await["report"], first["report"]);
}
