//! An analysis job: what was asked for, who works on it, how far it is.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

/// The life of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum AnalysisStatus {
    /// Waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// The report is there.
    Succeeded,
    /// It ended for good without a report; `error` says why.
    Failed,
    /// A client asked for its end.
    Canceled,
}

/// How urgent a job is among those of its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Priority {
    /// After all others.
    #[sea_orm(num_value = -1)]
    Low,
    /// What an upload starts by itself.
    #[default]
    #[sea_orm(num_value = 0)]
    Normal,
    /// Before all others.
    #[sea_orm(num_value = 1)]
    High,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "analysis")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub video_id: Uuid,
    pub status: AnalysisStatus,
    /// `video_analysis::Options`, as they were asked for.
    #[sea_orm(column_type = "Json")]
    pub options: Json,
    pub priority: Priority,
    /// Jobs are begun in the order of their turns, which are dealt out fairly among accounts.
    pub turn: i64,
    /// How many times a worker has begun it.
    pub attempts: i32,
    /// Not to be claimed before: the backoff after a failed attempt.
    pub available_at: DateTimeUtc,
    /// The worker that runs it.
    pub lease_owner: Option<String>,
    /// When the lease lapses unless its owner renews it.
    pub lease_expires_at: Option<DateTimeUtc>,
    /// The step of the engine, for display.
    pub stage: Option<String>,
    /// 0 to 1, never falling within one attempt.
    pub fraction: f64,
    pub frames_done: i64,
    pub frames_total: Option<i64>,
    /// `{type, message, retryable}` of the last failed attempt.
    #[sea_orm(column_type = "Json", nullable)]
    pub error: Option<Json>,
    /// The poster in the blob store.
    pub poster_key: Option<String>,
    pub queued_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
    /// Counts the writes of this row: with the id, it names one state of the job.
    pub revision: i64,
    /// The last write: what listeners look for changes by.
    pub updated_at: DateTimeUtc,
    /// Which of the video's contents it is of.
    pub version: i32,
    #[sea_orm(belongs_to, from = "video_id", to = "id", on_delete = "Cascade")]
    pub video: BelongsTo<super::video::Entity>,
    #[sea_orm(has_one)]
    pub report: HasOne<super::analysis_report::Entity>,
    #[sea_orm(has_one)]
    pub curves: HasOne<super::analysis_curves::Entity>,
    #[sea_orm(has_one)]
    pub preview: HasOne<super::analysis_preview::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
