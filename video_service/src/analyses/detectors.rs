//! How far each detector of an analysis is.

use entity::video_db::analysis::AnalysisStatus;
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use utoipa::ToSchema;
use video_analysis::report::{DetectorRun, DetectorStatus};

/// One detector of an analysis.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Detector {
    /// Its name, as in the report.
    name: String,
    /// How far it is.
    status: DetectorState,
    /// Why it had nothing to examine, where it was skipped.
    skipped_reason: Option<String>,
}

/// The life of a detector: that of its analysis, but for those that had nothing to examine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DetectorState {
    /// The analysis waits for a worker.
    Queued,
    /// A worker is at the analysis.
    Running,
    /// It examined all there was; the report's `coverage` says how much that is, and what was damaged.
    Succeeded,
    /// The analysis failed for good, and all of its detectors with it.
    Failed,
    /// Somebody asked for the end of the analysis.
    Canceled,
    /// The file has nothing that it examines.
    Skipped,
}

/// What is read of a report.
#[derive(Deserialize)]
struct Runs {
    detectors: Vec<DetectorRun>,
}

/// The detectors of an analysis with this status; `None` where only a report could tell and there is none at hand.
pub(super) fn of(status: AnalysisStatus, report: Option<&str>) -> Result<Option<Vec<Detector>>, Problem> {
    let all =
        |status| video_analysis::detector_names().into_iter().map(move |name| Detector::new(name, status));
    Ok(match status {
        AnalysisStatus::Queued => Some(all(DetectorState::Queued).collect()),
        AnalysisStatus::Running => Some(all(DetectorState::Running).collect()),
        AnalysisStatus::Failed => Some(all(DetectorState::Failed).collect()),
        AnalysisStatus::Canceled => Some(all(DetectorState::Canceled).collect()),
        AnalysisStatus::Succeeded => match report {
            Some(report) => {
                let runs: Runs = serde_json::from_str(report).map_err(Problem::internal)?;
                Some(runs.detectors.into_iter().map(Detector::from).collect())
            }
            None => None,
        },
    })
}

impl Detector {
    fn new(name: &str, status: DetectorState) -> Self {
        Self { name: name.to_owned(), status, skipped_reason: None }
    }
}

impl From<DetectorRun> for Detector {
    fn from(run: DetectorRun) -> Self {
        let status = match run.status {
            DetectorStatus::Completed | DetectorStatus::Damaged => DetectorState::Succeeded,
            DetectorStatus::Skipped => DetectorState::Skipped,
        };
        Self { name: run.name, status, skipped_reason: run.skipped_reason }
    }
}
