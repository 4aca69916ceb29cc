//! `video_analysis storyboard`: thumbnails for a player's seek bar.

use std::path::{Path, PathBuf};

use clap::Args;
use video_analysis::{Execution, Options, Storyboard, StoryboardOptions, analyze, storyboard};

use super::progress::Bars;
use super::{Failure, read_json, write_file};

/// Write thumbnails as sprites (storyboard-001.jpg and so on) and a `WebVTT` file (storyboard.vtt) that says when to show
/// which.
#[derive(Args)]
pub(super) struct Board {
    /// The film.
    file: PathBuf,

    /// The folder to write to; made where there is none.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// The film's report; without one, the film is analysed first.
    #[arg(long, value_name = "REPORT.json")]
    report: Option<PathBuf>,

    /// Seconds from one thumbnail to the next [default: one thumbnail for each shot].
    #[arg(long, value_name = "SECONDS")]
    every: Option<f64>,

    /// Width of a thumbnail in pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = StoryboardOptions::default().width)]
    width: u32,
}

impl Board {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let execution = Execution::default();
        let report = if let Some(saved) = &self.report {
            read_json(saved)?
        } else {
            let size = self.file.metadata().map_or(0, |metadata| metadata.len());
            let bar = Bars::new(&[size]).next(&self.file.display().to_string(), size);
            analyze(&self.file, &Options::default(), &execution, &bar)?
        };
        let options = StoryboardOptions { every: self.every, width: self.width };
        let board = storyboard(&self.file, &report, &options, &execution, &())?;
        write_board(&board, &self.out)
    }
}

/// Writes sprites and their `WebVTT` file to a folder.
pub(super) fn write_board(board: &Storyboard, out: &Path) -> Result<(), Failure> {
    let name = |sprite: usize| format!("storyboard-{:03}.jpg", sprite + 1);
    for (sprite, bytes) in board.sprites.iter().enumerate() {
        write_file(&out.join(name(sprite)), bytes)?;
    }
    write_file(&out.join("storyboard.vtt"), board.web_vtt(name).as_bytes())
}
