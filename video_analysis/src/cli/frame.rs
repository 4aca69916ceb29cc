//! `video_analysis frame`: one picture as a JPEG.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use video_analysis::{ErrorKind, Execution, Size, frame_jpeg};

use super::{Failure, write_file};

/// Write one picture of a file as a JPEG, to the picture exact.
///
/// It is upright and has the aspect ratio of display. Of one side the other follows; into both it is fitted.
#[derive(Args)]
pub(super) struct Frame {
    /// The film.
    file: PathBuf,

    /// The picture's number, counted from 0 as in a report.
    #[arg(value_name = "N")]
    number: u64,

    /// Pixels across.
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(2..=8192))]
    width: Option<u32>,

    /// Pixels down.
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(2..=8192))]
    height: Option<u32>,

    /// Where to write it [default: standard output].
    #[arg(long, value_name = "OUT.jpg")]
    out: Option<PathBuf>,
}

impl Frame {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let size = Size { width: self.width, height: self.height };
        let jpeg = frame_jpeg(&self.file, self.number, size, &Execution::default(), &());
        let jpeg = jpeg.map_err(|error| match error.kind() {
            ErrorKind::Undecodable => Failure::failed(format!("there is no frame {}\n{error}", self.number)),
            _ => error.into(),
        })?;
        match &self.out {
            Some(path) => write_file(path, &jpeg),
            None => std::io::stdout()
                .write_all(&jpeg)
                .map_err(|error| Failure::writing("standard output", &error)),
        }
    }
}
