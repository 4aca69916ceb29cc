//! How an analysis is run. Nothing here changes what is found.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::store::FeatureCache;

/// How the work is done: parallelism, limits and tools. Two runs with different `Execution`s give the same report, or one
/// of them gives an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Into how many pieces the pictures are cut; each is decoded by its own single-threaded process. What cannot be cut is decoded by
    /// one with as many threads as there are workers, four at most.
    pub segments: NonZeroUsize,
    /// How many decoders run at the same time, of pieces and of sound; the others queue.
    pub workers: NonZeroUsize,
    /// What one decoder process, and the whole analysis, may use.
    pub limits: Limits,
    /// Largest width × height of any video stream.
    pub max_pixels: u64,
    /// Longest duration of the file.
    pub max_duration: Duration,
    /// Most streams of the file.
    pub max_streams: usize,
    /// The `ffmpeg` program: a path, or a name looked up in `PATH`.
    pub ffmpeg: PathBuf,
    /// The `ffprobe` program: a path, or a name looked up in `PATH`.
    pub ffprobe: PathBuf,
    /// Where features are kept for the next analysis of the same bytes, and for one that goes on where another was interrupted.
    pub feature_cache: Option<FeatureCache>,
    /// Of how many pictures features stay in memory, 800 bytes each. Those of a longer film go to a file in `temporary`.
    pub pictures_in_memory: usize,
    /// The folder of that file, which has no name there and is gone with the process. A minute of film takes a megabyte; a folder
    /// that is in memory itself (tmpfs) would spare none.
    pub temporary: PathBuf,
}

/// What decoders may use. All but `wall` are enforced by the kernel on each process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of one process (`RLIMIT_CPU`).
    pub cpu: Duration,
    /// Address space of one process in bytes (`RLIMIT_AS`).
    pub memory: u64,
    /// Bytes that the decoders of one analysis may write to us, all together.
    pub output: u64,
    /// Wall time of the whole analysis.
    pub wall: Duration,
    /// How far each process stands back for others that want the processor (`nice`): 0, not at all, to 19.
    pub niceness: u8,
}

impl Default for Limits {
    /// Generous for a long film, small for a machine: two hours of CPU and wall, 2 GiB, 64 GiB of decoded output
    /// (four hours of eight-channel sound at 48 kHz are 22 GiB).
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            cpu: Duration::from_hours(2),
            memory: 2 * GIB,
            output: 64 * GIB,
            wall: Duration::from_hours(2),
            niceness: 0,
        }
    }
}

impl Default for Execution {
    /// As many pieces as cores, but two at least; 8192 × 4608 pixels, 12 hours, 128 streams; tools from `PATH`; no cache; 8192
    /// pictures in memory, which are six minutes and 6 MB, the others in the system's temporary folder.
    fn default() -> Self {
        const TWO: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
        let cores = std::thread::available_parallelism().unwrap_or(TWO).max(TWO);
        Self {
            segments: cores,
            workers: cores,
            limits: Limits::default(),
            max_pixels: 8192 * 4608,
            max_duration: Duration::from_hours(12),
            max_streams: 128,
            ffmpeg: PathBuf::from("ffmpeg"),
            ffprobe: PathBuf::from("ffprobe"),
            feature_cache: None,
            pictures_in_memory: 8192,
            temporary: std::env::temp_dir(),
        }
    }
}
