//! The program as people and scripts run it.

#![cfg(test)]

mod support;

use std::process::{Command, Output};

use support::sample;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_video_analysis")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_report_is_printed_as_json_and_read_again_as_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let (saved, poster) = (folder.path().join("report.json"), folder.path().join("poster.jpg"));
    let sample = sample();
    let json = run(&["--segments", "3", "--poster", poster.to_str().unwrap(), sample.to_str().unwrap()]);
    assert!(json.status.success() && json.stderr.is_empty(), "{}", text(&json.stderr));
    assert!(std::fs::read(poster).unwrap().starts_with(&[0xff, 0xd8]));
    std::fs::write(&saved, &json.stdout).unwrap();

    let table = run(&["--report", saved.to_str().unwrap(), "--format", "table"]);
    let table = text(&table.stdout);
    for part in
        ["h264, 854x480", "Shots (10 of 720 frames)", "Black\n", "Silence\n", "integrated", "LUFS", "Poster"]
    {
        assert!(table.contains(part), "{part} is missing:\n{table}");
    }
    assert_eq!(table, text(&run(&["--format", "table", sample.to_str().unwrap()]).stdout));
}

#[test]
fn a_second_run_with_the_same_cache_prints_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, sample) = (folder.path().join("features"), sample());
    let arguments = ["--feature-cache", cache.to_str().unwrap(), sample.to_str().unwrap()];
    let [first, second] = [run(&arguments), run(&arguments)];
    assert!(first.status.success() && first.stdout == second.stdout);
    assert_eq!(std::fs::read_dir(cache).unwrap().count(), 1);
}

#[test]
fn a_failed_analysis_exits_with_1_and_says_why_in_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.mp4");
    std::fs::write(&empty, b"").unwrap();
    let output = run(&[empty.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("The file is empty.\n"), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let options = folder.path().join("options.json");
    std::fs::write(&options, r#"{"black":{"min_coverage":2}}"#).unwrap();
    for arguments in [
        &[][..],
        &["--segments", "0", "film.mp4"],
        &["--report", "no-such-report.json"],
        &["--options", options.to_str().unwrap(), "film.mp4"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}
