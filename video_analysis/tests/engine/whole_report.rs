//! Every member of the report of one made clip.

use crate::support::{clips, report};
use serde_json::{Value, json};

/// The parts of a segment that say what and where.
fn place(segment: &Value) -> Value {
    let members = [
        "type",
        "start_frame",
        "end_frame",
        "start_pts",
        "end_pts",
        "time_base",
        "start_seconds",
        "end_seconds",
    ];
    members.iter().map(|member| segment[member].clone()).collect()
}

fn places(segments: &Value) -> Vec<Value> {
    segments.as_array().unwrap().iter().map(place).collect()
}

/// A tone of two seconds with a second of silence between, on one channel.
fn check_sound(report: &Value) {
    let [sound] = &report["audio"].as_array().unwrap()[..] else { panic!("{}", report["audio"]) };
    assert_eq!((&sound["loudness"], &sound["silence"]), (&report["loudness"], &report["silence"]));
    assert_eq!((&sound["silent"], &sound["coverage"]["samples"]), (&json!(false), &json!(144_000)));
    assert_eq!((&sound["clipping"], &sound["channel_faults"]), (&json!([]), &json!([])));
    // Matroska's milliseconds move the end by a third of one; the pictures last until 3.002 s.
    assert_eq!(
        sound["timing"],
        json!({
            "start_seconds": 0.0, "end_seconds": 2.999_667, "start_offset_seconds": 0.0, "end_offset_seconds": -0.002_333,
            "duration_difference_seconds": -0.002_333, "decoded_seconds": 3.0, "gap_seconds": 0.0,
            "drift_seconds": 0.0, "drift_ppm": null
        })
    );
    // Two of three seconds sound: -18.06 - 3.01 - 1.76.
    assert_eq!(sound["channels"], json!([{ "channel": 0, "sample_peak_dbfs": -18.06, "rms_dbfs": -22.83 }]));
}

/// Each detector in its place, having run; one of them with all that is said of it.
fn check_detectors(report: &Value) {
    let names: Vec<_> = report["detectors"].as_array().unwrap().iter().map(|run| &run["name"]).collect();
    assert_eq!(
        names,
        [
            "shots",
            "black",
            "plain",
            "freeze",
            "letterbox",
            "representative",
            "palette",
            "poster",
            "silence",
            "loudness",
            "clipping",
            "channels"
        ]
    );
    assert!(report["detectors"].as_array().unwrap().iter().all(|run| run["status"] == "completed"));
    assert_eq!(
        report["detectors"][1],
        json!({
            "name": "black",
            "version": "1",
            "params": { "pixel_threshold": 0.1, "min_coverage": 0.98, "min_seconds": 0.25 },
            "asked": true,
            "status": "completed",
            "skipped_reason": null,
            "coverage": {
                "stream": 0, "frames": 72, "samples": null, "seconds": 3.002, "expected_seconds": null, "damaged": false
            }
        })
    );
}

#[test]
fn a_report_has_every_member_with_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let graph = "testsrc2=s=160x90:r=24000/1001,trim=end_frame=24,format=yuv420p[a];\
                 color=black:s=160x90:r=24000/1001,trim=end_frame=24,format=yuv420p[b];\
                 mandelbrot=s=160x90:r=24000/1001,trim=end_frame=24,format=yuv420p[c];[a][b][c]concat=n=3[v];\
                 sine=1000:r=48000:d=1[d];anullsrc=r=48000:cl=mono:d=1[e];sine=1000:r=48000:d=1[f];\
                 [d][e][f]concat=n=3:v=0:a=1[s]";
    let clip = clips::make(
        folder.path(),
        "clip.mkv",
        &format!(
            "-filter_complex {graph} -map [v] -map [s] -c:v libx264 -threads 1 -c:a flac -metadata:s:a:0 language=deu"
        ),
    );
    let report = serde_json::to_value(report(&clip)).unwrap();

    let members: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec![
        "schema_version",
        "engine",
        "input",
        "container",
        "streams",
        "packets",
        "frames",
        "shots",
        "transitions",
        "black",
        "plain",
        "freezes",
        "active_area",
        "silence",
        "loudness",
        "audio",
        "damage",
        "poster",
        "detectors",
        "digest",
    ];
    expected.sort_unstable();
    let mut sorted = members.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);

    assert_eq!(report["schema_version"], "1.3");
    assert_eq!(report["engine"]["name"], "video_analysis");
    assert!(report["engine"]["decoder"].as_str().unwrap().starts_with("ffmpeg "));
    assert_eq!(report["engine"]["shortcuts"], json!(["skip_loop_filter=noref"]));
    assert_eq!(report["input"]["bytes"], std::fs::metadata(&clip).unwrap().len());
    assert_eq!(report["container"]["format"], "matroska,webm");

    let video = &report["streams"][0];
    assert_eq!(
        (&video["kind"], &video["codec"], &video["analyzed"]),
        (&json!("video"), &json!("h264"), &json!(true))
    );
    assert_eq!(video["video"]["average_frame_rate"], "24000/1001");
    assert_eq!((&video["video"]["width"], &video["video"]["height"]), (&json!(160), &json!(90)));
    let audio = &report["streams"][1];
    assert_eq!((&audio["language"], &audio["audio"]["sample_rate"]), (&json!("deu"), &json!(48_000)));
    assert_eq!(audio["audio"]["channel_layout"], "mono");

    assert_eq!(report["frames"], 72);
    // Matroska counts milliseconds; it says that the last picture lasts 41 of them.
    assert_eq!(
        places(&report["shots"]),
        [
            json!(["shot", 0, 24, 0, 1001, "1/1000", 0.0, 1.001]),
            json!(["shot", 24, 48, 1001, 2002, "1/1000", 1.001, 2.002]),
            json!(["shot", 48, 72, 2002, 3002, "1/1000", 2.002, 3.002]),
        ]
    );
    let openings: Vec<_> =
        report["shots"].as_array().unwrap().iter().map(|shot| &shot["opened_by"]).collect();
    assert_eq!(openings, ["start", "cut", "cut"]);
    assert_eq!(report["shots"][0]["evidence"], Value::Null);
    assert_eq!(report["shots"][1]["evidence"]["metric"], "two_sided_contrast");
    assert_eq!(report["transitions"], json!([]));
    assert_eq!(places(&report["black"]), [json!(["black", 24, 48, 1001, 2002, "1/1000", 1.001, 2.002])]);
    assert_eq!(places(&report["silence"])[0][0], "silence");
    assert_eq!(report["silence"][0]["time_base"], "1/48000");
    assert_eq!(
        (&report["silence"][0]["start_frame"], &report["silence"][0]["end_frame"]),
        (&Value::Null, &Value::Null)
    );
    // The sine source's amplitude is 1/8: -18.06 dBFS, and a mono sine of 1 kHz measures 3.01 LU below its level.
    assert_eq!(report["loudness"]["sample_peak_dbfs"], -18.06);
    assert_eq!(report["loudness"]["momentary_max_lufs"], -21.07);
    check_sound(&report);
    let poster = report["poster"]["frame"].as_u64().unwrap();
    assert!(!(24..48).contains(&poster));

    let undamaged = |stream: u32, seconds: f64| {
        json!({
            "stream": stream, "coverage": 1.0, "expected_seconds": seconds, "ranges": [], "left_off": 0,
            "totals": {
                "decode_error": 0, "undecodable": 0, "gap": 0, "duplicated": 0, "backwards": 0, "cut_off": 0
            }
        })
    };
    assert_eq!(report["damage"], json!([undamaged(0, 3.002), undamaged(1, 2.999_667)]));

    check_detectors(&report);
}
