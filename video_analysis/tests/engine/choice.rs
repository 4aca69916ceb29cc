//! An analysis does what it is asked for, and no more.

use std::path::Path;

use crate::support::{clips, fading, ffmpeg_only_for};
use video_analysis::export::{ExportError, Format, Media, export};
use video_analysis::report::{DetectorStatus, Report};
use video_analysis::{DetectorName, ErrorKind, Execution, FeatureCache, Options, analyze, verify};

fn asked_for(detectors: &[DetectorName]) -> Options {
    Options { detectors: detectors.iter().copied().collect(), ..Options::default() }
}

fn report(film: &Path, detectors: &[DetectorName], execution: &Execution) -> Report {
    analyze(film, &asked_for(detectors), execution, &()).unwrap()
}

/// The detectors that ran.
fn ran(report: &Report) -> Vec<&str> {
    let ran = report.detectors.iter().filter(|run| run.status != DetectorStatus::Skipped);
    ran.map(|run| run.name.as_str()).collect()
}

#[test]
fn what_is_found_does_not_depend_on_what_else_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    let all = analyze(&film, &Options::default(), &Execution::default(), &()).unwrap();
    assert_eq!(ran(&all).len(), DetectorName::ALL.len());

    let some = report(&film, &[DetectorName::Shots, DetectorName::Silence], &Execution::default());
    assert_eq!(ran(&some), ["shots", "silence"]);
    assert!(!all.black.is_empty() && all.poster.is_some() && all.loudness.is_some());
    assert_eq!((&some.transitions, &some.silence), (&all.transitions, &all.silence));
    assert_eq!((some.black.len(), &some.poster, &some.loudness), (0, &None, &None));
    assert!(some.shots.iter().all(|shot| shot.representative.is_none() && shot.palette.is_empty()));

    let palette = report(&film, &[DetectorName::Palette], &Execution::default());
    assert_eq!(ran(&palette), ["shots", "palette"]);
    let palettes = |report: &Report| report.shots.iter().map(|shot| shot.palette.clone()).collect::<Vec<_>>();
    assert_eq!(palettes(&palette), palettes(&all));
    let skipped = palette.run_of(DetectorName::Loudness).unwrap();
    assert_eq!((skipped.asked, skipped.skipped_reason.as_deref()), (false, Some("not asked for")));
}

#[test]
fn what_no_detector_needs_is_not_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    let only = |what| Execution { ffmpeg: ffmpeg_only_for(what, folder.path()), ..Execution::default() };
    let sound = report(&film, &[DetectorName::Loudness], &only("f32le"));
    assert_eq!((sound.frames, sound.audio.len()), (0, 1));
    assert!(sound.loudness.is_some());
    let error = analyze(&film, &asked_for(&[DetectorName::Shots]), &only("f32le"), &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undecodable);

    let pictures = report(&film, &[DetectorName::Shots], &only("rawvideo"));
    assert_eq!((pictures.frames, pictures.audio.len()), (150, 0));
    let error = analyze(&film, &asked_for(&[DetectorName::Loudness]), &only("rawvideo"), &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undecodable);
}

#[test]
fn what_a_film_does_not_have_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let silent = clips::four_scenes(folder.path(), "silent.mkv", "-c:v libx264");
    let report = report(&silent, &[DetectorName::Loudness], &Execution::default());
    assert_eq!((ran(&report).len(), report.frames), (0, 0));
    let loudness = report.run_of(DetectorName::Loudness).unwrap();
    assert_eq!(loudness.skipped_reason.as_deref(), Some("the file has no audio stream"));
}

#[test]
fn one_more_detector_needs_no_decoder_while_the_features_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    let execution = |what| Execution {
        ffmpeg: ffmpeg_only_for(what, folder.path()),
        feature_cache: Some(FeatureCache::new(folder.path().join("features"), u64::MAX)),
        ..Execution::default()
    };
    let anew = |detectors: &[DetectorName]| report(&film, detectors, &Execution::default());
    let all = DetectorName::ALL;
    let (black, sound) = ([DetectorName::Black], [DetectorName::Clipping]);
    report(&film, &black, &execution("rawvideo"));
    for detectors in [&all[..1], &all[..8]] {
        assert_eq!(report(&film, detectors, &execution("")), anew(detectors), "{detectors:?}");
    }
    assert_eq!(
        report(&film, &all, &execution("f32le")),
        anew(&all),
        "the sound is missing, and nothing else"
    );
    for detectors in [&sound[..], &black, &all] {
        assert_eq!(report(&film, detectors, &execution("")), anew(detectors), "{detectors:?}");
    }
}

#[test]
fn a_report_of_some_detectors_is_verified_by_these_and_gives_what_they_found() {
    let folder = tempfile::tempdir().unwrap();
    let film = fading(folder.path());
    let black = report(&film, &[DetectorName::Black], &Execution::default());
    assert_eq!(black.options().unwrap(), asked_for(&[DetectorName::Black]));
    assert_eq!(verify(&film, &black, &Execution::default(), &()).unwrap(), []);
    let media = Media { name: "film".to_owned(), url: None };
    assert!(export(&black, Format::Csv, &media).unwrap().contains("black"));
    assert_eq!(export(&black, Format::WebVtt, &media), Err(ExportError::ShotsNotAskedFor));
}
