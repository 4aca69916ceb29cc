//! A preview is quick, says that it estimates, and its estimates hold what the report says.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use crate::support::{self, clips, report, sample};
use video_analysis::{Execution, Preview, Storyboard, preview};

fn look(input: &Path) -> (Preview, Storyboard) {
    preview(input, &Execution::default(), &()).unwrap()
}

/// Four scenes, each of which begins with a keyframe, as the options of an encoder say; more keyframes within.
fn scenes(folder: &Path, name: &str, codec: &str) -> std::path::PathBuf {
    let filter = clips::scenes("320x180");
    clips::make(folder, name, &format!("-filter_complex {filter} {codec} -force_key_frames 1.2,1.48,3.28"))
}

#[test]
fn cuts_at_keyframes_are_estimated_and_hold_the_exact_ones() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec) in [
        ("scenes.mp4", "-c:v libx264 -bf 2 -g 25"),
        ("scenes.mkv", "-c:v libx264 -bf 2 -g 25"),
        ("scenes.ts", "-c:v libx264 -bf 2 -g 25"),
        ("scenes.webm", "-c:v libvpx-vp9 -deadline good -cpu-used 5 -b:v 1M -g 25"),
        ("hevc.mp4", "-c:v libx265 -x265-params log-level=none:keyint=25"),
    ] {
        let film = scenes(folder.path(), name, codec);
        let ((preview, _), report) = (look(&film), report(&film));
        assert!(!preview.exact);
        assert_eq!((preview.input.bytes, &preview.container), (report.input.bytes, &report.container));
        assert_eq!(preview.streams, report.streams);
        let found: Vec<i64> =
            preview.shots.iter().filter_map(|shot| shot.between).map(|between| between.before_pts).collect();
        let exact: Vec<i64> = report.shots.iter().skip(1).map(|shot| shot.segment.start_pts).collect();
        assert_eq!(found, exact, "{name}");
    }
}

#[test]
fn estimates_between_far_keyframes_hold_the_exact_cut() {
    let folder = tempfile::tempdir().unwrap();
    let film = clips::four_scenes(folder.path(), "far.mp4", "-c:v libx264 -x264-params scenecut=0 -g 50");
    let ((preview, _), report) = (look(&film), report(&film));
    assert_eq!((preview.keyframes, preview.shots.len()), (2, 2));
    let between = preview.shots[1].between.unwrap();
    let inside = |pts: i64| between.after_pts < pts && pts <= between.before_pts;
    assert!(report.shots.iter().any(|shot| inside(shot.segment.start_pts)), "{between:?}");
}

/// Mean red, green and blue of the pictures of a file, after some filters.
fn means(path: &Path, filters: &str) -> Vec<[u8; 3]> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-vf", &format!("{filters}format=rgb24,scale=1:1:flags=area"), "-fps_mode", "passthrough"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    output.stdout.as_chunks::<3>().0.to_vec()
}

