//! Frame-accurate analysis of video and audio files on ordinary processors.
//!
//! [`analyze`] decodes a file once, by `ffmpeg` child processes under strict limits, and gives a [`Report`]: container,
//! streams, shots, fades, black and silent ranges, EBU R 128 loudness, a poster. The report has the same bytes however
//! the work was split, which its digest makes easy to check.
//!
//! ```no_run
//! use std::path::Path;
//! use video_analysis::{Execution, Options, analyze};
//!
//! let report = analyze(Path::new("film.mp4"), &Options::default(), &Execution::default(), &())?;
//! for shot in &report.shots {
//!     println!("{:?} at {:.3} s", shot.opened_by, shot.segment.start_seconds);
//! }
//! # Ok::<(), video_analysis::Error>(())
//! ```
//!
//! `ffmpeg` and `ffprobe` 5.1 or newer must be installed. Nothing here is asynchronous: call it from a thread of its own.

mod analyze;
mod decode;
mod detect;
mod digest;
mod error;
mod execution;
mod features;
mod numeric;
mod observer;
mod options;
mod poster;
mod probe;
mod process;
mod rational;
pub mod report;
#[cfg(feature = "utoipa")]
mod schema;
mod store;

pub use analyze::analyze;
pub use detect::detector_names;
pub use error::{Error, ErrorKind};
pub use execution::{Execution, Limits};
pub use observer::{Observer, Progress, Stage};
pub use options::{BlackOptions, InvalidOption, InvalidOptions, Options, ShotOptions, SilenceOptions};
pub use poster::poster_jpeg;
pub use rational::{NotRational, Rational};
pub use report::Report;
#[cfg(feature = "utoipa")]
pub use schema::options_schema;
pub use store::FeatureCache;
