//! The time model against ffprobe's, picture by picture.

use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::pieces::Pieces;
use super::video::decode_side_by_side;
use super::{Pictures, VideoJob, decode_pictures, luma_of_keyframes, luma_of_picture};
use crate::analyze::watched;
use crate::digest::identify;
use crate::error::Error;
use crate::execution::Execution;
use crate::features::Room;
use crate::observer::Tracker;
use crate::probe::{PacketIndex, probe};
use crate::process::Processes;
use crate::store::{FeatureCache, Key, Stretches};

#[path = "../../tests/support/clips.rs"]
mod clips;

fn decode(input: &Path, pieces: usize) -> Pictures {
    let execution = Execution { segments: NonZeroUsize::new(pieces).unwrap(), ..Execution::default() };
    decode_by(input, &execution)
}

fn decode_by(input: &Path, execution: &Execution) -> Pictures {
    with_job(input, execution, decode_pictures)
}

/// What there is to decode, with what is kept in the execution's cache, if it has one.
fn with_job<T>(
    input: &Path,
    execution: &Execution,
    work: impl FnOnce(&VideoJob<'_>) -> Result<T, Error>,
) -> T {
    let stretches = execution.feature_cache.as_ref().map(Stretches::new);
    let processes = Processes::new(input, execution).unwrap();
    let done = watched(&processes, execution, &(), || {
        let (probe, track, _) = probe(input, execution, &processes)?;
        let track = track.unwrap();
        if let Some(stretches) = &stretches {
            let identity = identify(input, &processes.watch)?;
            stretches.belong_to(&Key::new(&identity, &probe.decoder, Some(track.index), &[]));
        }
        let index = PacketIndex::read(&probe.url, track.index, execution.max_pixels, &processes)?;
        let tracker = Tracker::new(&());
        work(&VideoJob {
            probe: &probe,
            track: &track,
            index: &index,
            execution,
            processes: &processes,
            tracker: &tracker,
            stretches: stretches.as_ref(),
        })
    });
    done.unwrap()
}

/// Timestamps of all pictures in the order ffprobe decodes them; `None` where the format has none.
fn ffprobe(input: &Path) -> Vec<Option<i64>> {
    ffprobe_of(input, "v:0")
}

fn ffprobe_of(input: &Path, stream: &str) -> Vec<Option<i64>> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            stream,
            "-show_frames",
            "-show_entries",
            "frame=best_effort_timestamp",
        ])
        .args(["-of", "default=nw=1"])
        .arg(input)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("best_effort_timestamp="))
        .map(|pts| pts.parse().ok())
        .collect()
}

fn timestamps(pictures: &Pictures) -> Vec<Option<i64>> {
    pictures.features.frames.pts().iter().copied().map(Some).collect()
}

/// Varieties that need not be cut: without an index, or without timestamps from which it is certain where a piece begins.
const IN_ONE: [&str; 9] = [
    "open_gop.mp4",
    "mpeg4_b.avi",
    "vp8.webm",
    "h264.ts",
    "mpeg2.ts",
    "mpeg2.mpg",
    "h264.flv",
    "raw.h264",
    "begins_before_zero.mp4",
];

