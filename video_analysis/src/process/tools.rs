//! Where the decoder is, and which inputs it may open.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};
use crate::execution::Execution;

/// Demuxers that read one file and nothing else. Everything that names other files or addresses is missing: HLS, DASH,
/// concat, SDP, image sequences, playlists, devices, scripts.
const DEMUXERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,av1,obu,ivf,flv,ogg,\
asf,mxf,gxf,nut,yuv4mpegpipe,dv,rm,gif,wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,dts,amr,ape,wv,tta,mpc,mpc8,wtv";

/// Absolute paths of the two programs.
pub(crate) struct Tools {
    pub(crate) ffmpeg: PathBuf,
    pub(crate) ffprobe: PathBuf,
}

impl Tools {
    pub(crate) fn find(execution: &Execution) -> Result<Self, Error> {
        Ok(Self { ffmpeg: find(&execution.ffmpeg)?, ffprobe: find(&execution.ffprobe)? })
    }
}

/// Looked up here and not by `exec`, because the child gets no `PATH`.
fn find(program: &Path) -> Result<PathBuf, Error> {
    let runnable = |path: &PathBuf| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let found = if program.components().count() > 1 {
        std::path::absolute(program).ok().filter(runnable)
    } else {
        let directories = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        std::env::split_paths(&directories).map(|directory| directory.join(program)).find(runnable)
    };
    found.ok_or_else(|| Error::new(ErrorKind::DecoderMissing, format!("{} not found", program.display())))
}

/// The input as a URL that can be neither an option, nor another protocol, nor an image pattern.
pub(crate) fn input_url(input: &Path) -> Result<String, Error> {
    let absolute = std::path::absolute(input).map_err(|error| Error::io("input path", &error))?;
    let text = absolute
        .to_str()
        .ok_or_else(|| Error::new(ErrorKind::Io, format!("path is not UTF-8: {}", absolute.display())))?;
    Ok(format!("file:{text}"))
}

/// What both programs are told before an input: be quiet but for errors, open only this file, only by these demuxers, and
/// allocate no larger picture.
pub(crate) fn demuxing_rules(max_pixels: u64) -> Vec<String> {
    let max_pixels = max_pixels.to_string();
    [
        "-hide_banner",
        "-v",
        "error",
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        DEMUXERS,
        "-max_pixels",
    ]
    .into_iter()
    .chain([max_pixels.as_str()])
    .map(str::to_owned)
    .collect()
}
