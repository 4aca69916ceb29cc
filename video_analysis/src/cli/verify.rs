//! `video_analysis verify`: whether a film gives the report that is told of it.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use video_analysis::{Difference, Execution, Report};

use super::progress::Bars;
use super::{Failure, WRONG, print, read_json};

/// Analyse a file again, cut into other pieces, and compare with its report.
///
/// The options are those of the report. The first line says `same` (exit status 0) or `differs` (3).
#[derive(Args)]
pub(super) struct Verify {
    /// The film.
    file: PathBuf,

    /// Its report, as `analyze` writes it.
    #[arg(value_name = "REPORT.json")]
    report: PathBuf,

    /// Into how many pieces to cut the film: an analysis for each number.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values = ["1", "3"])]
    segments: Vec<NonZeroUsize>,
}

/// Differences that are printed of an analysis: the first ones tell what kind they are.
const SHOWN: usize = 20;
/// Longest value that is printed of a difference, in characters.
const LONGEST: usize = 60;

impl Verify {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let report: Report = read_json(&self.report)?;
        let size = self.file.metadata().map_or(0, |metadata| metadata.len());
        let bars = Bars::new(&vec![size; self.segments.len()]);
        let mut runs = Vec::new();
        for segments in &self.segments {
            let execution = Execution { segments: *segments, ..Execution::default() };
            let bar = bars.next(&format!("pieces: {segments}"), size);
            runs.push((*segments, video_analysis::verify(&self.file, &report, &execution, &bar)?));
        }
        drop(bars);
        let file = self.file.display();
        let differing = runs.iter().filter(|(_, differences)| !differences.is_empty()).count();
        if differing == 0 {
            let pieces: Vec<String> = self.segments.iter().map(ToString::to_string).collect();
            return print(&format!(
                "same: {file} gives this report, byte for byte, in {} pieces\n",
                pieces.join(", ")
            ));
        }
        let differ =
            |pointer: &str| runs.iter().flat_map(|(_, found)| found).any(|one| one.pointer == pointer);
        let why = if differ("/input/sha256") {
            "it is another file than the report's"
        } else if differ("/engine/version") || differ("/engine/decoder") {
            "the report is by another version of the engine or of its decoder"
        } else {
            "the report was changed, or the engine is wrong"
        };
        let count = runs.len();
        let mut text =
            format!("differs: {file} gives another report in {differing} of {count} analyses: {why}\n");
        for (segments, differences) in &runs {
            tell(&mut text, *segments, differences);
        }
        print(&text)?;
        Err(Failure { text: String::new(), status: WRONG })
    }
}

fn tell(text: &mut String, segments: NonZeroUsize, differences: &[Difference]) {
    let lines = differences.iter().take(SHOWN).map(|Difference { pointer, reported, found }| {
        format!("  {pointer}: reported {}, found {}\n", brief(reported.as_ref()), brief(found.as_ref()))
    });
    let more = differences.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!("  and {more} more\n") } else { String::new() };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "cut into {segments}: {} members differ\n{}{rest}",
        differences.len(),
        lines.collect::<String>()
    );
}

fn brief(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    if text.chars().count() > LONGEST { text.chars().take(LONGEST).chain(['…']).collect() } else { text }
}
