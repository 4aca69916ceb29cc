//! How far each detector of an analysis is.

use entity::video_db::analysis::AnalysisStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use video_analysis::report::{DetectorRun, DetectorStatus, NOT_ASKED_FOR};
use video_analysis::{DetectorChoice, DetectorName};

/// One detector of an analysis.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Detector {
    /// Its name, as in the report.
    name: String,
    /// How far it is.
    status: DetectorState,
    /// Why it was skipped, where it was.
    skipped_reason: Option<String>,
}

/// The life of a detector: that of its analysis, but for those that were not asked for or had nothing to examine.
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
    /// Nobody asked for it, or the file has nothing that it examines.
    Skipped,
}

/// What is read of a report.
#[derive(Deserialize)]
struct Runs {
    detectors: Vec<DetectorRun>,
}

/// What is read of the options.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    detectors: DetectorChoice,
}

/// The detectors of an analysis with this status; `None` where only a report could tell and there is none at hand.
pub(super) fn of(
    status: AnalysisStatus,
    options: &Value,
    report: Option<&str>,
) -> Result<Option<Vec<Detector>>, Problem> {
    let Asked { detectors: asked } = Asked::deserialize(options).map_err(Problem::internal)?;
    let all = |status| {
        let each = |name| {
            if asked.has(name) { Detector::new(name, status) } else { Detector::not_asked_for(name) }
        };
        Some(DetectorName::ALL.map(each).into())
    };
    Ok(match status {
        AnalysisStatus::Queued => all(DetectorState::Queued),
        AnalysisStatus::Running => all(DetectorState::Running),
        AnalysisStatus::Failed => all(DetectorState::Failed),
        AnalysisStatus::Canceled => all(DetectorState::Canceled),
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
    fn new(name: DetectorName, status: DetectorState) -> Self {
        Self { name: name.to_string(), status, skipped_reason: None }
    }

    fn not_asked_for(name: DetectorName) -> Self {
        let skipped_reason = Some(NOT_ASKED_FOR.to_owned());
        Self { skipped_reason, ..Self::new(name, DetectorState::Skipped) }
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
