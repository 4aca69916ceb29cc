//! What a decoder may see and do, asked of one that is worse than FFmpeg: a script that tries.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::support::{program, sample};
use landlock::{AccessFs, Ruleset, RulesetAttr as _};
use video_analysis::{Error, Execution, Limits, Options, analyze};

fn kernel_has_landlock() -> bool {
    let rules = Ruleset::default().handle_access(AccessFs::ReadFile).unwrap().create().unwrap();
    let has = Option::<OwnedFd>::from(rules).is_some();
    if !has {
        eprintln!("not tested: this kernel has no Landlock");
    }
    has
}

/// What a script in the place of ffprobe says on standard error, being given `input`.
fn tried(folder: &Path, script: &str, input: &Path) -> Error {
    let path = folder.join("ffprobe");
    program(&path, &format!("#!/bin/sh\n{script}\nexit 1\n"));
    let execution = Execution { ffprobe: path, ..Execution::default() };
    analyze(input, &Options::default(), &execution, &()).unwrap_err()
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_decoder_reads_its_input_and_nothing_else_of_anybodys() {
    if !kernel_has_landlock() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = file(folder.path(), "input.mp4", "the input");
    let neighbour = file(folder.path(), "neighbour.mp4", "of somebody else");
    let link = folder.path().join("link.mp4");
    std::os::unix::fs::symlink(&neighbour, &link).unwrap();
    let script = format!(
        "{{ cat '{}'; cat '{}'; cat '{}'; ls '{}'; cat /etc/passwd; cat /proc/$PPID/environ; cat /proc/self/status; }} >&2",
        input.display(),
        neighbour.display(),
        link.display(),
        folder.path().display(),
    );
    let said = tried(folder.path(), &script, &input).to_string();
    assert!(said.contains("the input"), "{said}");
    assert_eq!(said.matches("Permission denied").count(), 6, "{said}");
    for secret in ["of somebody else", "root:", "PATH=", "Name:"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn a_decoder_makes_changes_and_removes_nothing() {
    if !kernel_has_landlock() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = file(folder.path(), "input.mp4", "the input");
    let script = format!(
        "cd '{}'; : > new; : > input.mp4; mkdir folder; rm input.mp4; mv input.mp4 moved.mp4; ln input.mp4 linked.mp4; : > /dev/shm/kadr-left",
        folder.path().display()
    );
    tried(folder.path(), &script, &input);
    assert_eq!(fs::read_to_string(&input).unwrap(), "the input");
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["ffprobe", "input.mp4"]);
    assert!(!Path::new("/dev/shm/kadr-left").exists());
}

#[test]
fn a_decoder_touches_no_other_process() {
    if !kernel_has_landlock() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = file(folder.path(), "input.mp4", "the input");
    // Signal 0 asks whether another one could be sent: the kernel forbids it across Landlock's borders since 6.12.
    let said = tried(folder.path(), "kill -0 $PPID && echo reached >&2", &input).to_string();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut version = release.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let scoped = (version.next(), version.next()) >= (Some(6), Some(12));
    assert_eq!(said.contains("reached"), !scoped, "{release}: {said}");
}

#[test]
fn limits_of_a_decoder_are_the_kernels() {
    let folder = tempfile::tempdir().unwrap();
    let script = "{ ulimit -Ha | sed 's/^/limit /'; } >&2";
    let limits = Limits { cpu: std::time::Duration::from_secs(77), memory: 123 << 20, ..Limits::default() };
    let path = folder.path().join("ffprobe");
    program(&path, &format!("#!/bin/sh\n{script}\nexit 1\n"));
    let execution = Execution { ffprobe: path, limits, ..Execution::default() };
    let said = analyze(&sample(), &Options::default(), &execution, &()).unwrap_err().to_string();
    for (what, most) in [
        ("time(seconds)", "77"),
        ("file(blocks)", "0"),
        ("coredump(blocks)", "0"),
        ("vmemory(kbytes)", "125952"),
        ("nofiles", "64"),
    ] {
        let line = said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {said}"));
        assert!(line.ends_with(&format!(" {most}")), "{line}");
    }
}
