//! `video_analysis preview`: a first look, from keyframes alone.

use std::path::PathBuf;

use clap::Args;
use video_analysis::{Execution, preview};

use super::storyboard::write_board;
use super::{Failure, print, write_file};

/// Show container, streams, keyframes and estimated shots as JSON, in a fraction of the time that an analysis takes, whose report
/// replaces it.
#[derive(Args)]
pub(super) struct FirstLook {
    /// The file.
    file: PathBuf,

    /// Write preview.json to a folder, with thumbnails as `storyboard` writes them; made where there is none.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl FirstLook {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let (preview, board) = preview(&self.file, &Execution::default(), &())?;
        let json = preview.canonical_json()?;
        let Some(out) = &self.out else { return print(&format!("{}\n", String::from_utf8_lossy(&json))) };
        write_file(&out.join("preview.json"), &json)?;
        if board.sprites.is_empty() { Ok(()) } else { write_board(&board, out) }
    }
}
