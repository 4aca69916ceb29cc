//! Shots of the sample, joined anew.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{clips, sample};

/// Parts of shots of the sample, in which something moves: trim these frames, count them from 0.
const SHOTS: [(u32, u32); 4] = [(110, 178), (320, 400), (500, 580), (636, 698)];

/// A filter graph from the sample, at 24 frames per second; `[a]` to `[d]` are the first frames of the four shots.
pub(crate) fn from_sample(folder: &Path, name: &str, lengths: [u32; 4], graph: &str, codec: &str) -> PathBuf {
    let parts: Vec<_> = SHOTS
        .iter()
        .zip(lengths)
        .zip('a'..)
        .filter(|((_, length), _)| *length > 0)
        .map(|(((first, last), length), name)| {
            assert!(first + length <= *last);
            format!("[0]trim=start_frame={first}:end_frame={},{RENUMBER}[{name}];", first + length)
        })
        .collect();
    let parts = parts.concat();
    clips::make(
        folder,
        name,
        &format!("-i {} -filter_complex {parts}{graph} -fps_mode passthrough {codec}", small().display()),
    )
}

/// The sample, small: made once, for decoding it again and again takes long.
fn small() -> PathBuf {
    static SMALL: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        let codec = "-an -s 320x180 -c:v libx264 -preset ultrafast -qp 12 -g 1";
        let path = clips::make(folder.path(), "small.mkv", &format!("-i {} {codec}", sample().display()));
        (folder, path)
    };
    SMALL.get_or_init(make).1.clone()
}

/// Filters that follow each other want the same clock.
pub(crate) const RENUMBER: &str = "settb=1/24,setpts=N,fps=24,format=yuv420p,setsar=1";
