//! How sound lies beside pictures, on clips that were made so.

use std::path::{Path, PathBuf};

use crate::support::{clips, pieces};
use video_analysis::report::{AudioTiming, DamageKind, Report};
use video_analysis::{Options, analyze};

/// A block of AAC at 48 kHz is 21.3 ms, of which the last one may be filled, and the first one is the encoder's own; and a millisecond,
/// to which Matroska rounds.
const BLOCK: f64 = 0.0224;

/// `video` seconds of pictures beside `audio` seconds of a tone.
fn film(folder: &Path, name: &str, (video, audio): (f64, f64), more: &str) -> PathBuf {
    let sources =
        format!("-f lavfi -i testsrc2=s=160x90:r=25:d={video} {more} -f lavfi -i sine=440:r=48000:d={audio}");
    clips::make(folder, name, &format!("{sources} -map 0 -map 1 -c:v libx264 -threads 1 -c:a aac"))
}

fn remuxed(clip: &Path, name: &str, more: &str) -> PathBuf {
    clips::make(clip.parent().unwrap(), name, &format!("-i {} -map 0 -c copy {more}", clip.display()))
}

/// The report, the same in one piece and in three.
fn report(clip: &Path) -> Report {
    let [one, three] = [1, 3].map(|count| analyze(clip, &Options::default(), &pieces(count), &()).unwrap());
    assert_eq!(one.canonical_json().unwrap(), three.canonical_json().unwrap());
    one
}

fn timing(clip: &Path) -> AudioTiming {
    report(clip).audio[0].timing.clone().unwrap()
}

#[track_caller]
fn assert_near(value: Option<f64>, expected: f64, tolerance: f64) {
    let value = value.unwrap();
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
}

#[test]
fn sound_that_is_shorter_longer_or_later_than_the_pictures_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mp4", "mkv", "ts"] {
        let make = |what: &str, lengths: (f64, f64), more: &str| {
            timing(&film(folder.path(), &format!("{what}.{name}"), lengths, more))
        };
        for (what, audio) in [("equal", 4.0), ("shorter", 2.5), ("longer", 5.5)] {
            let found = make(what, (4.0, audio), "");
            assert_near(found.start_offset_seconds, 0.0, BLOCK);
            assert_near(found.end_offset_seconds, audio - 4.0, 2.0 * BLOCK);
            assert_near(found.duration_difference_seconds, audio - 4.0, 2.0 * BLOCK);
            assert_near(Some(found.decoded_seconds), audio, 2.0 * BLOCK);
            assert_eq!((found.gap_seconds, found.drift_seconds), (0.0, 0.0), "{what}.{name}");
        }
        let late = make("late", (4.0, 4.0), "-itsoffset 0.7");
        assert_near(late.start_offset_seconds, 0.7, BLOCK);
        assert_near(late.end_offset_seconds, 0.7, 2.0 * BLOCK);
        assert_near(late.duration_difference_seconds, 0.0, 2.0 * BLOCK);
    }
}

#[test]
fn timestamps_that_run_ahead_of_the_samples_or_fall_behind_are_drift() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mp4", "mkv", "ts"] {
        let clip = film(folder.path(), &format!("whole.{name}"), (30.0, 30.0), "");
        let whole = timing(&clip);
        assert_eq!((whole.drift_seconds, whole.drift_ppm), (0.0, Some(0.0)), "{name}");
        for (what, rate, ppm) in [("ahead", "1.001", 1000.0), ("behind", "0.9996", -400.0)] {
            let changed =
                remuxed(&clip, &format!("{what}.{name}"), &format!("-bsf:a setts=ts=round(TS*{rate})"));
            let report = report(&changed);
            let found = report.audio[0].timing.clone().unwrap();
            // To a tick of the coarsest time base, a millisecond, at either end.
            assert_near(Some(found.drift_seconds), ppm * 30e-6, 0.002);
            assert_near(found.drift_ppm, ppm, 70.0);
            assert_eq!((found.gap_seconds, report.damage[1].ranges.len()), (0.0, 0), "{name}");
        }
    }
}

#[test]
fn a_gap_is_no_drift() {
    let folder = tempfile::tempdir().unwrap();
    let clip = film(folder.path(), "whole.mp4", (10.0, 10.0), "");
    let gap = remuxed(&clip, "gap.mp4", "-bsf:a noise=drop=between(n\\,100\\,149)");
    let report = report(&gap);
    let found = report.audio[0].timing.clone().unwrap();
    let blocks = 50.0 * 1024.0 / 48_000.0;
    assert_near(Some(found.gap_seconds), blocks, 0.001);
    assert_near(Some(found.decoded_seconds), 10.0 - blocks, 2.0 * BLOCK);
    assert_eq!((found.drift_seconds, found.drift_ppm), (0.0, Some(0.0)));
    let [range] = &report.damage[1].ranges[..] else { panic!("{:?}", report.damage) };
    assert_eq!((range.kind, range.count), (DamageKind::Gap, 50 * 1024));
}

#[test]
fn a_short_clip_is_no_base_for_a_rate_and_sound_alone_has_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let short = timing(&film(folder.path(), "short.mkv", (2.0, 2.0), ""));
    assert_eq!((short.drift_seconds, short.drift_ppm), (0.0, None));
    let tone = timing(&clips::make(folder.path(), "tone.wav", "-f lavfi -i sine=440:r=48000:d=2"));
    assert_eq!((tone.start_offset_seconds, tone.duration_difference_seconds), (None, None));
    assert_eq!((tone.start_seconds, tone.end_seconds, tone.decoded_seconds), (0.0, 2.0, 2.0));
}
