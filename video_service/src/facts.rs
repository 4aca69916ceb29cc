//! The facts of a report that lists show and filters ask about, kept beside the record.

use entity::video_db::video;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbErr, EntityTrait, ExprTrait, Iterable, QueryFilter,
};
use uuid::Uuid;
use video_analysis::report::{DetectorStatus, SegmentKind, Stream, VideoStream};
use video_analysis::{DetectorName, Report};

/// What analyses of the content found; all unknown before there is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    duration_seconds: Option<f64>,
    width: Option<i32>,
    height: Option<i32>,
    frame_rate: Option<String>,
    video_codec: Option<String>,
    audio_codec: Option<String>,
    shots: Option<i32>,
    fades: Option<i32>,
    black: Option<i32>,
    silence: Option<i32>,
    integrated_lufs: Option<f64>,
    range_lu: Option<f64>,
    true_peak_dbtp: Option<f64>,
}

impl Facts {
    /// Those of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let analyzed = || report.streams.iter().filter(|stream| stream.analyzed);
        let pictures = analyzed().find_map(|stream| Some((stream, stream.video.as_ref()?)));
        let mut sounds = analyzed().filter(|stream| stream.audio.is_some());
        let sound = sounds.clone().find(|stream| stream.default).or_else(|| sounds.next());
        let (width, height) = pictures.map(|(_, video)| displayed(video)).unzip();
        let rate = pictures.and_then(|(_, video)| video.average_frame_rate);
        let codec = |stream: &Stream| stream.codec.clone();
        // What did not look has found nothing: unknown, not none.
        let looked = |detector: DetectorName, found: usize| {
            let run = report.run_of(detector).filter(|run| run.status != DetectorStatus::Skipped);
            run.map(|_| count(found))
        };
        let fades = report.transitions.iter().filter(|range| is_fade(range.kind)).count();
        let loudness = report.loudness.as_ref();
        Self {
            duration_seconds: report.container.duration_seconds,
            width: width.and_then(|pixels| i32::try_from(pixels).ok()),
            height: height.and_then(|pixels| i32::try_from(pixels).ok()),
            frame_rate: rate.filter(|rate| rate.num > 0).map(|rate| rate.to_string()),
            video_codec: pictures.and_then(|(stream, _)| codec(stream)),
            audio_codec: sound.and_then(codec),
            shots: looked(DetectorName::Shots, report.shots.len()),
            fades: looked(DetectorName::Shots, fades),
            black: looked(DetectorName::Black, report.black.len()),
            silence: looked(DetectorName::Silence, report.silence.len()),
            integrated_lufs: loudness.and_then(|loudness| loudness.integrated_lufs),
            range_lu: loudness.and_then(|loudness| loudness.range_lu),
            true_peak_dbtp: loudness.and_then(|loudness| loudness.true_peak_dbtp),
        }
    }

    /// `row` with these facts; `Facts::default()` forgets those of content that was replaced.
    pub(crate) fn of_record(self, row: video::Model) -> video::Model {
        video::Model {
            duration_seconds: self.duration_seconds,
            width: self.width,
            height: self.height,
            frame_rate: self.frame_rate,
            video_codec: self.video_codec,
            audio_codec: self.audio_codec,
            shots: self.shots,
            fades: self.fades,
            black: self.black,
            silence: self.silence,
            integrated_lufs: self.integrated_lufs,
            range_lu: self.range_lu,
            true_peak_dbtp: self.true_peak_dbtp,
            ..row
        }
    }

    /// An update of a record to these facts, the unknown ones as well.
    pub(crate) fn update(self) -> video::ActiveModel {
        video::ActiveModel {
            duration_seconds: ActiveValue::Set(self.duration_seconds),
            width: ActiveValue::Set(self.width),
            height: ActiveValue::Set(self.height),
            frame_rate: ActiveValue::Set(self.frame_rate),
            video_codec: ActiveValue::Set(self.video_codec),
            audio_codec: ActiveValue::Set(self.audio_codec),
            shots: ActiveValue::Set(self.shots),
            fades: ActiveValue::Set(self.fades),
            black: ActiveValue::Set(self.black),
            silence: ActiveValue::Set(self.silence),
            integrated_lufs: ActiveValue::Set(self.integrated_lufs),
            range_lu: ActiveValue::Set(self.range_lu),
            true_peak_dbtp: ActiveValue::Set(self.true_peak_dbtp),
            ..Default::default()
        }
    }

    /// Writes them to a record, whose ETag changes. What is unknown here stays as an analysis before found it in the same content: it
    /// may not have been asked for this time.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn write(self, db: &impl ConnectionTrait, video: Uuid) -> Result<(), DbErr> {
        let mut facts = self.update();
        for column in video::Column::iter() {
            if facts.get(column).into_value().is_some_and(|value| value == value.as_null()) {
                facts.not_set(column);
            }
        }
        video::Entity::update_many()
            .set(facts)
            .filter(video::COLUMN.id.eq(video))
            .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
            .exec(db)
            .await
            .map(|_| ())
    }
}

/// Width and height as a viewer sees them.
fn displayed(video: &VideoStream) -> (u32, u32) {
    if video.rotation % 180 == 90 { (video.height, video.width) } else { (video.width, video.height) }
}

fn is_fade(kind: SegmentKind) -> bool {
    matches!(kind, SegmentKind::FadeOut | SegmentKind::FadeIn)
}

fn count(found: usize) -> i32 {
    i32::try_from(found).unwrap_or(i32::MAX)
}
