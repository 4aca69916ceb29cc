//! Silence to the sample, and loudness against the standard's own signals in files; the others are in `src/features/ebu_cases.rs`.

use std::path::Path;

use crate::support::{clips, detector, report, seconds};
use video_analysis::report::{DetectorStatus, Loudness};

/// A level in dBFS and for how many seconds.
type Part = (f64, f64);

/// A 1 kHz sine of a level in dBFS on every channel of `layout` that is not silenced by `channels`.
fn tone(folder: &Path, name: &str, parts: &[Part], layout: &str, expression: &str) -> Loudness {
    let part = |(number, (level, duration)): (usize, &Part)| {
        let amplitude = 10f64.powf(level / 20.0);
        let sine = expression.replace('T', &format!("{amplitude:.12}*sin(2*PI*1000*t)"));
        format!("aevalsrc={sine}:c={layout}:s=48000:d={duration}[p{number}];")
    };
    let sources: String = parts.iter().enumerate().map(part).collect();
    let inputs: Vec<String> = (0..parts.len()).map(|number| format!("[p{number}]")).collect();
    let graph = format!("{sources}{}concat=n={}:v=0:a=1", inputs.concat(), parts.len());
    let clip = clips::make(folder, name, &format!("-filter_complex {graph} -c:a pcm_f32le"));
    report(&clip).loudness.unwrap()
}

fn stereo(folder: &Path, name: &str, parts: &[Part]) -> Loudness {
    tone(folder, name, parts, "stereo", "T|T")
}

fn within(value: Option<f64>, expected: f64, tolerance: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() <= tolerance)
}

#[test]
fn ebu_tech_3341_cases_1_to_5_measure_as_the_standard_demands() {
    let folder = tempfile::tempdir().unwrap();
    // Table 1 of EBU Tech 3341: signals, expected integrated loudness, tolerance 0.1 LU.
    let cases: [(&str, &[Part], f64); 5] = [
        ("1.wav", &[(-23.0, 20.0)], -23.0),
        ("2.wav", &[(-33.0, 20.0)], -33.0),
        ("3.wav", &[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        ("4.wav", &[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        ("5.wav", &[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ];
    for (name, parts, expected) in cases {
        let loudness = stereo(folder.path(), name, parts);
        assert!(within(loudness.integrated_lufs, expected, 0.1), "case {name}: {loudness:?}");
    }
    let first = stereo(folder.path(), "1.wav", cases[0].1);
    assert!(within(first.momentary_max_lufs, -23.0, 0.1) && within(first.short_term_max_lufs, -23.0, 0.1));
}

#[test]
fn ebu_tech_3341_case_6_weighs_five_channels_and_ignores_low_frequency_effects() {
    let folder = tempfile::tempdir().unwrap();
    // Left and right -28, centre -24, surrounds -30 dBFS; the 5.1 form has a loud LFE besides, which must not count.
    let channel = |level: f64| format!("{:.12}*sin(2*PI*1000*t)", 10f64.powf(level / 20.0));
    let (front, centre, rear) = (channel(-28.0), channel(-24.0), channel(-30.0));
    for (layout, lfe) in [("5.0(side)", String::new()), ("5.1(side)", format!("{}|", channel(-10.0)))] {
        let expression = format!("{front}|{front}|{centre}|{lfe}{rear}|{rear}");
        let loudness = tone(folder.path(), "6.wav", &[(0.0, 20.0)], layout, &expression);
        assert!(within(loudness.integrated_lufs, -23.0, 0.1), "{layout}: {loudness:?}");
    }
}

#[test]
fn silence_between_tones_is_found_to_the_millisecond_and_sound_alone_is_normal() {
    let folder = tempfile::tempdir().unwrap();
    let graph =
        "sine=1000:d=2[a];anullsrc=r=44100:cl=mono:d=1.5[b];sine=500:d=1[c];[a][b][c]concat=n=3:v=0:a=1";
    let report = report(&clips::make(folder.path(), "gap.flac", &format!("-filter_complex {graph}")));
    assert_eq!(report.silence.len(), 1);
    let (start, end) = seconds(&report.silence[0]);
    assert!((start - 2.0).abs() < 1e-3 && (end - 3.5).abs() < 1e-3, "{start} {end}");
    assert_eq!(report.silence[0].time_base.den, 44_100);
    assert_eq!(report.silence[0].start_frame, None);

    assert_eq!((report.frames, report.shots.len(), report.poster.is_none()), (0, 0, true));
    let shots = detector(&report, "shots");
    assert_eq!(shots.skipped_reason.as_deref(), Some("the file has no video stream"));
    let coverage = detector(&report, "loudness").coverage.as_ref().unwrap();
    assert_eq!((coverage.samples, coverage.frames, coverage.seconds), (Some(198_450), None, 4.5));
}

#[test]
fn a_wholly_silent_file_is_one_silent_range_and_its_loudness_is_null_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let report =
        report(&clips::make(folder.path(), "silence.wav", "-f lavfi -i anullsrc=r=48000:cl=stereo:d=3"));
    assert_eq!(report.silence.len(), 1);
    assert_eq!(seconds(&report.silence[0]), (0.0, 3.0));
    assert_eq!(detector(&report, "loudness").status, DetectorStatus::Completed);
    let loudness = report.loudness.unwrap();
    assert_eq!((loudness.integrated_lufs, loudness.true_peak_dbtp, loudness.range_lu), (None, None, None));
    assert!(loudness.note.unwrap().contains("-70 LUFS"));
}

#[test]
fn a_window_longer_than_the_sound_measures_nothing_and_the_note_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let loudness = stereo(folder.path(), "second.wav", &[(-23.0, 1.0)]);
    assert!(within(loudness.integrated_lufs, -23.0, 0.1) && within(loudness.momentary_max_lufs, -23.0, 0.1));
    assert_eq!(loudness.short_term_max_lufs, None);
    assert!(loudness.note.unwrap().contains("3 s"));
}
