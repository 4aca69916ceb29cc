//! Real files, made by ffmpeg.

use std::path::Path;
use std::process::Command;

/// Half a minute of real film, with cuts and sound.
pub(crate) fn sample() -> Vec<u8> {
    std::fs::read(sample_path()).unwrap()
}

pub(crate) fn sample_path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../video_analysis/samples/big_buck_bunny_30s.mp4"))
}

/// Two seconds of red, then blue, with a tone: 50 frames, one cut at frame 25.
pub(crate) fn red_then_blue() -> Vec<u8> {
    made(&[
        "-f",
        "lavfi",
        "-i",
        "color=red:s=320x180:r=25:d=1",
        "-f",
        "lavfi",
        "-i",
        "color=blue:s=320x180:r=25:d=1",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=1000:duration=2",
        "-filter_complex",
        "[0][1]concat=n=2:v=1[v]",
        "-map",
        "[v]",
        "-map",
        "2",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
    ])
}

/// Three seconds of black, silent until the last second, which is as loud as can be.
pub(crate) fn black_then_loud() -> Vec<u8> {
    made(&[
        "-f",
        "lavfi",
        "-i",
        "color=black:s=320x180:r=25:d=3",
        "-f",
        "lavfi",
        "-i",
        "aevalsrc=if(gte(t\\,2)\\,sin(6283*t)\\,0):d=3:s=48000",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
    ])
}

/// A second of sound without pictures.
pub(crate) fn only_sound() -> Vec<u8> {
    made(&["-f", "lavfi", "-i", "sine=frequency=440:duration=1", "-c:a", "aac"])
}

/// `times` the sample, one after the other, without encoding again: an analysis long enough to be disturbed.
pub(crate) fn sample_looped(times: u32) -> Vec<u8> {
    let loops = (times - 1).to_string();
    let sample = sample_path().display().to_string();
    made(&["-stream_loop", &loops, "-i", &sample, "-c", "copy"])
}

fn made(arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments)
        // The same bytes each time, whatever the machine.
        .args(["-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::read(path).unwrap()
}
