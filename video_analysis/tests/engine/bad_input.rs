//! What is no video, is broken, or wants more than it should.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{self, clips, detector, report, sample, try_report};
use video_analysis::report::DetectorStatus;
use video_analysis::{ErrorKind, Execution, Options, analyze};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn refused(input: &Path) -> ErrorKind {
    let error = try_report(input).unwrap_err();
    // What a client sees names neither the file nor anything of the machine.
    assert!(!error.message().contains('/') && !error.retryable(), "{error}");
    error.kind()
}

#[test]
fn an_empty_file_and_files_that_are_no_video_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(refused(&write(folder, "empty.mp4", b"")), ErrorKind::EmptyFile);
    assert_eq!(refused(&write(folder, "noise.mp4", &[0x5a; 4096])), ErrorKind::NotAVideo);
    assert_eq!(
        refused(&write(folder, "page.mp4", b"<!doctype html><p>not a video at all</p>")),
        ErrorKind::NotAVideo
    );
    let picture = clips::make(folder, "picture.png", "-f lavfi -i testsrc2=s=64x36 -frames:v 1");
    assert_eq!(refused(&picture), ErrorKind::UnsupportedFormat);
}

#[test]
fn a_missing_file_and_a_folder_are_troubles_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.mp4"), folder.path().to_owned()] {
        assert_eq!(try_report(&path).unwrap_err().kind(), ErrorKind::Io);
    }
}

#[test]
fn a_file_cut_off_before_its_index_is_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips::four_scenes(folder.path(), "whole.mp4", "-c:v libx264");
    let bytes = fs::read(clip).unwrap();
    assert_eq!(refused(&write(folder.path(), "cut.mp4", &bytes[..bytes.len() / 2])), ErrorKind::Truncated);
}

#[test]
fn of_a_file_cut_off_later_the_report_says_what_was_there_and_that_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(sample()).unwrap();
    let clip = write(folder.path(), "cut.mp4", &bytes[..bytes.len() / 2]);
    let report = report(&clip);
    assert!((200..700).contains(&report.frames), "{}", report.frames);
    for name in ["shots", "loudness"] {
        let run = detector(&report, name);
        assert_eq!(run.status, DetectorStatus::Damaged, "{name}");
        let coverage = run.coverage.as_ref().unwrap();
        assert!(
            coverage.damaged && coverage.seconds < coverage.expected_seconds.unwrap() - 1.0,
            "{coverage:?}"
        );
    }
    for pieces in [1, 3, 7] {
        let again = analyze(&clip, &Options::default(), &support::pieces(pieces), &()).unwrap();
        assert_eq!(again.digest, report.digest, "{pieces} pieces");
    }
}

#[test]
fn bytes_overwritten_in_the_middle_are_told_as_damage_however_the_work_is_split() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(sample()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0x55);
    let clip = write(folder.path(), "hole.mp4", &bytes);
    let digests: Vec<_> = [1, 2, 5]
        .map(|pieces| analyze(&clip, &Options::default(), &support::pieces(pieces), &()).unwrap())
        .map(|report| (detector(&report, "shots").status, report.digest))
        .into();
    assert_eq!(digests[0].0, DetectorStatus::Damaged);
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// Playlists in several languages that name `target`.
fn playlists(target: &str) -> [(&'static str, String); 6] {
    let hls = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n{target}\n#EXT-X-ENDLIST\n"
    );
    let dash = format!(
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT4S\">\
         <Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1000\"><BaseURL>{target}</BaseURL>\
         </Representation></AdaptationSet></Period></MPD>"
    );
    [
        ("list.m3u8", hls.clone()),
        ("list.mp4", hls),
        ("list.ffconcat", format!("ffconcat version 1.0\nfile '{target}'\n")),
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{target}'\n")),
        ("list.mpd", dash),
        (
            "list.sdp",
            "v=0\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n".to_owned(),
        ),
    ]
}

#[test]
fn a_playlist_cannot_open_another_local_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = clips::four_scenes(folder.path(), "target.ts", "-c:v libx264");
    let mut opened_by_plain_ffprobe = 0;
    for (name, text) in playlists(target.to_str().unwrap()) {
        let playlist = write(folder.path(), name, text.as_bytes());
        let plain = Command::new("ffprobe")
            .args(["-v", "quiet", "-safe", "0", "-i"])
            .arg(&playlist)
            .status()
            .unwrap();
        opened_by_plain_ffprobe += usize::from(plain.success());
        let kind = refused(&playlist);
        assert!(matches!(kind, ErrorKind::UnsupportedFormat | ErrorKind::NotAVideo), "{name}: {kind:?}");
    }
    // The control: the same playlists do open their target where nothing forbids it.
    assert!(opened_by_plain_ffprobe >= 2, "{opened_by_plain_ffprobe}");
}

