//! Frame-accurate analysis of video and audio files on ordinary processors.
//!
//! [`analyze`] decodes a file once, by `ffmpeg` child processes under strict limits, and gives a [`Report`]: container,
//! streams, shots, fades, black and silent ranges, EBU R 128 loudness, a poster. The report has the same bytes however
//! the work was split, which its digest makes easy to check.
//!
//! ```
//! use std::path::Path;
//! use video_analysis::export::{Format, Media, export};
//! use video_analysis::{Execution, Observer, Options, Progress, analyze};
//!
//! /// Shows how far it is; `is_canceled` would end it.
//! struct Percent;
//!
//! impl Observer for Percent {
//!     fn progress(&self, progress: Progress) {
//!         eprintln!("{:?}: {:.0} %", progress.stage, progress.fraction * 100.0);
//!     }
//! }
//!
//! // Half a minute of the film that the repository ships.
//! let film = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/big_buck_bunny_30s.mp4"));
//! let report = analyze(film, &Options::default(), &Execution::default(), &Percent)?;
//! for shot in &report.shots {
//!     println!("{:?} at {:.3} s", shot.opened_by, shot.segment.start_seconds);
//! }
//! assert_eq!((report.frames, report.shots.len()), (720, 10));
//!
//! // The bytes to store and to compare: the same for any number of pieces, as the digest within proves.
//! let json = report.canonical_json()?;
//! assert_eq!(report.computed_digest()?, report.digest);
//!
//! // For other programs, from the report alone.
//! let media = Media { name: "bunny.mp4".to_owned(), url: None };
//! let edl = export(&report, Format::Edl, &media)?;
//! assert!(edl.starts_with("TITLE: bunny.mp4\nFCM: NON-DROP FRAME\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`analyze`] with [`Options`] (what to look for; everything there changes the report) and [`Execution`] (how; nothing there
//!   does). With a [`FeatureCache`] other options need no decoding.
//! - [`Report`] is what was found; [`report_schema`] describes its JSON. [`verify()`] compares it with its film again.
//! - [`preview()`] looks at keyframes alone, in a tenth of the time: a [`Preview`] to show until the report is there.
//! - [`export`] turns it into edit lists, chapters and tables; [`explain`] says why a frame is a cut, or is none.
//! - An [`Error`] has a kind, a stable code, a sentence for anybody, and says whether trying again may help.
//!
//! `ffmpeg` and `ffprobe` 5.1 or newer must be installed. Nothing here is asynchronous: call it from a thread of its own.

mod active;
mod analyze;
mod audio_timing;
#[cfg(feature = "calibration")]
pub mod calibration;
mod choice;
mod curves;
mod damage;
mod decode;
mod detect;
mod digest;
mod error;
mod examined;
mod execution;
pub mod explain;
pub mod export;
mod extract;
mod features;
mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod numeric;
mod observer;
mod options;
mod packets;
mod parallel;
mod poster;
pub mod preview;
mod probe;
mod process;
mod rational;
pub mod report;
#[cfg(feature = "utoipa")]
mod schema;
mod store;
mod storyboard;
mod verify;

pub use analyze::{analyze, analyze_with_curves};
pub use choice::{DetectorChoice, DetectorName};
pub use error::{Error, ErrorKind};
pub use execution::{Execution, Limits};
#[cfg(feature = "kernels")]
pub use features::kernels;
pub use frame::{Size, frame_jpeg};
pub use observer::{Observer, Progress, Stage};
pub use options::{
    BlackOptions, ChannelOptions, ClippingOptions, FreezeOptions, InvalidOption, InvalidOptions,
    LetterboxOptions, Options, PlainOptions, ShotOptions, SilenceOptions,
};
pub use poster::poster_jpeg;
pub use preview::{Preview, preview};
pub use rational::{NotRational, Rational};
pub use report::{Curves, Report};
#[cfg(feature = "utoipa")]
pub use schema::{options_schema, preview_schema, report_schema};
pub use store::FeatureCache;
pub use storyboard::{Storyboard, StoryboardOptions, Thumbnail, storyboard};
pub use verify::{Difference, verify};
