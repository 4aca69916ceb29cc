//! Features that are kept from one analysis for the next.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;
use tempfile::TempDir;

use crate::support::{Kadr, Setup, User, eventually, red_then_blue, sample};

/// An ffmpeg that counts what it is started for.
struct Decoder(TempDir);

impl Decoder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        std::fs::create_dir(&runs).unwrap();
        // An empty file for each run: a decoder may write nothing.
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *framecrc*) what=pictures ;; *f32le*) what=sound ;; *mjpeg*) what=poster ;; esac\n\
             [ -z \"$what\" ] || : > \"{}/$what.$$\"\nexec ffmpeg \"$@\"\n",
            runs.display()
        );
        let decoder = Self(folder);
        std::fs::write(decoder.program(), script).unwrap();
        std::fs::set_permissions(decoder.program(), std::fs::Permissions::from_mode(0o755)).unwrap();
        decoder
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("ffmpeg")
    }

    /// How many times it was started for `what` since this was last asked.
    fn runs(&self, what: &str) -> usize {
        let entries = std::fs::read_dir(self.0.path().join("runs")).unwrap().map(|entry| entry.unwrap());
        let of_it = entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with(what));
        of_it.map(|entry| std::fs::remove_file(entry.path()).unwrap()).count()
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
    assert_eq!((decoder.runs("pictures"), decoder.runs("sound"), decoder.runs("poster")), (1, 1, 1));

    let options = json!({
        "shots": {"min_change": 60.0}, "black": {"pixel_threshold": 0.4, "min_coverage": 0.6},
        "silence": {"threshold_dbfs": -25, "min_seconds": 0.2},
    });
    let second = again(&ada, &path, options.clone()).await;
    assert_eq!(
        (&second["status"], &second["options"]["silence"]["threshold_dbfs"]),
        (&json!("succeeded"), &json!(-25.0))
    );
    assert_eq!((decoder.runs("pictures"), decoder.runs("sound")), (0, 0), "features are kept");
    assert_ne!(second["report"]["silence"], first["report"]["silence"]);
    assert_eq!(second["report"]["input"], first["report"]["input"]);
    assert_eq!(second["progress"]["frames_done"], first["report"]["frames"]);

    // The same of other bytes and of a service that keeps nothing: decoded, and no byte is different.
    let keeps_nothing = start(backend, &decoder, &[("ANALYSIS__FEATURE_CACHE_BYTES", "0")]).await;
    let eve = keeps_nothing.user("eve").await;
    let path = eve.upload_quietly(sample()).await;
    for _ in 0..2 {
        assert_eq!(again(&eve, &path, options.clone()).await["report"], second["report"]);
        assert_eq!((decoder.runs("pictures"), decoder.runs("sound")), (1, 1));
    }
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
    let of_eve = eve.upload(red_then_blue()).await;
    eve.ended_analysis(&of_eve).await;
    assert_eq!(
        (decoder.runs("pictures"), kadr.features().len()),
        (1, 1),
        "the same bytes, whoever sends them"
    );
    let other = ada.upload(sample()).await;
    ada.ended_analysis(&other).await;
    assert_eq!(kadr.features().len(), 2);

    ada.delete(&format!("{of_ada}?permanent=true")).await.ok(204);
    ada.delete(&format!("{other}?permanent=true")).await.ok(204);
    eventually("the features of the deleted film to go", async || (kadr.features().len() == 1).then_some(()))
        .await;
    again(&eve, &of_eve, json!({"black": {"min_seconds": 9}})).await;
    assert_eq!(decoder.runs("pictures"), 1, "of the other film alone");
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
    assert_eq!(again(&ada, &path, json!({})).await["report"], first["report"]);
    assert_eq!(decoder.runs("pictures"), 2);
    assert_eq!(again(&ada, &path, json!({})).await["report"], first["report"]);
    assert_eq!(decoder.runs("pictures"), 0);
}
