//! The damage map of clips that were damaged in a known place.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{clips, packets, pieces, report, sample};
use video_analysis::report::{DamageKind, DamageRange, DamageTotals, Report, StreamDamage};
use video_analysis::{Options, analyze};

/// Four seconds at 25 pictures a second, a keyframe each second, and a tone.
fn film(folder: &Path, name: &str, more: &str) -> PathBuf {
    let sources = "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -f lavfi -i sine=440:r=48000:d=4";
    let codecs = "-c:v libx264 -threads 1 -bf 2 -x264-params keyint=25:min-keyint=25:scenecut=0 -c:a aac";
    clips::make(folder, name, &format!("{sources} {codecs} {more}"))
}

fn remuxed(clip: &Path, name: &str, more: &str) -> PathBuf {
    clips::make(clip.parent().unwrap(), name, &format!("-copyts -i {} -c copy {more}", clip.display()))
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The report's map, the same however the work is split.
fn map(clip: &Path) -> Vec<StreamDamage> {
    let reports: Vec<Report> =
        [1, 2, 3, 7].map(|count| analyze(clip, &Options::default(), &pieces(count), &()).unwrap()).into();
    for other in &reports {
        assert_eq!(
            other.canonical_json().unwrap(),
            reports[0].canonical_json().unwrap(),
            "{}",
            clip.display()
        );
    }
    reports[0].damage.clone()
}

fn of_kind(damage: &StreamDamage, kind: DamageKind) -> Vec<&DamageRange> {
    damage.ranges.iter().filter(|range| range.kind == kind).collect()
}

fn frames(range: &DamageRange) -> (u64, u64) {
    (range.start_frame.unwrap(), range.end_frame.unwrap())
}

fn count(number: usize) -> u64 {
    number.try_into().unwrap()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.005
}

#[test]
fn whole_films_of_all_kinds_have_an_empty_map_and_are_covered() {
    let folder = tempfile::tempdir().unwrap();
    let mut films: Vec<PathBuf> =
        clips::VARIETIES.iter().map(|variety| variety.make(folder.path())).collect();
    films.push(sample());
    let sounds = [
        ("aac.mp4", ""),
        ("aac.mkv", ""),
        ("aac.ts", ""),
        ("aac.flv", ""),
        ("flac.mkv", "-c:a flac"),
        ("opus.webm", "-c:v libvpx -cpu-used 8 -deadline realtime -b:v 500k -c:a libopus"),
        ("vorbis.mkv", "-c:a libvorbis"),
        ("mp3.avi", "-c:v mpeg4 -c:a libmp3lame"),
        ("mp2.mpg", "-c:v mpeg2video -c:a mp2"),
        ("ac3.ts", "-c:a ac3"),
        ("pcm.mov", "-c:a pcm_s16le"),
    ];
    films.extend(sounds.map(|(name, codec)| film(folder.path(), name, codec)));
    films.push(clips::make(folder.path(), "tone.wav", "-f lavfi -i sine=440:d=2"));
    for film in films {
        let report = report(&film);
        assert_eq!(report.damage.len(), report.streams.len(), "{}", film.display());
        for damage in &report.damage {
            let expected = StreamDamage {
                coverage: Some(1.0),
                totals: DamageTotals::default(),
                ranges: Vec::new(),
                left_off: 0,
                ..damage.clone()
            };
            assert_eq!(*damage, expected, "{}", film.display());
        }
    }
}

#[test]
fn an_overwritten_packet_is_told_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["hole.mp4", "hole.mkv"] {
        let clip = film(folder.path(), &format!("whole_{name}"), "");
        let mut bytes = fs::read(&clip).unwrap();
        let (pts, place, size) = packets(&clip, "v")[60];
        // In Matroska the place is that of the block, some bytes before the picture.
        bytes[place + 32..place + size - 8].fill(0x55);
        let damaged = map(&written(folder.path(), name, &bytes));
        let [errors] = of_kind(&damaged[0], DamageKind::DecodeError)[..] else {
            panic!("{name}: {damaged:?}")
        };
        assert_eq!((errors.start_pts, errors.count), (pts, 1), "{name}");
        assert!(near(errors.end_seconds - errors.start_seconds, 0.04), "{name}: {errors:?}");
        let frame = packets(&clip, "v").iter().filter(|(other, ..)| *other < pts).count();
        assert_eq!(frames(errors), (count(frame), count(frame) + 1), "{name}");
        assert_eq!(
            (damaged[0].totals.decode_error, damaged[0].coverage),
            (1, Some(1.0)),
            "{name}: a picture was made up"
        );
        assert_eq!(
            (&damaged[1].ranges[..], damaged[1].coverage),
            (&[][..], Some(1.0)),
            "{name}: sound is whole"
        );
    }
}

#[test]
fn a_keyframe_that_is_gone_takes_its_pictures_along() {
    let folder = tempfile::tempdir().unwrap();
    let clip = film(folder.path(), "whole.mp4", "-c:v mjpeg -bf 0 -q:v 3");
    let mut bytes = fs::read(&clip).unwrap();
    for (_, place, size) in &packets(&clip, "v")[40..43] {
        bytes[*place..place + size].fill(0);
    }
    let damaged = map(&written(folder.path(), "holes.mp4", &bytes));
    let [lost] = of_kind(&damaged[0], DamageKind::Undecodable)[..] else { panic!("{damaged:?}") };
    assert_eq!((lost.start_seconds, lost.end_seconds, lost.count), (1.6, 1.72, 3));
    assert_eq!((frames(lost), damaged[0].coverage), ((40, 40), Some(0.97)));
    assert_eq!(damaged[0].totals.undecodable, 3);
}

