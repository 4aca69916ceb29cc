//! The program as people and scripts run it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{self, clips, sample};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_video_analysis")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn is(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_report_is_printed_as_json_and_read_again_in_other_forms() {
    let folder = tempfile::tempdir().unwrap();
    let (saved, poster) = (folder.path().join("report.json"), folder.path().join("poster.jpg"));
    let sample = sample();
    let json = run(&["analyze", "--segments", "3", "--poster", is(&poster), is(&sample)]);
    assert!(json.status.success() && json.stderr.is_empty(), "{}", text(&json.stderr));
    assert!(std::fs::read(poster).unwrap().starts_with(&[0xff, 0xd8]));
    std::fs::write(&saved, &json.stdout).unwrap();

    let table = run(&["export", is(&saved), "--to", "table"]);
    let table = text(&table.stdout);
    for part in
        ["h264, 854x480", "Shots (10 of 720 frames)", "Black\n", "Silence\n", "integrated", "LUFS", "Poster"]
    {
        assert!(table.contains(part), "{part} is missing:\n{table}");
    }
    assert_eq!(table, text(&run(&["analyze", "--format", "table", is(&sample)]).stdout));
    assert_eq!(run(&["export", is(&saved), "--to", "json"]).stdout, json.stdout);

    let otio = folder.path().join("film.otio");
    let export = run(&["export", is(&saved), "--to", "otio", "--media", is(&sample), "-o", is(&otio)]);
    assert!(export.status.success() && export.stdout.is_empty(), "{}", text(&export.stderr));
    let otio = std::fs::read_to_string(otio).unwrap();
    assert!(otio.contains(&format!("file://{}", is(&sample))), "{otio}");
}

#[test]
fn arguments_that_name_no_command_are_those_of_analyze() {
    let sample = sample();
    let short = run(&["--format", "csv", is(&sample)]);
    assert_eq!(text(&short.stdout).lines().filter(|line| line.starts_with("shots,")).count(), 10);
    assert_eq!(run(&["analyze", is(&sample), "--format", "csv"]).stdout, short.stdout);
}

#[test]
fn of_what_was_not_asked_for_nothing_is_printed() {
    let table =
        |detectors: &str| run(&["analyze", "--detectors", detectors, "--format", "table", is(&sample())]);
    let sound = table("loudness");
    let printed = text(&sound.stdout);
    assert!(printed.contains("\nLoudness (EBU R 128)\n"), "{printed}");
    for title in ["Shots", "Transitions", "Black", "Freezes", "Silence", "Poster", "Note"] {
        assert!(!printed.contains(&format!("\n{title}")), "{title}: {printed}");
    }
    let unknown = table("loudness,faces");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there are shots, black, plain"), "{}", text(&unknown.stderr));
}

/// A folder with two films, one of them below another folder, a broken one and a text.
fn library(folder: &Path) -> PathBuf {
    let library = folder.join("library");
    std::fs::create_dir_all(library.join("series")).unwrap();
    let clip = |source: &str| format!("-f lavfi -i {source}=s=64x36:r=25:d=1 -c:v libx264");
    clips::make(&library, "b.mp4", &clip("testsrc2"));
    clips::make(&library.join("series"), "one.MKV", &format!("{} -f matroska", clip("rgbtestsrc")));
    std::fs::write(library.join("a.mp4"), "no film").unwrap();
    std::fs::write(library.join("notes.txt"), "no film either").unwrap();
    library
}

#[test]
fn of_a_folder_every_film_is_analysed_and_a_broken_one_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (library, out) = (library(folder.path()), folder.path().join("out"));
    let output = run(&["analyze", is(&library), "--out", is(&out), "--format", "csv"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.starts_with(&format!("{}: The file is not", is(&library.join("a.mp4")))), "{told}");
    assert!(told.ends_with("1 of 3 files could not be analysed\n"), "{told}");
    for name in ["b.mp4.csv", "series/one.MKV.csv"] {
        let csv = std::fs::read_to_string(out.join(name)).unwrap();
        assert!(csv.lines().any(|line| line.starts_with("shots,1,shot,0,25,")), "{name}: {csv}");
    }
    assert!(!out.join("a.mp4.csv").exists() && !out.join("notes.txt.csv").exists());
}

