//! An analysis that was interrupted goes on with what is missing, and comes to the same report.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

use crate::support::{clips, packets, pieces, program};
use video_analysis::{
    DetectorName, ErrorKind, Execution, FeatureCache, Observer, Options, Progress, Stage, analyze,
};

/// Four thousand pictures, a stretch of them being 500 and what is left to the next keyframe; and a tone.
fn film(folder: &Path, name: &str, codec: &str) -> PathBuf {
    let fades = "fade=out:st=60:d=1:enable=lt(t\\,62),fade=in:st=62:d=1:enable=gte(t\\,62)";
    let pictures = format!("testsrc2=s=128x72:r=25:d=160,{fades}");
    let sources = format!("-f lavfi -i {pictures} -f lavfi -i sine=440:d=160");
    clips::make(folder, name, &format!("{sources} -c:v {codec} -c:a aac"))
}

const X264: &str = "libx264 -preset ultrafast -bf 2 -g 40";

fn with_cache(folder: &Path, count: usize) -> Execution {
    let cache = FeatureCache::new(folder.join("features"), u64::MAX);
    Execution { feature_cache: Some(cache), ..pieces(count) }
}

fn bytes(input: &Path, execution: &Execution, observer: &dyn Observer) -> String {
    let report = analyze(input, &Options::default(), execution, observer).unwrap();
    assert_eq!(report.detectors.len(), DetectorName::ALL.len());
    String::from_utf8(report.canonical_json().unwrap()).unwrap()
}

/// Files of kept features with this ending.
fn kept(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("features")).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(ending));
    paths.sort();
    paths
}

/// Cancels when so many pictures are decoded: until that is noticed, no more are counted.
struct CancelAt {
    pictures: u64,
    /// The folder in which sound must be kept before.
    sound: Option<PathBuf>,
    reached: AtomicBool,
    noticed: Mutex<bool>,
    wake: Condvar,
}

impl CancelAt {
    fn new(pictures: u64) -> Self {
        Self {
            pictures,
            sound: None,
            reached: AtomicBool::new(false),
            noticed: Mutex::new(false),
            wake: Condvar::new(),
        }
    }
}

impl Observer for CancelAt {
    fn progress(&self, progress: Progress) {
        if progress.frames_done >= self.pictures {
            while self.sound.as_ref().is_some_and(|folder| kept(folder, ".features").is_empty()) {
                std::thread::yield_now();
            }
            self.reached.store(true, Ordering::SeqCst);
            let noticed = self.noticed.lock().unwrap();
            drop(self.wake.wait_while(noticed, |noticed| !*noticed).unwrap());
        }
    }

    fn is_canceled(&self) -> bool {
        let canceled = self.reached.load(Ordering::SeqCst);
        if canceled {
            *self.noticed.lock().unwrap() = true;
            self.wake.notify_all();
        }
        canceled
    }
}

fn interrupt(input: &Path, execution: &Execution, pictures: u64) {
    interrupt_by(&CancelAt::new(pictures), input, execution);
}

fn interrupt_by(observer: &CancelAt, input: &Path, execution: &Execution) {
    let error = analyze(input, &Options::default(), execution, observer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
}

/// How many pictures were there when decoding began.
#[derive(Default)]
struct Beginning(Mutex<Option<u64>>);

impl Observer for Beginning {
    fn progress(&self, progress: Progress) {
        // The first call of this stage says that it begins.
        if progress.stage == Stage::Decode && progress.fraction > 0.021 {
            self.0.lock().unwrap().get_or_insert(progress.frames_done);
        }
    }
}

#[test]
fn whenever_it_was_canceled_and_however_it_is_split_then_the_report_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec) in [("film.mp4", X264), ("film.mkv", "libvpx-vp9 -deadline realtime -cpu-used 8 -g 40")]
    {
        let film = film(folder.path(), name, codec);
        let expected = bytes(&film, &pieces(3), &());
        for (canceled_at, first, then) in [(1200, 1, 3), (2000, 2, 1), (2600, 3, 7), (3600, 2, 2)] {
            let folder = tempfile::tempdir().unwrap();
            interrupt(&film, &with_cache(folder.path(), first), canceled_at);
            let stretches = kept(folder.path(), ".stretch").len();
            assert!(stretches > 0, "{name} at {canceled_at} in {first}");
            let beginning = Beginning::default();
            assert_eq!(
                bytes(&film, &with_cache(folder.path(), then), &beginning),
                expected,
                "{name} at {canceled_at}"
            );
            let known = beginning.0.into_inner().unwrap().unwrap();
            assert!(known >= 500, "{name} at {canceled_at}: {known} pictures of {stretches} stretches");
            assert_eq!(kept(folder.path(), ".stretch"), Vec::<PathBuf>::new(), "the whole is kept");
            assert_eq!(kept(folder.path(), ".features").len(), 1);
        }
    }
}

