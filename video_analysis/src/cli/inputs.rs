//! Which files are meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Failure;

/// How names of files end that the decoder's demuxers are for. In a folder there is much that is no film; a file that is
/// named is taken as it is.
const MEDIA: [&str; 62] = [
    "264", "265", "3g2", "3gp", "aac", "ac3", "aif", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dts",
    "dv", "eac3", "flac", "flv", "gif", "gxf", "h264", "h265", "hevc", "ivf", "m2t", "m2ts", "m2v", "m4a",
    "m4v", "mka", "mkv", "mov", "mp3", "mp4", "mpc", "mpeg", "mpg", "mts", "mxf", "nut", "obu", "oga", "ogg",
    "ogv", "opus", "qt", "rm", "rmvb", "tta", "ts", "vob", "vvc", "w64", "wav", "webm", "wma", "wmv", "wtv",
    "wv", "y4m", "yuv4mpeg",
];

/// A file to analyse.
pub(super) struct Input {
    pub(super) path: PathBuf,
    /// Where it is below the folder that was named; its name, where it was named itself.
    pub(super) place: PathBuf,
}

/// The files that `arguments` name, and those in the folders that they name: of each folder sorted, however deep, without
/// following links.
pub(super) fn collect(arguments: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    for argument in arguments {
        if !argument.is_dir() {
            let place = PathBuf::from(argument.file_name().unwrap_or(argument.as_os_str()));
            inputs.push(Input { path: argument.clone(), place });
            continue;
        }
        let found = inputs.len();
        for entry in WalkDir::new(argument).sort_by_file_name() {
            let entry = entry.map_err(|error| Failure::usage(error.to_string()))?;
            if entry.file_type().is_file() && is_media(entry.path()) {
                let place = entry.path().strip_prefix(argument).unwrap_or(entry.path()).to_owned();
                inputs.push(Input { path: entry.into_path(), place });
            }
        }
        if inputs.len() == found {
            return Err(Failure::usage(format!("{}: no video or audio files in there", argument.display())));
        }
    }
    Ok(inputs)
}

/// Fails where two files have one place, so that one result would take the other's.
pub(super) fn check_places(inputs: &[Input]) -> Result<(), Failure> {
    let mut taken: BTreeMap<&Path, &Path> = BTreeMap::new();
    for Input { path, place } in inputs {
        if let Some(other) = taken.insert(place, path) {
            let (one, other) = (path.display(), other.display());
            return Err(Failure::usage(format!(
                "{one} and {other} have the same name: their results would as well"
            )));
        }
    }
    Ok(())
}

fn is_media(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| MEDIA.contains(&extension.as_str()))
}