#[test]
fn every_thumbnail_is_the_picture_of_its_time_also_in_open_groups() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, codec, at_least) in [
        ("closed.mp4", "-c:v libx264 -bf 3 -g 7", 3),
        ("open.mp4", "-c:v libx264 -bf 3 -x264-params open-gop=1:keyint=7:scenecut=0", 1),
        ("open.ts", "-c:v libx264 -bf 3 -x264-params open-gop=1:keyint=7:scenecut=0", 1),
        ("hevc_open.mkv", "-c:v libx265 -x265-params log-level=none:keyint=7:min-keyint=7:scenecut=0", 3),
        ("mpeg2.ts", "-c:v mpeg2video -bf 2 -g 7 -q:v 2", 3),
        ("mpeg4.avi", "-c:v mpeg4 -g 7 -q:v 2", 3),
        ("vp9.webm", "-c:v libvpx-vp9 -g 7 -deadline good -cpu-used 5 -b:v 2M", 3),
    ] {
        // A hue of its own for each of 20 pictures, 5 a second.
        let source = format!("-f lavfi -i color=red:s=320x180:r=5:d=4 -vf hue=h=18*n {codec}");
        let film = clips::make(folder, name, &source);
        let (preview, board) = look(&film);
        assert!(preview.thumbnails.len() >= at_least, "{name}: {}", preview.thumbnails.len());
        let video = report(&film);
        let first = video.shots[0].segment.start_seconds;
        let all = means(&film, "");
        let sprite = folder.join("sprite.jpg");
        std::fs::write(&sprite, &board.sprites[0]).unwrap();
        for shown in &preview.thumbnails {
            let crop = format!("crop={}:{}:{}:{},", shown.width, shown.height, shown.x, shown.y);
            let this = means(&sprite, &crop)[0];
            let distance = |other: &[u8; 3]| -> u32 {
                this.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum()
            };
            let (nearest, _) = (0i64..).zip(&all).min_by_key(|(_, other)| distance(other)).unwrap();
            let seconds = video.shots[0].segment.time_base.seconds(shown.pts) - first;
            assert!((support::exact(nearest) / 5.0 - seconds).abs() < 0.1, "{name}: {nearest} at {seconds}");
        }
    }
}

#[test]
fn every_kind_of_film_has_a_preview() {
    let folder = tempfile::tempdir().unwrap();
    for variety in &clips::VARIETIES {
        let (preview, board) = look(&variety.make(folder.path()));
        assert!(!preview.shots.is_empty() && !preview.thumbnails.is_empty(), "{}", variety.name);
        assert_eq!(preview.thumbnails, board.thumbnails);
        let starts = preview.thumbnails.iter().skip(1).map(|thumbnail| thumbnail.start_seconds);
        let ends = preview.thumbnails.iter().map(|thumbnail| thumbnail.end_seconds);
        assert!(starts.zip(ends).all(|(start, end)| (start - end).abs() < 1e-9), "{}", variety.name);
    }
}

#[test]
fn of_a_film_of_keyframes_alone_about_one_a_second_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec) in [
        ("mjpeg.avi", "-c:v mjpeg -q:v 2"),
        ("prores.mov", "-c:v prores_ks"),
        // From a timestamp below zero on.
        ("mjpeg.mkv", "-c:v mjpeg -q:v 2 -output_ts_offset -1.5 -avoid_negative_ts disabled"),
    ] {
        let film = scenes(folder.path(), name, codec);
        let ((preview, _), report) = (look(&film), report(&film));
        assert_eq!(preview.engine.shortcuts, ["skip_frame=nokey", "keyframes=1/s"]);
        let seconds = report.frames.div_ceil(25);
        assert!((seconds..=seconds + 1).contains(&preview.keyframes), "{name}: {}", preview.keyframes);
        let first = report.shots[0].segment.start_pts;
        assert_eq!(preview.shots[0].keyframe.pts.min(first), first, "{name}");
        // Boundaries that no picture was looked at between are one estimate, and none after the last one is known.
        let last = preview.thumbnails.last().unwrap().pts;
        let betweens: Vec<_> = preview.shots.iter().filter_map(|shot| shot.between).collect();
        for shot in report.shots.iter().skip(1) {
            let start = shot.segment.start_pts;
            if start > last {
                continue;
            }
            let holds =
                betweens.iter().any(|between| between.after_pts < start && start <= between.before_pts);
            assert!(holds, "{name}: {start} in {betweens:?}");
        }
    }
}

#[test]
fn a_film_with_one_keyframe_is_one_shot_with_one_thumbnail() {
    let folder = tempfile::tempdir().unwrap();
    let film = clips::four_scenes(folder.path(), "one.mp4", "-c:v libx264 -x264-params scenecut=0 -g 999");
    let (preview, board) = look(&film);
    assert_eq!((preview.keyframes, preview.shots.len(), board.sprites.len()), (1, 1, 1));
    assert_eq!((preview.shots[0].between, preview.shots[0].keyframe.pts), (None, 0));
    let [thumbnail] = preview.thumbnails[..] else { panic!("{:?}", preview.thumbnails) };
    assert_eq!((thumbnail.start_seconds, thumbnail.end_seconds), (0.0, 4.0));
}