#[test]
fn every_picture_has_ffprobes_ordinal_and_timestamp_in_every_container_and_codec() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for variety in &clips::VARIETIES {
        let clip = variety.make(folder.path());
        let expected = ffprobe(&clip);
        assert!(expected.len() > 20, "{}: {} pictures", variety.name, expected.len());
        for pieces in [1, 3] {
            let pictures = decode(&clip, pieces);
            let found = timestamps(&pictures);
            // A bare bit stream has no timestamps: FFmpeg counts pictures.
            let same =
                if expected.contains(&None) { found.len() == expected.len() } else { found == expected };
            let split = pictures.pieces == pieces || IN_ONE.contains(&variety.name);
            if !same || !split || pictures.damaged {
                wrong.push(format!(
                    "{} in {pieces}: {} pictures of {}, same={same} pieces={} damaged={}",
                    variety.name,
                    found.len(),
                    expected.len(),
                    pictures.pieces,
                    pictures.damaged
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn keyframes_that_one_process_decodes_are_those_that_are_decoded_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["open_gop.mp4", "mpeg2_open.mkv"] {
        let variety = clips::VARIETIES.iter().find(|variety| variety.name == name).unwrap();
        with_job(&variety.make(folder.path()), &Execution::default(), |job| {
            let keyframes: Vec<i64> = job.index.keyframes.iter().map(|keyframe| keyframe.pts).collect();
            let chosen = [keyframes[1], keyframes[2], keyframes[5]];
            assert_eq!(job.index.keyframes_between(chosen[0], chosen[2]), 5);
            let seen = |timestamps: &[i64]| {
                let mut seen = Vec::new();
                luma_of_keyframes(job, timestamps, job.track.size, |luma| seen.push(luma.to_vec()))
                    .map(|()| seen)
            };
            for (pts, luma) in chosen.iter().zip(seen(&chosen)?) {
                assert_eq!(luma_of_picture(job, *pts, job.track.size)?, Some(luma), "{name}: {pts}");
            }
            assert_eq!(seen(&chosen)?.len(), 3, "{name}");
            assert_eq!(seen(&[chosen[0], chosen[0] + 1, chosen[2]])?.len(), 2, "{name}: one that is none");
            Ok(())
        });
    }
}

#[test]
fn an_edit_list_shifts_and_hides_pictures_as_ffprobe_says() {
    let folder = tempfile::tempdir().unwrap();
    let whole = clips::four_scenes(folder.path(), "whole.mp4", "-c:v libx264 -bf 2 -g 24");
    let cut = format!("-ss 0.5 -i {} -c copy", whole.display());
    let cut = clips::make(folder.path(), "cut.mp4", &cut);
    let expected = ffprobe(&cut);
    assert!(expected.len() < 100);
    for pieces in [1, 3] {
        assert_eq!(timestamps(&decode(&cut, pieces)), expected, "in {pieces}");
    }
}

#[test]
fn where_time_goes_back_every_picture_has_ffprobes_timestamp() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, arguments: &str| {
        std::fs::read(clips::four_scenes(folder.path(), name, arguments)).unwrap()
    };
    // One that begins anew, one that goes on before it began, and one that goes back twice.
    let codec = "-c:v libx264 -bf 2 -g 24";
    let (one, late) = (bytes("one.ts", codec), bytes("late.ts", &format!("{codec} -output_ts_offset 20")));
    let programs = bytes("one.mpg", "-c:v mpeg2video -bf 2 -g 24");
    let joined = [
        ("anew.ts", [&one[..], &one].concat()),
        ("before.ts", [&late[..], &one].concat()),
        ("twice.ts", [&late[..], &one, &one].concat()),
        ("anew.mpg", [&programs[..], &programs].concat()),
    ];
    for (name, bytes) in joined {
        let clip = folder.path().join(name);
        std::fs::write(&clip, bytes).unwrap();
        let expected = ffprobe(&clip);
        assert!(expected.windows(2).any(|pair| pair[1] < pair[0]), "{name}");
        for pieces in [1, 3] {
            let found = timestamps(&decode(&clip, pieces));
            assert_eq!(found.len(), expected.len(), "{name} in {pieces}");
            // The last picture of a program stream may have none.
            let told = found.iter().zip(&expected).filter(|(_, expected)| expected.is_some());
            assert!(told.clone().count() + 1 >= found.len(), "{name}");
            assert!(told.clone().all(|(found, expected)| found == expected), "{name} in {pieces}: {found:?}");
        }
    }
}

#[test]
fn of_several_streams_and_a_cover_the_analysed_one_has_ffprobes_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips::four_scenes(folder.path(), "clip.mp4", "-c:v libx264 -bf 2 -g 24");
    let cover = clips::make(folder.path(), "cover.png", "-f lavfi -i testsrc -frames:v 1");
    // Of the two films the second is the one to be played; the muxer puts the cover behind them.
    let arguments = format!(
        "-i {cover} -i {clip} -f lavfi -i sine=d=4 -f lavfi -i sine=440:d=4 -f lavfi -i testsrc=d=2 -map 0 -map 4 -map 1 -map 2 -map 3 \
         -c copy -c:v:1 mpeg4 -c:a aac -disposition:v:0 attached_pic -disposition:v:1 0 -disposition:v:2 default",
        cover = cover.display(),
        clip = clip.display()
    );
    let several = clips::make(folder.path(), "several.mp4", &arguments);
    let expected = ffprobe_of(&several, "v:1");
    assert_eq!(expected.len(), 100);
    for pieces in [1, 3] {
        assert_eq!(timestamps(&decode(&several, pieces)), expected, "in {pieces}");
    }
}

/// Three thousand pictures that move.
fn long(folder: &Path, name: &str, codec: &str) -> PathBuf {
    clips::make(folder, name, &format!("-f lavfi -i testsrc2=s=640x360:r=25:d=120 {codec}"))
}

#[test]
fn decoders_that_take_over_half_of_what_others_have_left_give_what_one_gives() {
    let folder = tempfile::tempdir().unwrap();
    let two = NonZeroUsize::new(2).unwrap();
    let films = [
        ("closed.mp4", "-c:v libx264 -preset ultrafast -bf 2 -g 40", true),
        ("open.mkv", "-c:v mpeg2video -bf 2 -g 40 -q:v 3", true),
        // Its keyframes are whole pictures some time later only.
        ("refreshed.mp4", "-c:v libx264 -preset ultrafast -x264-params intra-refresh=1:keyint=40", false),
    ];
    for (name, codec, joins) in films {
        let film = long(folder.path(), name, codec);
        let whole = decode(&film, 1);
        assert_eq!((whole.pieces, whole.features.frames.len()), (1, 3000), "{name}");
        let cache = FeatureCache::new(folder.path().join(name).with_extension("features"), u64::MAX);
        let execution =
            Execution { segments: two, workers: two, feature_cache: Some(cache), ..Execution::default() };
        // One piece and two decoders: the second of them finds nothing that is not begun.
        let (divided, count) = with_job(&film, &execution, |job| {
            let pieces = Pieces::new(job, iter::once(0..3000).collect());
            let divided = decode_side_by_side(job, &pieces, Vec::new(), &Room::new(&execution))?;
            Ok((divided, pieces.count()))
        });
        assert!(count >= 2, "{name}: {count} decoders");
        assert_eq!(divided.is_some(), joins, "{name}");
        if let Some(divided) = divided {
            assert!(divided.frames == whole.features.frames, "{name}");
        }
        // What each of them has kept is all of it.
        let again = decode_by(&film, &execution);
        assert_eq!(again.pieces, usize::from(!joins), "{name}: decoded again");
        assert!(again.features.frames == whole.features.frames, "{name}: as it was kept");
    }
}
