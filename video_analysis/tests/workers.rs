//! No more decoders run at the same time than there are workers, of pictures and sound together. In a file of its own, for it counts
//! the children of its process.

#![cfg(test)]

#[expect(dead_code, reason = "this test needs few of the helpers")]
mod support;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{clips, sample};
use video_analysis::{Execution, Observer, Options, Progress, Report, analyze};

/// Counts decoders whenever something is told.
#[derive(Default)]
struct Counter {
    most: AtomicUsize,
}

impl Observer for Counter {
    fn progress(&self, _: Progress) {
        self.most.fetch_max(decoders(), Ordering::Relaxed);
    }

    fn is_canceled(&self) -> bool {
        self.most.fetch_max(decoders(), Ordering::Relaxed);
        false
    }
}

/// How many children of this process, of any of its threads, are `ffmpeg` and have not ended.
fn decoders() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let children =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let children: Vec<String> =
        children.flat_map(|list| list.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    let is_decoder = |child: &&String| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.contains("(ffmpeg) ") && !stat.contains("(ffmpeg) Z")
    };
    children.iter().filter(is_decoder).count()
}

/// A second of pictures and ten minutes of sound: bars are looked for while it is still heard.
fn mostly_sound(folder: &Path) -> PathBuf {
    let sources = "-f lavfi -i testsrc2=s=320x180:r=25:d=1 -f lavfi -i sine=440:d=600";
    clips::make(folder, "heard.mp4", &format!("{sources} -c:v libx264 -g 5 -c:a aac"))
}

#[test]
fn pictures_and_sound_together_have_as_many_decoders_as_there_are_workers() {
    let folder = tempfile::tempdir().unwrap();
    for film in [sample(), mostly_sound(folder.path())] {
        let [one, two] = [1, 2].map(|workers| report_of(&film, workers));
        assert!(one.frames > 0 && one.loudness.is_some());
        assert_eq!(one, two);
    }
}

/// The report, by at most so many decoders at a time.
fn report_of(film: &Path, workers: usize) -> Report {
    let execution = Execution {
        segments: NonZeroUsize::new(3).unwrap(),
        workers: NonZeroUsize::new(workers).unwrap(),
        ..Execution::default()
    };
    let counter = Counter::default();
    let report = analyze(film, &Options::default(), &execution, &counter).unwrap();
    let most = counter.most.into_inner();
    assert!((1..=workers).contains(&most), "{most} decoders of {workers} workers");
    report
}