#[test]
fn a_playlist_cannot_open_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in playlists(&format!("http://{}/a.ts", listener.local_addr().unwrap())) {
        refused(&write(folder.path(), name, text.as_bytes()));
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_name_is_never_an_option_a_protocol_or_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips::make(folder.path(), "clip.mp4", "-f lavfi -i testsrc2=s=64x36:r=5:d=1 -c:v libx264");
    for name in [
        "-version.mp4",
        "http:example.mp4",
        "concat:a|b.mp4",
        "frame%03d.mp4",
        "a 'b' \"c\".mp4",
        "ü\u{1f3ac}.mp4",
    ] {
        fs::copy(&clip, folder.path().join(name)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_video_analysis"))
            .current_dir(folder.path())
            .args(["--", name])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let report: video_analysis::Report = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report.frames, 5, "{name}");
    }
}

#[test]
fn a_header_that_promises_enormous_pictures_is_refused_before_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let frame = b"YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420jpeg\nFRAME\n0123456789";
    assert_eq!(refused(&write(folder.path(), "raw.y4m", frame)), ErrorKind::TooManyPixels);

    let clip = clips::make(folder.path(), "clip.avi", "-f lavfi -i testsrc2=s=64x36:r=5:d=1 -c:v mpeg4");
    let mut bytes = fs::read(clip).unwrap();
    // BITMAPINFOHEADER follows the chunk's name and size: its own size, width, height.
    let header = bytes.windows(4).position(|name| name == b"strf").unwrap() + 8;
    for at in [header + 4, header + 8] {
        bytes[at..at + 4].copy_from_slice(&100_000u32.to_le_bytes());
    }
    assert_eq!(refused(&write(folder.path(), "large.avi", &bytes)), ErrorKind::TooManyPixels);

    let small = Execution { max_pixels: 853 * 480, ..Execution::default() };
    let error = analyze(&sample(), &Options::default(), &small, &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyPixels);
}

#[test]
fn pictures_that_become_too_large_on_their_way_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    for (ending, codec) in [
        ("h264", "libx264"),
        ("hevc", "libx265 -x265-params log-level=none"),
        ("m2v", "mpeg2video -f mpeg2video"),
    ] {
        let sized = |size: &str| {
            let film = format!("-f lavfi -i testsrc2=s={size}:r=25:d=1 -c:v {codec}");
            fs::read(clips::make(folder.path(), &format!("{size}.{ending}"), &film)).unwrap()
        };
        // One behind the other they are one stream; the bound is between their sizes.
        let both = [sized("320x180"), sized("640x360")].concat();
        let grows = write(folder.path(), &format!("grows.{ending}"), &both);
        for count in [1, 3] {
            let execution = Execution { max_pixels: 150_000, ..support::pieces(count) };
            let report = analyze(&grows, &Options::default(), &execution, &()).unwrap();
            // The picture before the change may be lost with what it waits for.
            assert!((24..=25).contains(&report.frames), "{ending}: {}", report.frames);
            assert_eq!(detector(&report, "shots").status, DetectorStatus::Damaged, "{ending}");
        }
    }
}

/// A WAV file that says how many channels and samples a second it has, and has a second or what there is of it.
fn wav(channels: u16, rate: u32) -> Vec<u8> {
    let frame = channels * 2;
    let header = [
        &b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0"[..],
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(frame)).to_le_bytes(),
        &frame.to_le_bytes(),
        b"\x10\0data\xff\xff\xff\x7f",
    ];
    let samples = vec![0x11; usize::from(frame) * 1000];
    [header.concat(), samples].concat()
}

#[test]
fn a_header_that_promises_more_samples_a_second_than_there_is_memory_for_is_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    for (channels, rate, measured) in [
        (2, 48_000, true),
        (8, 768_000, true),
        (64, 2_822_400, false),
        (9, 768_000, false),
        (1, 16, false),
        (65, 8_000, false),
    ] {
        let name = format!("{channels}x{rate}.wav");
        let outcome = try_report(&write(folder.path(), &name, &wav(channels, rate)));
        match outcome {
            Ok(report) => assert!(measured && report.audio[0].loudness.is_some(), "{name}"),
            Err(error) => assert!(!measured && error.kind() == ErrorKind::NotAVideo, "{name}: {error}"),
        }
    }
}

#[test]
fn too_long_and_too_many_streams_are_refused_on_metadata() {
    let long = Execution { max_duration: std::time::Duration::from_secs(29), ..Execution::default() };
    let error = analyze(&sample(), &Options::default(), &long, &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLong);
    let streams = Execution { max_streams: 1, ..Execution::default() };
    let error = analyze(&sample(), &Options::default(), &streams, &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyStreams);
}

#[test]
fn subtitles_alone_are_not_a_video() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in.srt", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n");
    let arguments = format!("-i {} -c:s srt", folder.path().join("in.srt").display());
    assert_eq!(refused(&clips::make(folder.path(), "text.mkv", &arguments)), ErrorKind::NotAVideo);
}