#[test]
fn several_reports_are_lines_of_json_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path());
    let output = run(&["analyze", "--lines", is(&library)]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let files: Vec<_> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["a.mp4", "b.mp4", "series/one.MKV"].map(|name| is(&library.join(name)).to_owned()));
    assert_eq!(lines[0]["error"]["code"], "not_a_video");
    assert_eq!((&lines[1]["report"]["frames"], &lines[2]["report"]["frames"]), (&25.into(), &25.into()));
}

#[test]
fn a_report_is_verified_or_refuted_by_its_film() {
    let folder = tempfile::tempdir().unwrap();
    let film = library(folder.path()).join("b.mp4");
    let saved = folder.path().join("report.json");
    std::fs::write(&saved, run(&["analyze", is(&film)]).stdout).unwrap();
    let same = run(&["verify", is(&film), is(&saved)]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stderr));
    assert!(text(&same.stdout).starts_with("same: "), "{}", text(&same.stdout));

    let changed = std::fs::read_to_string(&saved).unwrap().replace("\"frames\": 25", "\"frames\": 26");
    std::fs::write(&saved, changed).unwrap();
    let differs = run(&["verify", "--segments", "2", is(&film), is(&saved)]);
    assert_eq!(differs.status.code(), Some(3));
    let told = text(&differs.stdout);
    assert!(told.starts_with("differs: ") && told.contains("/frames: reported 26, found 25"), "{told}");
    let other = film.parent().unwrap().join("series/one.MKV");
    let other = run(&["verify", "--segments", "2", is(&other), is(&saved)]);
    assert!(text(&other.stdout).lines().next().unwrap().ends_with("it is another file than the report's"));
    assert_eq!(run(&["verify", is(&saved), is(&saved)]).status.code(), Some(1));
}

#[test]
fn a_cut_is_explained_and_so_is_what_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, sample) = (folder.path().join("features"), sample());
    let explain = |arguments: &[&str]| {
        let always = ["explain", is(&sample), "--feature-cache", is(&cache), "--frame"];
        run(&[&always[..], arguments].concat())
    };
    let report = support::report(&sample);
    let start = report.shots[1].segment.start_frame.unwrap();
    let cut = explain(&[&start.to_string()]);
    let told = text(&cut.stdout);
    assert!(told.starts_with(&format!("Frame {start} opens a shot: cut, by ")), "{told}");
    assert!(told.contains(": met\n") && told.contains("<- opens a shot"), "{told}");
    let none = explain(&[&(start + 9).to_string()]);
    let told = text(&none.stdout);
    assert!(
        told.starts_with(&format!(
            "Frame {} opens no shot; it is in the one of frames {start} to ",
            start + 9
        )),
        "{told}"
    );
    assert!(!told.contains(": met\n") && told.contains("NOT above"), "{told}");

    let json = explain(&[&start.to_string(), "--around", "2", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let frames: Vec<_> =
        json["around"].as_array().unwrap().iter().map(|place| place["frame"].as_u64().unwrap()).collect();
    assert_eq!(frames, (start - 2..=start + 2).collect::<Vec<_>>());
    let beyond = explain(&["720"]);
    assert_eq!(beyond.status.code(), Some(1), "{}", text(&beyond.stdout));
    assert!(text(&beyond.stderr).contains("there is no frame 720"), "{}", text(&beyond.stderr));
}

#[test]
fn options_may_come_through_a_pipe() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_video_analysis"));
    command.args(["--options", "/dev/stdin", "film.mp4"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(br#"{"black":{"min_coverage":2}}"#).unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/black/min_coverage"), "{}", text(&output.stderr));
}

#[cfg(feature = "utoipa")]
#[test]
fn the_schemas_are_printed() {
    for (of, title) in [("report", "Report of an analysis"), ("options", "Options of an analysis")] {
        let schema: serde_json::Value = serde_json::from_slice(&run(&["schema", of]).stdout).unwrap();
        assert_eq!(schema["title"], title);
    }
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
    let array = folder.path().join("array.json");
    std::fs::write(&array, "[]").unwrap();
    for arguments in [
        &[][..],
        &["--segments", "0", "film.mp4"],
        &["export", "no-such-report.json", "--to", "csv"],
        &["analyze", "one.mp4", "two.mp4"],
        &["analyze", "one/film.mp4", "two/film.mp4", "--out", "out"],
        &["analyze", "--poster", "poster.jpg", "--lines", "one.mp4", "two.mp4"],
        &["analyze", is(folder.path())],
        &["--options", options.to_str().unwrap(), "film.mp4"],
        &["--options", array.to_str().unwrap(), "film.mp4"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}
