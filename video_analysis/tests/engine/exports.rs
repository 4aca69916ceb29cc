//! What other programs read in the exported files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, clips, report};
use serde_json::{Value, json};
use video_analysis::Report;
use video_analysis::export::{ExportError, Format, Media, export};

/// Two scenes at a rate, with the cut at `cut` of `frames`, and a sine that stops.
fn film(folder: &Path, name: &str, rate: &str, (cut, frames): (u32, u32), codec: &str) -> PathBuf {
    let rest = frames - cut;
    let graph = format!(
        "testsrc2=s=64x36:r={rate},trim=end_frame={cut},setpts=N/({rate})/TB,format=yuv420p[a];\
         rgbtestsrc=s=64x36:r={rate},trim=end_frame={rest},setpts=N/({rate})/TB,format=yuv420p[b];\
         [a][b]concat=n=2,setpts=N/({rate})/TB[v];sine=1000:r=48000:d=1,apad=whole_dur=2[s]"
    );
    let sound =
        if Path::new(name).extension().is_some_and(|extension| extension == "mkv") { "flac" } else { "aac" };
    clips::make(
        folder,
        name,
        &format!(
            "-filter_complex {graph} -map [v] -map [s] {codec} -threads 1 -preset ultrafast -c:a {sound}"
        ),
    )
}

/// The film of most tests: 29.97 frames per second, cut beyond the first minute, where drop-frame has dropped.
fn ntsc(folder: &Path) -> (PathBuf, Report) {
    let film = film(folder, "ntsc & co.mp4", "30000/1001", (1810, 2000), "-c:v libx264 -bf 2 -g 250");
    let report = report(&film);
    assert_eq!(support::starts(&report), [0, 1810]);
    (film, report)
}

fn vfr(folder: &Path) -> Report {
    let graph = "testsrc2=s=64x36:r=25:d=4,format=yuv420p,select=lt(n\\,40)+not(mod(n\\,3))";
    report(&clips::make(folder, "vfr.mp4", &format!("-lavfi {graph} -fps_mode vfr -c:v libx264 -threads 1")))
}

fn media() -> Media {
    Media { name: "ntsc & co.mp4".to_owned(), url: Some("file:///films/ntsc%20&%20co.mp4".to_owned()) }
}

fn saved(folder: &Path, report: &Report, format: Format) -> PathBuf {
    let path = folder.join(format!("film.{}", format.extension()));
    std::fs::write(&path, export(report, format, &media()).unwrap()).unwrap();
    path
}

/// What `scripts/test-clients` has installed.
fn python(program: &str) -> Command {
    let target = Path::new(env!("CARGO_BIN_EXE_video_analysis"));
    let venv = target.ancestors().nth(2).unwrap().join("clients/venv/bin");
    assert!(venv.join("python").exists(), "the readers are not installed: run scripts/test-clients");
    Command::new(venv.join(program))
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a public reader makes of a file.
fn read(format: &str, path: &Path, rate: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/readers/read.py");
    let text = stdout(python("python").arg(script).args([format.as_ref(), path.as_os_str(), rate.as_ref()]));
    serde_json::from_str(&text).unwrap()
}

fn numbers(clips: &Value, members: &[&str]) -> Vec<Vec<f64>> {
    let clips = clips.as_array().unwrap().iter();
    clips.map(|clip| members.iter().map(|member| clip[member].as_f64().unwrap()).collect()).collect()
}

#[test]
fn opentimelineio_reads_clips_and_markers_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (_, report) = ntsc(folder.path());
    let found = read("otio", &saved(folder.path(), &report, Format::Otio), "");
    let rate = 30_000.0 / 1001.0;
    assert_eq!(
        numbers(&found["clips"], &["start", "length", "at", "rate"]),
        [[0.0, 1810.0, 0.0, rate], [1810.0, 190.0, 1810.0, rate]]
    );
    assert_eq!((&found["clips"][1]["name"], &found["available"]), (&json!("Shot 2"), &json!(2000.0)));
    assert_eq!(found["clips"][0]["media"], json!(media().url));
    let mut markers = found["markers"].as_array().unwrap().iter();
    let silence = markers.find(|marker| marker["name"] == "silence").unwrap();
    assert_eq!(silence["rate"], 48_000.0);
}

#[test]
fn opentimelineio_has_the_timestamps_of_a_film_without_a_constant_rate() {
    let folder = tempfile::tempdir().unwrap();
    let report = vfr(folder.path());
    let found = read("otio", &saved(folder.path(), &report, Format::Otio), "");
    let segment = &report.shots[0].segment;
    let time_base = segment.time_base;
    let expected = vec![
        support::exact(segment.end_pts - segment.start_pts),
        support::exact(time_base.den) / support::exact(time_base.num),
    ];
    assert_eq!(numbers(&found["clips"], &["length", "rate"]), [expected]);
}

