//! A report from kept features is the report from decoding.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::support::{clips, fading, ffmpeg_only_for, sample};
use video_analysis::{
    BlackOptions, ChannelOptions, ClippingOptions, ErrorKind, Execution, FeatureCache, FreezeOptions,
    Observer, Options, PlainOptions, Progress, ShotOptions, SilenceOptions, analyze,
};

fn with_cache(folder: &Path) -> Execution {
    let cache = FeatureCache::new(folder.join("features"), u64::MAX);
    Execution { feature_cache: Some(cache), ..Execution::default() }
}

/// Finds what is there, and nothing else.
fn only_cache(folder: &Path) -> Execution {
    Execution { ffmpeg: ffmpeg_only_for("", folder), ..with_cache(folder) }
}

fn bytes(input: &Path, options: &Options, execution: &Execution) -> String {
    let report = analyze(input, options, execution, &()).unwrap();
    String::from_utf8(report.canonical_json().unwrap()).unwrap()
}

/// What was found, without what was asked for.
fn findings(report: &str) -> String {
    let mut report: serde_json::Value = serde_json::from_str(report).unwrap();
    for member in ["detectors", "digest"] {
        report.as_object_mut().unwrap().remove(member);
    }
    report.to_string()
}

fn black(pixel_threshold: f64, min_coverage: f64, min_seconds: f64) -> Options {
    Options { black: BlackOptions { pixel_threshold, min_coverage, min_seconds }, ..Options::default() }
}

fn silence(threshold_dbfs: f64, min_seconds: f64) -> Options {
    Options { silence: SilenceOptions { threshold_dbfs, min_seconds }, ..Options::default() }
}

fn shots(min_change: f64, min_contrast: f64, min_fade_frames: u32) -> Options {
    let shots = ShotOptions { min_change, min_contrast, min_fade_frames, ..ShotOptions::default() };
    Options { shots, ..Options::default() }
}

fn dissolves(min_dissolve_frames: u32, max_dissolve_frames: u32, max_dissolve_misfit: f64) -> Options {
    let limits = ShotOptions {
        min_dissolve_frames,
        max_dissolve_frames,
        max_dissolve_misfit,
        ..ShotOptions::default()
    };
    Options { shots: limits, ..Options::default() }
}

fn plain(pixel_threshold: f64, min_coverage: f64) -> Options {
    Options { plain: PlainOptions { pixel_threshold, min_coverage, min_seconds: 0.0 }, ..Options::default() }
}

fn freeze(noise_tolerance: f64, min_seconds: f64) -> Options {
    Options { freeze: FreezeOptions { noise_tolerance, min_seconds }, ..Options::default() }
}

fn clipping(level_dbfs: f64, min_samples: u32) -> Options {
    Options { clipping: ClippingOptions { level_dbfs, min_samples }, ..Options::default() }
}

fn channels(dead_dbfs: f64, max_difference_db: f64) -> Options {
    let channels = ChannelOptions { dead_dbfs, max_difference_db, ..ChannelOptions::default() };
    Options { channels, ..Options::default() }
}

/// Thresholds of every detector, low and high, for which features are kept whatever was asked for first.
fn thresholds() -> Vec<Options> {
    vec![
        Options::default(),
        shots(0.0, 0.1, 2),
        dissolves(3, 120, 1.0),
        dissolves(120, 3, 0.0),
        shots(40.0, 9.0, 30),
        black(0.0, 0.0, 0.0),
        black(0.3, 0.5, 0.0),
        black(1.0, 1.0, 0.1),
        plain(0.2, 0.3),
        freeze(255.0, 0.1),
        freeze(120.0, 0.0),
        silence(-120.0, 0.1),
        silence(-40.0, 0.1),
        silence(-20.0, 0.3),
        silence(-1.0, 86_400.0),
        clipping(-0.01, 1),
        clipping(-0.01, 100),
        channels(-1.0, -200.0),
        channels(-70.0, 0.0),
    ]
}

#[test]
fn other_thresholds_need_no_decoder_and_change_no_byte_of_what_decoding_finds() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    let decoded: Vec<String> =
        thresholds().iter().map(|options| bytes(&film, options, &Execution::default())).collect();
    let found: BTreeSet<String> = decoded.iter().map(|report| findings(report)).collect();
    assert!(found.len() >= 16, "thresholds that change nothing prove nothing: {found:#?}");
    for filled_under in [Options::default(), black(0.7, 0.2, 1.0), silence(-33.3, 0.0)] {
        let folder = tempfile::tempdir().unwrap();
        let first = bytes(&film, &filled_under, &with_cache(folder.path()));
        assert_eq!(first, bytes(&film, &filled_under, &Execution::default()));
        let execution = only_cache(folder.path());
        assert_eq!(first, bytes(&film, &filled_under, &execution));
        for (options, decoded) in thresholds().iter().zip(&decoded) {
            assert_eq!(bytes(&film, options, &execution), *decoded, "{options:?} after {filled_under:?}");
        }
    }
}

