//! Thumbnails, and single pictures, are the very pictures they say they are.

use std::path::Path;
use std::process::Command;

use crate::support::{clips, report, sample};
use video_analysis::{Execution, Size, StoryboardOptions, frame_jpeg, storyboard};

/// Mean red, green and blue of the pictures of a file.
fn means(path: &Path, filter: &str) -> Vec<[u8; 3]> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-vf", &format!("{filter}format=rgb24,scale=1:1:flags=area"), "-fps_mode", "passthrough"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    output.stdout.as_chunks::<3>().0.to_vec()
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other))).sum()
}

/// Twenty pictures, each with a colour of its own, encoded as `codec` says.
fn hues(folder: &Path, name: &str, codec: &str) -> std::path::PathBuf {
    clips::make(folder, name, &format!("-f lavfi -i color=red:s=320x180:r=5:d=4 -vf hue=h=18*n {codec}"))
}

fn size_of(folder: &Path, jpeg: &[u8]) -> (u32, u32) {
    let path = folder.join("size.jpg");
    std::fs::write(&path, jpeg).unwrap();
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0"])
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (width, height) = text.trim().split_once(',').unwrap();
    (width.parse().unwrap(), height.parse().unwrap())
}

#[test]
fn a_frame_is_the_very_one_in_any_container() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, codec) in [
        ("hues.mp4", "-c:v libx264 -bf 3 -g 7 -crf 12"),
        ("hues.ts", "-c:v libx264 -bf 2 -g 7 -crf 12"),
        ("hues.avi", "-c:v mpeg4 -bf 2 -g 7 -q:v 2"),
        ("hues.h264", "-c:v libx264 -bf 2 -g 7 -crf 12"),
    ] {
        let clip = hues(folder, name, codec);
        let all = means(&clip, "");
        assert_eq!(all.len(), 20, "{name}");
        for frame in [0, 1, 9, 19] {
            let jpeg = frame_jpeg(&clip, frame, Size::default(), &Execution::default(), &()).unwrap();
            let path = folder.join("frame.jpg");
            std::fs::write(&path, jpeg).unwrap();
            let this = means(&path, "")[0];
            let (nearest, _) = (0u64..).zip(&all).min_by_key(|(_, other)| distance(this, **other)).unwrap();
            assert_eq!(nearest, frame, "{name}");
        }
        let error = frame_jpeg(&clip, 20, Size::default(), &Execution::default(), &()).unwrap_err();
        assert_eq!(error.code(), "undecodable", "{name}");
    }
}

#[test]
fn a_frame_is_counted_from_the_beginning_where_time_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let clip = hues(folder.path(), "hues.ts", "-c:v libx264 -bf 2 -g 7 -crf 12");
    let twice = folder.path().join("twice.ts");
    let bytes = std::fs::read(&clip).unwrap();
    // The second time begins after some of the first: their times interleave.
    let later = clips::make(
        folder.path(),
        "later.ts",
        &format!("-ss 1.4 -i {} -c copy -output_ts_offset 0.1", clip.display()),
    );
    std::fs::write(&twice, [bytes, std::fs::read(later).unwrap()].concat()).unwrap();
    let jpeg =
        |film: &Path, frame| frame_jpeg(film, frame, Size::default(), &Execution::default(), &()).unwrap();
    for frame in [0, 5, 12, 19] {
        assert!(jpeg(&twice, frame) == jpeg(&clip, frame), "{frame}");
    }
}

#[test]
fn a_storyboard_from_a_report_of_another_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clip = hues(folder.path(), "hues.mp4", "-c:v libx264 -g 7");
    let other = hues(folder.path(), "other.mp4", "-c:v libx264 -g 7 -crf 40");
    let error = storyboard(&clip, &report(&other), &StoryboardOptions::default(), &Execution::default(), &())
        .unwrap_err();
    assert_eq!(error.code(), "invalid_options");
}