#[test]
fn an_edit_decision_list_has_drop_frame_timecodes_that_come_back_as_the_same_frames() {
    let folder = tempfile::tempdir().unwrap();
    let (_, report) = ntsc(folder.path());
    let path = saved(folder.path(), &report, Format::Edl);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("FCM: DROP FRAME"), "{text}");
    assert!(
        text.contains("002  AX       V     C        00:01:00;12 00:01:06;22 00:01:00;12 00:01:06;22\n"),
        "{text}"
    );
    let found = read("edl", &path, "29.97002997002997");
    assert_eq!(numbers(&found["clips"], &["start", "length"]), [[0.0, 1810.0], [1810.0, 190.0]]);
    assert_eq!(found["clips"][0]["name"], "ntsc & co.mp4");
}

#[test]
fn final_cut_pro_xml_counts_in_whole_frame_durations() {
    let folder = tempfile::tempdir().unwrap();
    let (_, report) = ntsc(folder.path());
    let found = read("fcpxml", &saved(folder.path(), &report, Format::Fcpxml), "");
    assert_eq!(found["frames"], json!([[0.0, 0.0, 1810.0], [1810.0, 1810.0, 190.0]]));
    assert_eq!(
        found["format"],
        json!({ "id": "r1", "frameDuration": "1001/30000s", "width": "64", "height": "36" })
    );
    assert_eq!(
        (&found["asset"]["src"], &found["asset"]["name"]),
        (&json!(media().url), &json!(media().name))
    );
    assert_eq!(found["sequence"]["tcFormat"], "DF");

    // The adapter itself knows whole rates alone.
    let pal = support::report(&film(folder.path(), "pal.mkv", "25", (30, 45), "-c:v libx264"));
    let found = read("fcpxml", &saved(folder.path(), &pal, Format::Fcpxml), "");
    assert_eq!(
        numbers(&found["clips"], &["start", "length", "at", "rate"]),
        [[0.0, 30.0, 0.0, 25.0], [30.0, 15.0, 30.0, 25.0]]
    );
}

#[test]
fn pyscenedetect_loads_the_scenes_and_writes_the_same_list() {
    let folder = tempfile::tempdir().unwrap();
    let (film, report) = ntsc(folder.path());
    let ours = saved(folder.path(), &report, Format::PySceneDetect);
    let out = folder.path().join("theirs");
    stdout(
        python("scenedetect").args(["-q", "-i", film.to_str().unwrap(), "-o", out.to_str().unwrap()]).args([
            "load-scenes",
            "-i",
            ours.to_str().unwrap(),
            "list-scenes",
            "-q",
            "-f",
            "scenes.csv",
        ]),
    );
    let frames = |text: &str| -> Vec<Vec<String>> {
        let columns = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let rows = text.lines().skip(2).map(columns);
        rows.map(|row| vec![row[0].clone(), row[1].clone(), row[4].clone(), row[7].clone()]).collect()
    };
    let theirs = std::fs::read_to_string(out.join("scenes.csv")).unwrap();
    let ours = std::fs::read_to_string(ours).unwrap();
    assert_eq!(frames(&ours), [["1", "1", "1810", "1810"], ["2", "1811", "2000", "190"]]);
    assert_eq!(frames(&ours), frames(&theirs), "{theirs}");
    assert_eq!(ours.lines().nth(1), theirs.lines().nth(1), "the columns");
    assert_eq!(ours.lines().next(), Some("Timecode List:,00:01:00.394"), "{theirs}");
    assert_eq!(ours.lines().next(), theirs.lines().next());
}

#[test]
fn webvtt_chapters_are_read_by_webvtt_py_and_by_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let (_, report) = ntsc(folder.path());
    let path = saved(folder.path(), &report, Format::WebVtt);
    assert_eq!(
        read("webvtt", &path, ""),
        json!([["00:00:00.000", "00:01:00.394", "Shot 1"], ["00:01:00.394", "00:01:06.733", "Shot 2"]])
    );
    let packets = ["-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0"];
    let read = stdout(Command::new("ffprobe").args(packets).arg(&path));
    let lines: Vec<&str> = read.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["0.000000,60.394000,", "60.394000,6.339000,"]);
}

#[test]
fn ffmpeg_puts_the_chapters_of_an_ffmetadata_file_into_the_film() {
    let folder = tempfile::tempdir().unwrap();
    // Its pictures begin at 7.7 s, and its chapters with them.
    let late = "-c:v libx264 -output_ts_offset 7.7";
    let film = film(folder.path(), "late.mkv", "25", (30, 45), late);
    let report = report(&film);
    assert!(report.shots[0].segment.start_seconds > 7.0);
    let metadata = saved(folder.path(), &report, Format::FfMetadata);
    let with = folder.path().join("chapters.mkv");
    let inputs = ["-nostdin", "-v", "error", "-i", film.to_str().unwrap(), "-i", metadata.to_str().unwrap()];
    stdout(Command::new("ffmpeg").args(inputs).args(["-map_chapters", "1", "-codec", "copy"]).arg(&with));
    let chapters = ["-v", "error", "-show_chapters", "-of", "json"];
    let found: Value =
        serde_json::from_str(&stdout(Command::new("ffprobe").args(chapters).arg(&with))).unwrap();
    let found = found["chapters"].as_array().unwrap().iter();
    let found: Vec<_> = found
        .map(|chapter| json!([chapter["start_time"], chapter["end_time"], chapter["tags"]["title"]]))
        .collect();
    assert_eq!(found, [json!(["0.000000", "1.200000", "Shot 1"]), json!(["1.200000", "1.800000", "Shot 2"])]);
}