#[test]
fn sound_alone_has_streams_and_no_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (preview, board) = look(&clips::make(folder.path(), "tone.flac", "-f lavfi -i sine=440:d=2"));
    assert_eq!((preview.streams.len(), preview.duration_seconds), (1, Some(2.0)));
    assert!(preview.shots.is_empty() && preview.thumbnails.is_empty() && board.sprites.is_empty());
}

#[test]
fn a_damaged_film_is_previewed_as_far_as_it_goes_and_what_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let film = scenes(folder.path(), "whole.mkv", "-c:v libx264 -g 25");
    let bytes = std::fs::read(&film).unwrap();
    let cut_off = folder.path().join("cut_off.mkv");
    std::fs::write(&cut_off, &bytes[..bytes.len() / 2]).unwrap();
    let (preview_of_half, preview_of_whole) = (look(&cut_off).0, look(&film).0);
    assert!((1..preview_of_whole.keyframes).contains(&preview_of_half.keyframes));
    assert!(!preview_of_half.shots.is_empty());

    let text = folder.path().join("text.mp4");
    std::fs::write(&text, "no film").unwrap();
    let error = preview(&text, &Execution::default(), &()).unwrap_err();
    assert_eq!(error.code(), "not_a_video");
}

#[test]
fn the_bytes_are_the_same_with_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("long.mp4");
    // Five minutes: long enough for several pieces.
    let copied = Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "9", "-i"])
        .arg(sample())
        .args(["-c", "copy"])
        .arg(&film)
        .status();
    assert!(copied.unwrap().success());
    let with = |workers: usize| {
        let workers = NonZeroUsize::new(workers).unwrap();
        let (preview, board) = preview(&film, &Execution { workers, ..Execution::default() }, &()).unwrap();
        (preview.canonical_json().unwrap(), board)
    };
    let once = with(1);
    assert_eq!(once, with(3));
    assert_eq!(once, with(7));
    let preview: Preview = serde_json::from_slice(&once.0).unwrap();
    let first = look(&sample()).0;
    assert_eq!(preview.keyframes, first.keyframes * 10);
}

#[test]
fn the_command_prints_a_preview_or_writes_it_with_its_thumbnails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("first");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_video_analysis")).args(arguments).output().unwrap()
    };
    let sample = sample();
    let printed = run(&["preview", sample.to_str().unwrap()]);
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed: Preview = serde_json::from_slice(&printed.stdout).unwrap();
    assert!(run(&["preview", sample.to_str().unwrap(), "--out", out.to_str().unwrap()]).status.success());
    let written: Preview = serde_json::from_slice(&std::fs::read(out.join("preview.json")).unwrap()).unwrap();
    assert_eq!(printed, written);
    assert!(std::fs::read(out.join("storyboard-001.jpg")).unwrap().starts_with(&[0xff, 0xd8]));
    let cues = std::fs::read_to_string(out.join("storyboard.vtt")).unwrap();
    assert_eq!(cues.matches(" --> ").count(), written.thumbnails.len());
}

#[test]
#[cfg(feature = "utoipa")]
fn previews_are_what_their_schema_says() {
    let schema = video_analysis::preview_schema("urn:test");
    assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for film in [sample(), clips::make(folder.path(), "tone.flac", "-f lavfi -i sine=440:d=2")] {
        let preview = serde_json::to_value(look(&film).0).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&preview).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        let mut exact = preview.clone();
        exact["exact"] = true.into();
        assert!(!validator.is_valid(&exact));
        let mut less = preview;
        less.as_object_mut().unwrap().remove("shots");
        assert!(!validator.is_valid(&less));
    }
}