#[test]
fn files_of_all_kinds_are_reported_from_the_cache_as_from_a_decoder() {
    let folder = tempfile::tempdir().unwrap();
    // Some of them: that decoding each is right is tested elsewhere.
    let some = clips::VARIETIES.iter().step_by(4);
    let mut films: Vec<PathBuf> = some.map(|variety| variety.make(folder.path())).collect();
    films.push(sample());
    films.push(clips::make(folder.path(), "tone.flac", "-f lavfi -i sine=440:d=2"));
    for film in films {
        let name = film.display();
        let folder = tempfile::tempdir().unwrap();
        let decoded = bytes(&film, &black(0.5, 0.5, 0.0), &Execution::default());
        bytes(&film, &Options::default(), &with_cache(folder.path()));
        let cached = bytes(&film, &black(0.5, 0.5, 0.0), &only_cache(folder.path()));
        assert_eq!(cached, decoded, "{name}");
    }
}

#[test]
fn a_level_that_nobody_foresaw_decodes_the_sound_and_not_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    bytes(&film, &Options::default(), &with_cache(folder.path()));
    let sound_only =
        Execution { ffmpeg: ffmpeg_only_for("f32le", folder.path()), ..with_cache(folder.path()) };
    for options in [silence(-27.5, 0.4), silence(-40.0, 0.01), clipping(-12.0, 5)] {
        let decoded = bytes(&film, &options, &Execution::default());
        assert_ne!(
            bytes(&film, &options, &only_cache(folder.path())),
            decoded,
            "there is something to decode"
        );
        assert_eq!(bytes(&film, &options, &sound_only), decoded);
        assert_eq!(bytes(&film, &options, &only_cache(folder.path())), decoded, "from now on it is kept");
    }
}

#[test]
fn what_is_damaged_is_decoded_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(clips::four_scenes(folder.path(), "whole.mkv", "-c:v libx264 -g 12")).unwrap();
    let film = folder.path().join("cut.mkv");
    std::fs::write(&film, &whole[..whole.len() * 2 / 3]).unwrap();
    let decoded = bytes(&film, &Options::default(), &Execution::default());
    assert!(decoded.contains("\"damaged\":true"));
    for _ in 0..2 {
        assert_eq!(bytes(&film, &Options::default(), &with_cache(folder.path())), decoded);
    }
    let error = analyze(&film, &Options::default(), &only_cache(folder.path()), &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undecodable);
}

#[test]
fn other_bytes_of_the_same_size_are_another_film() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["red", "blue"].map(|color| {
        let clip = format!("-f lavfi -i color={color}:s=64x36:r=25:d=1 -c:v rawvideo");
        clips::make(folder.path(), &format!("{color}.nut"), &clip)
    });
    assert_eq!(std::fs::metadata(&one).unwrap().len(), std::fs::metadata(&other).unwrap().len());
    let execution = with_cache(folder.path());
    let [of_one, of_other] = [&one, &other].map(|film| bytes(film, &Options::default(), &execution));
    assert_eq!(of_other, bytes(&other, &Options::default(), &Execution::default()));
    assert_ne!(of_one, of_other);
}

#[test]
fn limits_hold_for_what_is_kept_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    bytes(&film, &Options::default(), &with_cache(folder.path()));
    let short = Execution { max_duration: std::time::Duration::from_secs(5), ..with_cache(folder.path()) };
    assert_eq!(analyze(&film, &Options::default(), &short, &()).unwrap_err().kind(), ErrorKind::TooLong);
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Progress>>);

impl Observer for Recorder {
    fn progress(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

#[test]
fn progress_from_the_cache_ends_with_every_frame_done() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    for execution in [with_cache(folder.path()), only_cache(folder.path())] {
        let recorder = Recorder::default();
        analyze(&film, &Options::default(), &execution, &recorder).unwrap();
        let seen = recorder.0.into_inner().unwrap();
        assert!(
            seen.windows(2)
                .all(|pair| pair[0].fraction <= pair[1].fraction && pair[0].stage <= pair[1].stage)
        );
        let last = seen.last().unwrap();
        assert_eq!((last.fraction, last.frames_done, last.frames_total), (1.0, 150, Some(150)));
    }
}