#[test]
fn a_frame_has_the_size_that_is_asked_for_and_the_aspect_of_display() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc2=s=720x576:r=5:d=1 -vf setsar=64/45 -c:v libx264";
    let clip = clips::make(folder.path(), "wide.mp4", arguments);
    let size = |width, height| {
        let jpeg = frame_jpeg(&clip, 2, Size { width, height }, &Execution::default(), &()).unwrap();
        size_of(folder.path(), &jpeg)
    };
    assert_eq!(size(None, None), (1024, 576));
    assert_eq!(size(Some(320), None), (320, 180));
    assert_eq!(size(None, Some(1152)), (2048, 1152));
    assert_eq!(size(Some(400), Some(400)), (400, 224));
    let wrong = Size { width: Some(1), height: None };
    let error = frame_jpeg(&clip, 2, wrong, &Execution::default(), &()).unwrap_err();
    assert_eq!(error.code(), "invalid_options");
}

#[test]
fn a_thumbnail_for_each_interval_shows_what_is_shown_then() {
    let folder = tempfile::tempdir().unwrap();
    let clip = hues(folder.path(), "hues.mp4", "-c:v libx264 -bf 3 -g 7 -crf 12");
    let all = means(&clip, "");
    // Every third picture at 5 a second; the last cue ends with the film.
    let options = StoryboardOptions { every: Some(0.6), width: 64 };
    let board = storyboard(&clip, &report(&clip), &options, &Execution::default(), &()).unwrap();
    assert_eq!((board.sprites.len(), board.thumbnails.len()), (1, 7));
    let sprite = folder.path().join("sprite.jpg");
    std::fs::write(&sprite, &board.sprites[0]).unwrap();
    for (at, thumbnail) in board.thumbnails.iter().enumerate() {
        let crop = format!("crop={}:{}:{}:{},", thumbnail.width, thumbnail.height, thumbnail.x, thumbnail.y);
        let this = means(&sprite, &crop)[0];
        let (nearest, _) = all.iter().enumerate().min_by_key(|(_, other)| distance(this, **other)).unwrap();
        assert_eq!(nearest, at * 3);
    }
    assert_eq!(size_of(folder.path(), &board.sprites[0]), (448, 36));
    let vtt = board.web_vtt(|sprite| format!("s{sprite}.jpg"));
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:00.600\ns0.jpg#xywh=0,0,64,36\n\n"), "{vtt}");
    assert!(vtt.ends_with("00:00:03.600 --> 00:00:04.000\ns0.jpg#xywh=384,0,64,36\n"), "{vtt}");
}

#[test]
fn the_command_writes_a_thumbnail_for_each_shot_and_a_file_that_ffmpeg_reads() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("board");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_video_analysis")).args(arguments).output().unwrap()
    };
    let (sample, report) = (sample(), report(&sample()));
    let saved = folder.path().join("report.json");
    std::fs::write(&saved, report.canonical_json().unwrap()).unwrap();
    let [film, out_text, saved] = [&sample, &out, &saved].map(|path| path.to_str().unwrap());
    let done = run(&["storyboard", film, "--out", out_text, "--report", saved]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let vtt = out.join("storyboard.vtt");
    let cues = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0"])
        .arg(&vtt)
        .output()
        .unwrap();
    let starts: Vec<f64> = String::from_utf8(cues.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim_matches(',').parse().unwrap())
        .collect();
    let expected: Vec<f64> = report.shots.iter().map(|shot| shot.segment.start_seconds).collect();
    assert_eq!(starts.len(), expected.len());
    assert!(starts.iter().zip(expected).all(|(one, other)| (one - other).abs() < 0.001), "{starts:?}");
    assert!(std::fs::read(out.join("storyboard-001.jpg")).unwrap().starts_with(&[0xff, 0xd8]));

    let jpeg = run(&["frame", film, "300", "--width", "200"]);
    assert_eq!(size_of(folder.path(), &jpeg.stdout), (200, 112));
    assert_eq!(run(&["frame", film, "99999"]).status.code(), Some(1));
}
