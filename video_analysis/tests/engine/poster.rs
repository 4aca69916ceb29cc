//! The poster is the picture the report names, as people would see it.

use std::path::Path;
use std::process::Command;

use crate::support::{clips, report};
use video_analysis::{Execution, poster_jpeg};

/// Width and height of a JPEG, and its mean red, green and blue in the left and in the right half.
fn look(folder: &Path, jpeg: &[u8]) -> (u32, u32, Vec<u8>) {
    let path = folder.join("poster.jpg");
    std::fs::write(&path, jpeg).unwrap();
    let size = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0"])
        .arg(&path)
        .output()
        .unwrap();
    let size = String::from_utf8(size.stdout).unwrap();
    let (width, height) = size.trim().split_once(',').unwrap();
    let pixels = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args([
            "-vf",
            "format=rgb24,format=rgb24,scale=2:2:flags=area",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-",
        ])
        .output()
        .unwrap();
    (width.parse().unwrap(), height.parse().unwrap(), pixels.stdout)
}

fn poster(folder: &Path, clip: &Path) -> (u32, u32, Vec<u8>) {
    let jpeg = poster_jpeg(clip, &report(clip), &Execution::default(), &()).unwrap();
    assert!(jpeg.starts_with(&[0xff, 0xd8, 0xff]));
    look(folder, &jpeg)
}

#[test]
fn pixels_that_are_not_square_are_made_so() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc2=s=720x576:r=5:d=1 -vf setsar=64/45 -c:v libx264";
    let (width, height, _) = poster(folder.path(), &clips::make(folder.path(), "wide.mp4", arguments));
    assert_eq!((width, height), (1024, 576));
    let arguments = "-f lavfi -i testsrc2=s=720x576:r=5:d=1 -vf setsar=1/2 -c:v libx264";
    let (width, height, _) = poster(folder.path(), &clips::make(folder.path(), "tall.mp4", arguments));
    assert_eq!((width, height), (720, 1152));
}

#[test]
fn a_rotated_film_has_an_upright_poster() {
    let folder = tempfile::tempdir().unwrap();
    // Red above blue as coded; turned clockwise by a quarter, red is on the right.
    let graph = "color=red:s=320x90:r=5:d=1[a];color=blue:s=320x90:r=5:d=1[b];[a][b]vstack";
    let flat = clips::make(
        folder.path(),
        "flat.mp4",
        &format!("-filter_complex {graph} -c:v libx264 -pix_fmt yuv420p"),
    );
    let turned = clips::make(
        folder.path(),
        "turned.mp4",
        &format!("-i {} -c copy -metadata:s:v:0 rotate=270", flat.display()),
    );
    let clockwise = report(&turned).streams[0].video.as_ref().unwrap().rotation;
    let (width, height, pixels) = poster(folder.path(), &turned);
    assert_eq!((width, height), (180, 320));
    let right_is_red = pixels[3] > 200 && pixels[5] < 60;
    let left_is_red = pixels[0] > 200 && pixels[2] < 60;
    // Whatever sign the tag has, picture and report must agree.
    assert_eq!(
        (clockwise, right_is_red, left_is_red),
        if right_is_red { (90, true, false) } else { (270, false, true) }
    );
}

#[test]
fn the_poster_is_the_very_picture_the_report_names() {
    let folder = tempfile::tempdir().unwrap();
    // Every picture has colours of its own.
    let arguments = "-f lavfi -i testsrc2=s=320x180:r=5:d=4 -vf hue=h=18*n -c:v libx264 -bf 2 -g 7";
    let clip = clips::make(folder.path(), "hues.mp4", arguments);
    let report = report(&clip);
    let named = report.poster.as_ref().unwrap();
    let (.., poster) = look(folder.path(), &poster_jpeg(&clip, &report, &Execution::default(), &()).unwrap());
    let all = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&clip)
        .args(["-vf", "format=rgb24,scale=2:2:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    let distance =
        |one: &[u8]| one.iter().zip(&poster).map(|(one, other)| u32::from(one.abs_diff(*other))).sum::<u32>();
    let (nearest, _) =
        (0u64..).zip(all.stdout.chunks(12)).min_by_key(|(_, pixels)| distance(pixels)).unwrap();
    assert_eq!((nearest, report.frames), (named.frame, 20));
}

#[test]
fn large_pictures_are_scaled_down_and_sound_has_no_poster() {
    let folder = tempfile::tempdir().unwrap();
    let clip =
        clips::make(folder.path(), "large.mp4", "-f lavfi -i testsrc2=s=1920x1080:r=5:d=1 -c:v libx264");
    assert_eq!(poster(folder.path(), &clip).0, 1280);
    let sound = clips::make(folder.path(), "tone.wav", "-f lavfi -i sine=d=1");
    let error = poster_jpeg(&sound, &report(&sound), &Execution::default(), &()).unwrap_err();
    assert_eq!(error.code(), "undecodable");
}
