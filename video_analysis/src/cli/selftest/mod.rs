//! `video_analysis selftest`: clips whose truth is known, made here and now, and what the engine says of them.

mod films;
mod loudness;
mod make;
mod score;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use video_analysis::{Execution, Options, analyze};

use self::loudness::Level;
use self::score::Score;
use super::{Failure, WRONG, print};

/// Make clips of known truth with the installed ffmpeg, analyse them, and compare.
///
/// Prints precision, recall and F1 for every kind of event, loudness beside what EBU Tech 3341 and 3342 demand, and whether
/// each report is the same however the work is split. Takes about a minute; the exit status is 3 when something is wrong.
#[derive(Args)]
pub(super) struct SelfTest {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,

    /// Make the clips in this folder and leave them there.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// Into how many pieces each film is cut.
const PIECES: [usize; 3] = [1, 3, 7];

/// What was found out.
#[derive(Serialize)]
struct Outcome {
    passed: bool,
    events: Vec<Score>,
    loudness: Vec<Level>,
    digests: Vec<Digest>,
}

/// The reports of one film.
#[derive(Serialize)]
struct Digest {
    film: &'static str,
    sha256: String,
    /// Whether it is the same for every number of pieces.
    same: bool,
}

impl SelfTest {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::writing("folder of the clips", &error);
        let temporary = tempfile::tempdir().map_err(failed)?;
        if let Some(folder) = &self.keep {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let folder = self.keep.as_deref().unwrap_or(temporary.path());

        let mut events = Score::of_all_kinds();
        let mut digests = Vec::new();
        for film in films::all() {
            let path = film.make(folder)?;
            let mut reports = Vec::new();
            for pieces in PIECES.into_iter().filter_map(NonZeroUsize::new) {
                let execution = Execution { segments: pieces, ..Execution::default() };
                reports.push(analyze(&path, &Options::default(), &execution, &())?);
            }
            let Some(report) = reports.first() else { continue };
            for score in &mut events {
                score.add(&film, report);
            }
            let same = reports.iter().all(|other| other == report && other.digest == report.digest);
            digests.push(Digest { film: film.name, sha256: report.digest.replace("sha256:", ""), same });
        }
        let loudness = loudness::measure(folder)?;
        let passed = events.iter().all(Score::passed)
            && loudness.iter().all(|level| level.passed)
            && digests.iter().all(|digest| digest.same);
        let outcome = Outcome { passed, events, loudness, digests };
        let text = if self.json {
            let text =
                serde_json::to_string_pretty(&outcome).map_err(|error| Failure::failed(error.to_string()))?;
            text + "\n"
        } else {
            table(&outcome)
        };
        print(&text)?;
        if passed { Ok(()) } else { Err(Failure { text: String::new(), status: WRONG }) }
    }
}

fn table(outcome: &Outcome) -> String {
    let judged = |good: bool| if good { "" } else { "  WRONG" };
    let events = outcome.events.iter().map(|score| {
        format!(
            "  {:<10} {:>6} {:>6} {:>6} {:>10.3} {:>7.3} {:>6.3} {:>8.2}{}\n",
            score.kind,
            score.true_positives,
            score.false_positives,
            score.false_negatives,
            score.precision,
            score.recall,
            score.f1,
            score.demanded,
            judged(score.passed())
        )
    });
    let loudness = outcome.loudness.iter().map(|level| {
        let measured = level.measured.map_or_else(|| "-".to_owned(), |measured| format!("{measured:.2}"));
        let tolerance = format!("-{} +{}", level.below, level.above);
        format!(
            "  {:<40} {:>8} {measured:>9}  {tolerance:<10}{}\n",
            level.what,
            level.demanded,
            judged(level.passed)
        )
    });
    let digests = outcome
        .digests
        .iter()
        .map(|digest| format!("  {:<18} {}{}\n", digest.film, digest.sha256, judged(digest.same)));
    let heading = if outcome.passed { "passed" } else { "failed" };
    [format!(
        "{heading}\n\nEvents\n  {:<10} {:>6} {:>6} {:>6} {:>10} {:>7} {:>6} {:>8}\n",
        "kind", "found", "false", "missed", "precision", "recall", "F1", "F1 from"
    )]
    .into_iter()
    .chain(events)
    .chain([format!("\nLoudness\n  {:<40} {:>8} {:>9}  tolerance\n", "case", "demanded", "measured")])
    .chain(loudness)
    .chain([format!("\nReports in {PIECES:?} pieces\n")])
    .chain(digests)
    .collect()
}
