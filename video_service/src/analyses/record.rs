//! What clients see of an analysis.

use chrono::{DateTime, Utc};
use entity::video_db::analysis::{self, AnalysisStatus};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::detectors::{self, Detector};
use crate::queue::JobError;

/// An analysis of a video.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Analysis {
    /// Its identifier.
    id: Uuid,
    /// The video it is of.
    video_id: Uuid,
    /// Which of the video's contents.
    version: i32,
    /// How far it is.
    status: Status,
    /// The parameters it was asked for with.
    #[schema(value_type = video_analysis::Options)]
    options: serde_json::Value,
    /// Which of its account's analyses it comes before.
    priority: Priority,
    /// How far it is, in numbers.
    progress: Progress,
    /// How many times a worker has begun it.
    attempts: i32,
    /// How far each detector is; of one that has succeeded, only together with its report.
    #[serde(skip_serializing_if = "Option::is_none")]
    detectors: Option<Vec<Detector>>,
    /// Why the last attempt has no report.
    error: Option<JobError>,
    /// When it was asked for.
    queued_at: DateTime<Utc>,
    /// When the last attempt began.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
    /// Estimates, until the report is there; of large files only. Its thumbnails are parts of
    /// `/videos/{id}/analysis/preview/{sprite}.jpg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<video_analysis::Preview>)]
    preview: Option<Box<RawValue>>,
    /// What was found, once it has succeeded: canonical JSON, whose `digest` can be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<video_analysis::Report>)]
    report: Option<Box<RawValue>>,
}

/// How urgent an analysis is among those of its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Priority {
    /// After the others.
    Low,
    /// As an upload's own.
    #[default]
    Normal,
    /// Before the others.
    High,
}

/// The life of an analysis.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// It waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// The report is there.
    Succeeded,
    /// It ended for good without a report; `error` says why.
    Failed,
    /// Somebody asked for its end.
    Canceled,
}

/// How far an analysis is.
#[derive(Debug, Serialize, ToSchema)]
struct Progress {
    /// 0 to 1, never falling within one attempt.
    fraction: f64,
    /// The step of the engine, while it runs.
    stage: Option<String>,
    /// Pictures looked at.
    frames_done: i64,
    /// Pictures there are, once that is known.
    frames_total: Option<i64>,
    /// Pictures looked at in a second, of this attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    /// When it may be done, in seconds, if it goes on so.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_seconds: Option<f64>,
}

impl Progress {
    fn of(row: &analysis::Model) -> Self {
        let running = row.status == AnalysisStatus::Running;
        let elapsed = row.started_at.map(|started| (row.updated_at - started).as_seconds_f64());
        let elapsed = elapsed.filter(|seconds| running && *seconds > 0.0);
        Self {
            fraction: row.fraction,
            stage: row.stage.clone(),
            frames_done: row.frames_done,
            frames_total: row.frames_total,
            speed: elapsed.map(|seconds| rounded(frames(row.frames_done) / seconds)),
            eta_seconds: elapsed
                .filter(|_| row.fraction > 0.0)
                .map(|seconds| rounded(seconds * (1.0 - row.fraction) / row.fraction)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a speed needs no more than 53 bits")]
fn frames(count: i64) -> f64 {
    count as f64
}

/// To a tenth: more would be a pretence.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl From<AnalysisStatus> for Status {
    fn from(status: AnalysisStatus) -> Self {
        match status {
            AnalysisStatus::Queued => Self::Queued,
            AnalysisStatus::Running => Self::Running,
            AnalysisStatus::Succeeded => Self::Succeeded,
            AnalysisStatus::Failed => Self::Failed,
            AnalysisStatus::Canceled => Self::Canceled,
        }
    }
}

impl From<analysis::Priority> for Priority {
    fn from(priority: analysis::Priority) -> Self {
        match priority {
            analysis::Priority::Low => Self::Low,
            analysis::Priority::Normal => Self::Normal,
            analysis::Priority::High => Self::High,
        }
    }
}

impl From<Priority> for analysis::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

impl Analysis {
    /// The view of a row, with the report where there is one.
    pub(super) fn new(row: analysis::Model, report: Option<String>) -> Result<Self, Problem> {
        let detectors = detectors::of(row.status, &row.options, report.as_deref())?;
        Ok(Self {
            progress: Progress::of(&row),
            id: row.id,
            video_id: row.video_id,
            version: row.version,
            status: row.status.into(),
            options: row.options,
            priority: row.priority.into(),
            attempts: row.attempts,
            detectors,
            error: row.error.map(serde_json::from_value).transpose().map_err(Problem::internal)?,
            queued_at: row.queued_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            preview: None,
            report: report.map(RawValue::from_string).transpose().map_err(Problem::internal)?,
        })
    }

    /// The same with the estimates of a first look.
    pub(super) fn with_preview(self, preview: Option<String>) -> Result<Self, Problem> {
        let preview = preview.map(RawValue::from_string).transpose().map_err(Problem::internal)?;
        Ok(Self { preview, ..self })
    }
}
