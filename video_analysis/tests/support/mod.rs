//! What the integration tests share.

pub(crate) mod clips;
pub(crate) mod joined;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use video_analysis::report::{DetectorRun, Report, Segment};
use video_analysis::{Error, Execution, Options, analyze};

pub(crate) fn pieces(count: usize) -> Execution {
    Execution { segments: NonZeroUsize::new(count).unwrap(), ..Execution::default() }
}

pub(crate) fn try_report(input: &Path) -> Result<Report, Error> {
    analyze(input, &Options::default(), &Execution::default(), &())
}

pub(crate) fn report(input: &Path) -> Report {
    try_report(input).unwrap()
}

pub(crate) fn detector<'a>(report: &'a Report, name: &str) -> &'a DetectorRun {
    report.detectors.iter().find(|run| run.name == name).unwrap()
}

/// First frames of the shots.
pub(crate) fn starts(report: &Report) -> Vec<u64> {
    report.shots.iter().map(|shot| shot.segment.start_frame.unwrap()).collect()
}

pub(crate) fn frames(segment: &Segment) -> (u64, u64) {
    (segment.start_frame.unwrap(), segment.end_frame.unwrap())
}

pub(crate) fn seconds(segment: &Segment) -> (f64, f64) {
    (segment.start_seconds, segment.end_seconds)
}

/// A number as a float, exactly.
pub(crate) fn exact(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap())
}

/// An ffmpeg that takes only arguments that contain `what`; nothing at all where it is empty.
pub(crate) fn ffmpeg_only_for(what: &str, folder: &Path) -> PathBuf {
    let path = folder.join(format!("ffmpeg_only_for_{what}"));
    let script = match what {
        "" => "#!/bin/sh\nexit 1\n".to_owned(),
        what => format!("#!/bin/sh\ncase \"$*\" in *{what}*) exec ffmpeg \"$@\" ;; esac\nexit 1\n"),
    };
    program(&path, &script);
    path
}

/// Writes a script that stands in for a program. Another process does it: what this one has open for writing, no one can run, and
/// a child that some other test has just forked would have it open for a moment more.
pub(crate) fn program(path: &Path, script: &str) {
    let write = ["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""];
    assert!(Command::new("sh").args(write).arg(path).arg(script).status().unwrap().success());
}

/// Pictures that fade to black and back, sound that comes and goes.
pub(crate) fn fading(folder: &Path) -> PathBuf {
    let tone = "if(between(mod(t\\,2)\\,0.5\\,1.2)\\,0.02\\,0.4)*sin(2000*t)*lt(t\\,4.4)";
    let graph = format!(
        "testsrc2=s=320x180:r=25:d=6,fade=out:st=2:d=0.6,fade=in:st=3.2:d=0.6:enable=gte(t\\,2.7);\
         aevalsrc={tone}|{tone}*if(lt(t\\,0.3)\\,6\\,1):d=6:s=48000:c=stereo"
    );
    clips::make(folder, "fading.mkv", &format!("-filter_complex {graph} -c:v libx264 -c:a flac"))
}

/// The film that the repository ships.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/big_buck_bunny_30s.mp4")
}

/// Timestamps, places in the file and sizes of a stream's packets, in the order of the file.
pub(crate) fn packets(clip: &Path, stream: &str) -> Vec<(i64, usize, usize)> {
    let entries = ["-show_entries", "packet=pts,pos,size", "-of", "default=nk=1:nw=1"];
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream])
        .args(entries)
        .arg(clip)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<i64> = text.lines().map(|line| line.parse().unwrap()).collect();
    // In ffprobe's own order: pts, size, pos.
    let place = |number: i64| usize::try_from(number).unwrap();
    numbers.chunks_exact(3).map(|packet| (packet[0], place(packet[2]), place(packet[1]))).collect()
}

/// Processes whose command line mentions `what`, as `/proc` shows them; zombies have none.
pub(crate) fn processes_of(what: &Path) -> Vec<u32> {
    let what = what.to_str().unwrap().as_bytes();
    let mentions = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.windows(what.len()).any(|window| window == what))
    };
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id()).filter(mentions).collect()
}