#[test]
fn interrupted_again_and_again_it_still_gets_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), "film.mp4", X264);
    let mut known = Vec::new();
    for (canceled_at, count) in [(1200, 2), (2200, 1), (3600, 3)] {
        interrupt(&film, &with_cache(folder.path(), count), canceled_at);
        known.push(kept(folder.path(), ".stretch").len());
    }
    assert!(known[0] > 0 && known.is_sorted() && known[2] > known[0], "{known:?}");
    assert_eq!(bytes(&film, &with_cache(folder.path(), 2), &()), bytes(&film, &pieces(2), &()));
}

#[test]
fn what_is_kept_is_not_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), "film.mp4", X264);
    let with_sound = CancelAt { sound: Some(folder.path().to_owned()), ..CancelAt::new(2500) };
    interrupt_by(&with_sound, &film, &with_cache(folder.path(), 1));
    // Pictures from the beginning on are refused to it, and so is sound, which was there before.
    let refusing = folder.path().join("refusing");
    let script =
        "#!/bin/sh\ncase \"$*\" in *-ss*scale=48:27*|*trim=start_pts*) exec ffmpeg \"$@\" ;; esac\nexit 1\n";
    program(&refusing, script);
    let execution = Execution { ffmpeg: refusing.clone(), ..with_cache(folder.path(), 1) };
    assert_eq!(bytes(&film, &execution, &()), bytes(&film, &pieces(1), &()));
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = Execution { ffmpeg: refusing, ..with_cache(elsewhere.path(), 1) };
    assert!(analyze(&film, &Options::default(), &refused, &()).is_err(), "there is something to decode");
}

#[test]
fn a_killed_program_leaves_what_the_next_one_goes_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), "film.mp4", X264);
    let expected = bytes(&film, &pieces(2), &());
    for stretches in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_video_analysis"))
            .args(["analyze", "--segments", "2", "--feature-cache"])
            .args([&folder.path().join("features"), &film])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while kept(folder.path(), ".stretch").len() < stretches && program.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        program.kill().unwrap();
        program.wait().unwrap();
        assert_eq!(bytes(&film, &with_cache(folder.path(), 3), &()), expected, "after {stretches}");
        assert_eq!(kept(folder.path(), ".stretch"), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_stretch_that_was_spoilt_is_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), "film.mp4", X264);
    interrupt(&film, &with_cache(folder.path(), 2), 2600);
    let stretches = kept(folder.path(), ".stretch");
    let mut spoilt = std::fs::read(&stretches[0]).unwrap();
    *spoilt.last_mut().unwrap() ^= 1;
    std::fs::write(&stretches[0], spoilt).unwrap();
    // Of another range, under the name of one that is missing.
    let name = stretches[1].to_str().unwrap().replace(".stretch", "0.stretch");
    std::fs::copy(&stretches[1], name).unwrap();
    assert_eq!(bytes(&film, &with_cache(folder.path(), 3), &()), bytes(&film, &pieces(3), &()));
}

#[test]
fn what_cannot_be_cut_or_is_damaged_further_on_is_decoded_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let whole = film(folder.path(), "film.mp4", X264);
    let mut spoilt = std::fs::read(&whole).unwrap();
    // Within a keyframe, where only who decodes it notices.
    let (_, place, size) = packets(&whole, "v")[3200];
    spoilt[place + size / 2..place + size - 8].fill(0x55);
    let damaged = folder.path().join("damaged.mp4");
    std::fs::write(&damaged, spoilt).unwrap();
    let stream = film(folder.path(), "film.ts", X264);
    for (film, has_stretches) in [(damaged, true), (stream, false)] {
        let folder = tempfile::tempdir().unwrap();
        interrupt(&film, &with_cache(folder.path(), 1), 2500);
        assert_eq!(!kept(folder.path(), ".stretch").is_empty(), has_stretches, "{}", film.display());
        let resumed = bytes(&film, &with_cache(folder.path(), 3), &());
        assert_eq!(resumed, bytes(&film, &pieces(1), &()), "{}", film.display());
        assert_eq!(resumed.contains("\"damaged\":true"), has_stretches);
        assert_eq!(kept(folder.path(), ".stretch"), Vec::<PathBuf>::new());
    }
}