#[test]
fn x264_and_x265_begin_anew_at_every_shot_of_a_qpfile() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), "pal.mkv", "25", (33, 60), "-c:v libx264");
    let qpfile = saved(folder.path(), &report(&film), Format::QpFile);
    let raw = folder.path().join("film.y4m");
    stdout(
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(&film)
            .args(["-an", "-s", "128x72", "-pix_fmt", "yuv420p"])
            .arg(&raw),
    );
    let only_ours = "--no-scenecut --keyint";
    for (encoder, extension, more) in [
        ("x264", "264", format!("--quiet --threads 1 {only_ours} infinite")),
        ("x265", "hevc", format!("--log-level none --pools 1 {only_ours} -1")),
    ] {
        let more = more.split_whitespace();
        let out = folder.path().join("film").with_extension(extension);
        let files =
            ["--qpfile", qpfile.to_str().unwrap(), "-o", out.to_str().unwrap(), raw.to_str().unwrap()];
        stdout(Command::new(encoder).args(more).args(files));
        let kinds =
            ["-v", "error", "-select_streams", "v", "-show_entries", "frame=key_frame", "-of", "csv=p=0"];
        let kinds = stdout(Command::new("ffprobe").args(kinds).arg(&out));
        // Lines of side data are between those of frames.
        let kinds = kinds.lines().filter(|line| line.starts_with(['0', '1']));
        let key = kinds.enumerate().filter(|(_, line)| line.starts_with('1')).map(|(frame, _)| frame);
        assert_eq!(key.collect::<Vec<_>>(), [0, 33], "{encoder}");
    }
}

#[test]
fn comma_separated_values_have_a_row_for_every_range() {
    let folder = tempfile::tempdir().unwrap();
    let (_, report) = ntsc(folder.path());
    let path = saved(folder.path(), &report, Format::Csv);
    let script = "import csv, json, sys; json.dump(list(csv.DictReader(open(sys.argv[1]))), sys.stdout)";
    let rows: Vec<Value> =
        serde_json::from_str(&stdout(python("python").args(["-c", script]).arg(&path))).unwrap();
    let place = |row: &Value| {
        let columns = ["list", "number", "start_frame", "end_frame", "end_seconds", "opened_by"];
        columns.map(|column| row[column].as_str().unwrap().to_owned())
    };
    let shots: Vec<_> = rows.iter().filter(|row| row["list"] == "shots").map(place).collect();
    assert_eq!(
        shots,
        [
            ["shots", "1", "0", "1810", "60.393667", "start"],
            ["shots", "2", "1810", "2000", "66.733333", "cut"]
        ]
    );
    let silence: Vec<_> = rows.iter().filter(|row| row["list"] == "silence").collect();
    assert_eq!(silence.len(), report.silence.len());
    assert_eq!((&silence[0]["start_frame"], &silence[0]["time_base"]), (&json!(""), &json!("1/48000")));
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |report: &Report, format| export(report, format, &media()).err();
    let vfr = vfr(folder.path());
    for format in Format::ALL {
        let expected =
            matches!(format, Format::Edl | Format::Fcpxml).then_some(ExportError::VariableFrameRate);
        assert_eq!(refused(&vfr, format), expected, "{format:?}");
    }
    // Frame numbers are one behind the time after the missing frame.
    let missing = "testsrc2=s=64x36:r=25:d=4,select=not(eq(n\\,20)),format=yuv420p";
    let missing = format!("-lavfi {missing} -fps_mode passthrough -c:v libx264 -threads 1");
    let missing = report(&clips::make(folder.path(), "missing.mkv", &missing));
    assert_eq!(refused(&missing, Format::Edl), Some(ExportError::VariableFrameRate));
    let odd = report(&clips::make(
        folder.path(),
        "odd.mkv",
        "-f lavfi -i testsrc2=s=64x36:r=25/2:d=2 -c:v libx264",
    ));
    let rate = video_analysis::Rational { num: 25, den: 2 };
    assert_eq!(refused(&odd, Format::Edl), Some(ExportError::NoTimecode(rate)));
    assert_eq!(refused(&odd, Format::Fcpxml), None);
    let sound = report(&clips::make(folder.path(), "tone.flac", "-f lavfi -i sine=440:d=1"));
    assert_eq!(refused(&sound, Format::QpFile), Some(ExportError::NoPictures));
    assert_eq!(refused(&sound, Format::Csv), None);
    let later = Report { schema_version: "2.0".to_owned(), ..sound };
    assert_eq!(refused(&later, Format::Csv), Some(ExportError::UnknownVersion("2.0".to_owned())));
}
