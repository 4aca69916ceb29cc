//! Clips by the installed ffmpeg, from its own sources and with its own encoders.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Failure;

/// Writes `name` in `folder`, from a filter graph and the rest of the arguments, separated by blanks.
pub(super) fn clip(folder: &Path, name: &str, graph: &str, arguments: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-filter_complex_threads", "1", "-filter_complex", graph])
        .args(arguments.split_whitespace())
        .args(["-threads", "1", "-flags", "+bitexact", "-fflags", "+bitexact"])
        .arg(&path)
        .output()
        .map_err(|error| Failure::writing("ffmpeg", &error))?;
    if output.status.success() {
        Ok(path)
    } else {
        Err(Failure::failed(format!(
            "ffmpeg cannot make {name}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )))
    }
}
