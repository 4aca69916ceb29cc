//! What packets and metadata tell of clips that were made so.

use std::path::Path;

use crate::support::{clips, report, sample};
use video_analysis::Rational;
use video_analysis::report::{Report, VideoPackets};

fn packets(folder: &Path, name: &str, arguments: &str) -> VideoPackets {
    packets_at("25", folder, name, arguments)
}

fn packets_at(rate: &str, folder: &Path, name: &str, arguments: &str) -> VideoPackets {
    let source = format!("-f lavfi -i testsrc2=s=160x90:r={rate}:d=4");
    report(&clips::make(folder, name, &format!("{source} -threads 1 {arguments}"))).packets.unwrap()
}

#[test]
fn groups_of_pictures_are_counted_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    let closed = "-c:v libx264 -bf 2 -x264-params keyint=30:min-keyint=30:scenecut=0:b-adapt=0";
    let found = packets(folder.path(), "closed.mp4", closed);
    let gop = &found.gop;
    assert_eq!((gop.count, gop.open, found.packets, found.discarded), (4, 0, 100, 0));
    assert_eq!((gop.min_frames, gop.median_frames, gop.max_frames), (10, 30, 30));
    assert!(gop.reordered > 50, "two of three: {}", gop.reordered);
    let open = packets(folder.path(), "open.mp4", &format!("{closed}:open-gop=1")).gop;
    assert_eq!((open.count, open.open), (4, 3));
    let intra = packets(folder.path(), "intra.mov", "-c:v prores_ks").gop;
    assert_eq!((intra.count, intra.max_frames, intra.reordered), (100, 1, 0));
}

#[test]
fn a_constant_rate_is_told_exactly_also_where_timestamps_are_rounded() {
    let folder = tempfile::tempdir().unwrap();
    let rates = [
        ("25.mp4", "25", "25/1"),
        ("ntsc.mkv", "30000/1001", "30000/1001"),
        ("film.mkv", "24000/1001", "24000/1001"),
    ];
    for (name, rate, expected) in rates {
        let timing = packets_at(rate, folder.path(), name, "-c:v libx264").timing;
        assert_eq!(
            (timing.constant, timing.frame_rate),
            (Some(true), expected.parse::<Rational>().ok()),
            "{name}"
        );
    }
    let variable = "-vf select=lt(n\\,20)+not(mod(n\\,3)) -fps_mode vfr -c:v libx264";
    let timing = packets(folder.path(), "vfr.mkv", variable).timing;
    assert_eq!((timing.constant, timing.frame_rate), (Some(false), None));
    assert_eq!(
        (timing.min_interval_pts, timing.median_interval_pts, timing.max_interval_pts),
        (40, 120, 120)
    );
}

#[test]
fn missing_timestamps_and_pictures_cut_away_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let raw = packets(folder.path(), "raw.h264", "-c:v libx264 -bf 2");
    assert_eq!(raw.timing.missing_timestamps, raw.packets, "a bare stream has none");
    let long = clips::make(
        folder.path(),
        "long.mp4",
        "-f lavfi -i testsrc2=s=160x90:r=25:d=4 -threads 1 -c:v libx264 -g 50",
    );
    let cut = clips::make(folder.path(), "cut.mp4", &format!("-ss 0.4 -i {} -c copy", long.display()));
    let found = report(&cut).packets.unwrap();
    assert_eq!((found.packets, found.discarded), (90, 10));
}

#[test]
fn the_bit_rate_peaks_where_the_pictures_are_hard_and_its_mean_is_the_stream_s() {
    let folder = tempfile::tempdir().unwrap();
    let graph = "color=gray:s=160x90:r=25:d=3[a];nullsrc=s=160x90:r=25:d=1,geq=random(1)*255[b];\
                 color=gray:s=160x90:r=25:d=2.5[c];[a][b][c]concat=n=3";
    let clip = clips::make(
        folder.path(),
        "noise.mkv",
        &format!("-filter_complex {graph},format=yuv420p -c:v libx264 -bf 0 -threads 1"),
    );
    let rate = report(&clip).packets.unwrap().bit_rate.unwrap();
    assert_eq!(rate.peak_second, 3);
    assert!(rate.peak > 500_000 && rate.peak > rate.mean * 4, "{rate:?}");

    let sample: Report = report(&sample());
    let (found, container) =
        (sample.packets.unwrap().bit_rate.unwrap().mean, sample.streams[0].bit_rate.unwrap());
    assert!(found.abs_diff(container) * 20 < container, "{found} and {container}");
}

#[test]
fn high_dynamic_range_and_timecode_are_numbers_and_text() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips::make(
        folder.path(),
        "hdr.mov",
        "-f lavfi -i testsrc2=s=160x90:r=25:d=0.4 -c:v libx264 -threads 1 -timecode 01:00:00:00",
    );
    let streams = report(&clip).streams;
    assert_eq!(streams[0].timecode.as_deref(), Some("01:00:00:00"));
    assert_eq!(streams[0].video.as_ref().unwrap().hdr, None);
}