#[test]
fn packets_that_were_left_out_are_a_gap_of_pictures_and_of_sound() {
    let folder = tempfile::tempdir().unwrap();
    let clip = film(folder.path(), "whole.mkv", "");
    let pictures = remuxed(&clip, "pictures.mkv", "-bsf:v noise=drop=between(n\\,50\\,74)");
    let damaged = map(&pictures);
    // The first picture is shown when the sound's encoder has begun, after 21 ms.
    let [gap] = of_kind(&damaged[0], DamageKind::Gap)[..] else { panic!("{damaged:?}") };
    assert_eq!((gap.start_seconds, gap.end_seconds, gap.count, frames(gap)), (2.021, 3.021, 25, (50, 50)));
    assert_eq!((damaged[0].coverage, damaged[1].coverage), (Some(0.75), Some(1.0)));

    let sound = remuxed(&clip, "sound.mkv", "-bsf:a noise=drop=between(n\\,50\\,96)");
    let damaged = map(&sound);
    let [gap] = of_kind(&damaged[1], DamageKind::Gap)[..] else { panic!("{damaged:?}") };
    assert!(near(gap.end_seconds - gap.start_seconds, 47.0 * 1024.0 / 48_000.0), "{gap:?}");
    assert!(near(gap.start_seconds, 50.0 * 1024.0 / 48_000.0), "{gap:?}");
    assert!(gap.start_frame.is_none() && near(damaged[1].coverage.unwrap(), 0.75), "{damaged:?}");
    assert_eq!(damaged[0].coverage, Some(1.0));
}

#[test]
fn lost_packets_of_a_transport_stream_are_errors_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let clip = film(folder.path(), "whole.ts", "");
    let bytes = fs::read(&clip).unwrap();
    let packets: Vec<&[u8]> = bytes.chunks_exact(188).collect();
    let is_video = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) == 0x100;
    let begins = |packet: &[u8]| is_video(packet) && packet[1] & 0x40 != 0;
    // The packets of the container after the first one of the 51st picture.
    let picture = (0..packets.len()).filter(|at| begins(packets[*at])).nth(50).unwrap();
    let mut of_it = (picture + 1..packets.len()).filter(|at| is_video(packets[*at]));
    let lost = [of_it.next().unwrap(), of_it.next().unwrap()];
    let kept = packets.iter().enumerate().filter(|(at, _)| !lost.contains(at)).map(|(_, packet)| *packet);
    let damaged = map(&written(folder.path(), "lost.ts", &kept.collect::<Vec<_>>().concat()));
    let errors = of_kind(&damaged[0], DamageKind::DecodeError);
    let at = |seconds: f64| {
        errors.iter().any(|range| range.start_seconds <= seconds && seconds < range.end_seconds)
    };
    let start = report(&clip).shots[0].segment.start_seconds;
    assert!(at(start + 2.001) && errors.len() == 1 && errors[0].count <= 2, "{start}: {errors:?}");
}

#[test]
fn of_a_film_that_is_cut_off_the_map_says_how_much_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [("cut.mp4", "-movflags +faststart"), ("cut.mkv", "")] {
        let bytes = fs::read(film(folder.path(), &format!("whole_{name}"), more)).unwrap();
        let damaged = map(&written(folder.path(), name, &bytes[..bytes.len() / 2]));
        for stream in &damaged {
            let [missing] = of_kind(stream, DamageKind::CutOff)[..] else { panic!("{name}: {damaged:?}") };
            assert!((3.95..4.1).contains(&missing.end_seconds), "{name}: {missing:?}");
            assert!((1.0..3.0).contains(&missing.start_seconds), "{name}: {missing:?}");
            let share = missing.start_seconds / missing.end_seconds;
            assert!((stream.coverage.unwrap() - share).abs() < 0.05, "{name}: {stream:?}");
        }
    }
}

#[test]
fn a_transport_stream_that_goes_on_elsewhere_has_a_gap_and_one_that_goes_back_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let early = film(folder.path(), "early.ts", "");
    let late = film(folder.path(), "late.ts", "-output_ts_offset 20");
    let [early, late] = [early, late].map(|clip| fs::read(clip).unwrap());
    let forward = map(&written(folder.path(), "forward.ts", &[&early[..], &late].concat()));
    for stream in &forward {
        let [gap] = of_kind(stream, DamageKind::Gap)[..] else { panic!("{forward:?}") };
        assert!((gap.end_seconds - gap.start_seconds - 16.0).abs() < 0.2, "{gap:?}");
        assert!((stream.coverage.unwrap() - 8.0 / 24.0).abs() < 0.01, "{stream:?}");
    }
    let back = map(&written(folder.path(), "back.ts", &[late, early].concat()));
    let [range] = of_kind(&back[0], DamageKind::Backwards)[..] else { panic!("{back:?}") };
    assert!((range.end_seconds - range.start_seconds - 24.0).abs() < 0.2, "{range:?}");
    assert_eq!(back[0].totals.backwards, 1);
}

#[test]
fn a_timestamp_that_two_packets_have_is_duplicated() {
    let folder = tempfile::tempdir().unwrap();
    let clip = film(folder.path(), "whole.mkv", "-c:v mjpeg -bf 0 -q:v 3");
    let repeated = remuxed(&clip, "repeated.mkv", "-bsf:v setts=ts=if(eq(N\\,30)\\,TS-40\\,TS)");
    let damaged = map(&repeated);
    let [range] = of_kind(&damaged[0], DamageKind::Duplicated)[..] else { panic!("{damaged:?}") };
    assert_eq!((range.start_seconds, range.count), (1.181, 1));
}
