//! Decoders stay within their limits, end when they should, and leave nothing behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{clips, pieces, processes_of, program, sample};
use rustix::process::{Pid, getpriority_process};
use video_analysis::{Error, ErrorKind, Execution, Limits, Observer, Options, Progress, Stage, analyze};

/// The sample again and again: ten minutes.
fn long_film(folder: &Path) -> PathBuf {
    clips::make(folder, "long.mp4", &format!("-stream_loop 19 -i {} -c copy", sample().display()))
}

fn under(limits: Limits, film: &Path) -> Error {
    analyze(film, &Options::default(), &Execution { limits, ..pieces(1) }, &()).unwrap_err()
}

#[test]
fn a_decoder_that_needs_more_time_memory_or_output_than_it_may_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path());
    let none = Limits::default();
    for (what, limits) in [
        ("cpu", Limits { cpu: Duration::from_secs(1), ..none.clone() }),
        ("memory", Limits { memory: 60 << 20, ..none.clone() }),
        ("output", Limits { output: 1 << 20, ..none.clone() }),
        ("wall", Limits { wall: Duration::from_millis(700), ..none.clone() }),
    ] {
        let error = under(limits, &film);
        assert_eq!(error.kind(), ErrorKind::LimitsExceeded, "{what}: {error}");
        assert_eq!(processes_of(&film), [0u32; 0], "{what}");
    }
}

/// Notes how far the decoders stand back.
struct Witness<'a> {
    film: &'a Path,
    niceness: Mutex<Vec<i32>>,
}

impl Observer for Witness<'_> {
    fn progress(&self, progress: Progress) {
        let mut niceness = self.niceness.lock().unwrap();
        if progress.stage == Stage::Decode && progress.frames_done > 0 && niceness.is_empty() {
            let of = |process| getpriority_process(Pid::from_raw(i32::try_from(process).unwrap())).unwrap();
            niceness.extend(processes_of(self.film).into_iter().map(of));
        }
    }

    fn is_canceled(&self) -> bool {
        !self.niceness.lock().unwrap().is_empty()
    }
}

#[test]
fn decoders_stand_back_as_far_as_they_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path());
    let witness = Witness { film: &film, niceness: Mutex::default() };
    let limits = Limits { niceness: 7, ..Limits::default() };
    analyze(&film, &Options::default(), &Execution { limits, ..pieces(2) }, &witness).unwrap_err();
    let niceness = witness.niceness.into_inner().unwrap();
    let expected = getpriority_process(None).unwrap() + 7;
    assert!(
        !niceness.is_empty() && niceness.iter().all(|it| *it == expected),
        "{niceness:?}, not {expected}"
    );
}

/// Cancels as soon as pictures are being decoded, and notes what it was told.
struct Impatient {
    canceled: AtomicBool,
    at: Mutex<Option<Instant>>,
}

impl Observer for Impatient {
    fn progress(&self, progress: Progress) {
        if progress.stage == Stage::Decode
            && progress.frames_done > 0
            && !self.canceled.swap(true, Ordering::SeqCst)
        {
            *self.at.lock().unwrap() = Some(Instant::now());
        }
    }

    fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::SeqCst)
    }
}

#[test]
fn cancellation_ends_the_decoders_within_a_second_and_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path());
    let observer = Impatient { canceled: AtomicBool::new(false), at: Mutex::new(None) };
    let error = analyze(&film, &Options::default(), &pieces(3), &observer).unwrap_err();
    let canceled_at = observer.at.lock().unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert!(canceled_at.elapsed() < Duration::from_secs(1), "{:?}", canceled_at.elapsed());
    assert_eq!(processes_of(&film), [0u32; 0]);
}

#[test]
fn decoders_die_with_a_parent_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path());
    let mut parent = Command::new(env!("CARGO_BIN_EXE_video_analysis"))
        .args(["--segments", "2"])
        .arg(&film)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let decoders = || processes_of(&film).into_iter().filter(|pid| *pid != parent_pid(&parent)).count();
    // Two for pictures and, at first, one for sound; ffprobe runs alone before.
    assert!(within(Duration::from_secs(20), || decoders() >= 2), "no decoders started");
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(within(Duration::from_secs(2), || processes_of(&film).is_empty()), "{:?}", processes_of(&film));
}

fn parent_pid(parent: &std::process::Child) -> u32 {
    parent.id()
}

/// Whether something becomes true in time.
fn within(limit: Duration, mut fact: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if fact() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn a_decoder_that_is_not_installed_is_named_so() {
    let execution = Execution { ffmpeg: PathBuf::from("no-such-ffmpeg"), ..Execution::default() };
    let error = analyze(&sample(), &Options::default(), &execution, &()).unwrap_err();
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::DecoderMissing, true));
}

#[test]
fn a_decoder_that_crashes_is_named_so() {
    let folder = tempfile::tempdir().unwrap();
    let crash = folder.path().join("ffmpeg");
    program(&crash, "#!/bin/sh\nkill -SEGV $$\n");
    let execution = Execution { ffmpeg: crash, ..Execution::default() };
    let error = analyze(&sample(), &Options::default(), &execution, &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DecoderCrashed, "{error}");
}

/// Kills the decoder that it hears of first, as an operator or the kernel might.
struct Killer<'a> {
    film: &'a Path,
    done: AtomicBool,
}

impl Observer for Killer<'_> {
    fn progress(&self, progress: Progress) {
        if progress.stage == Stage::Decode
            && progress.frames_done > 0
            && !self.done.swap(true, Ordering::SeqCst)
        {
            for process in processes_of(self.film) {
                Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
            }
        }
    }
}

#[test]
fn a_decoder_that_is_killed_from_outside_is_the_machines_trouble_not_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path());
    let killer = Killer { film: &film, done: AtomicBool::new(false) };
    let error = analyze(&film, &Options::default(), &pieces(1), &killer).unwrap_err();
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::DecoderKilled, true), "{error}");
    assert_eq!(processes_of(&film), [0u32; 0]);
}
