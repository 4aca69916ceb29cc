//! What a list may be narrowed to.

use chrono::{DateTime, Datelike, Utc};
use entity::video_db::{video, video_tag};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use serde::Deserialize;
use service_kit::problem::Problem;
use utoipa::IntoParams;
use uuid::Uuid;

use super::checks::Checks;
use super::cursor::Place;
use super::record::{self, Status};
use super::sort::Sort;
use super::{search, tags};

/// Which part of the library, in which order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// How many videos a page has: 1 to 200, 50 where it is not given.
    pub(super) limit: Option<u64>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// The order; `-created_at`, newest first, where it is not given.
    #[param(inline)]
    sort: Option<Sort>,
    /// Only videos that have, in title, description or tags, a word that begins with each of these words. Case, accents and
    /// signs make no difference.
    q: Option<String>,
    /// `true`: what was deleted and can still be restored, in place of the library.
    #[serde(default)]
    trash: bool,
    /// Only videos of this status.
    status: Option<Status>,
    /// Only videos with this tag; with all of them where several are given, separated by commas.
    tag: Option<String>,
    /// Only the video of this `external_id`.
    external_id: Option<String>,
    /// Only videos whose pictures or sound have this codec, as `h264`.
    codec: Option<String>,
    /// Only videos made after this moment.
    created_after: Option<DateTime<Utc>>,
    /// Only videos made before this moment.
    created_before: Option<DateTime<Utc>>,
    /// Only longer videos, in seconds.
    duration_gt: Option<f64>,
    /// Only shorter videos, in seconds.
    duration_lt: Option<f64>,
    /// Only videos in which this was found: `black`, `silence`, `fades`, `video` (pictures) or `audio`; all of them where
    /// several are given, separated by commas.
    has: Option<String>,
    /// Only videos with a larger true peak, in dBTP.
    true_peak_gt: Option<f64>,
    /// Only videos with a smaller true peak, in dBTP.
    true_peak_lt: Option<f64>,
    /// Only videos of a higher integrated loudness, in LUFS.
    loudness_gt: Option<f64>,
    /// Only videos of a lower integrated loudness, in LUFS.
    loudness_lt: Option<f64>,
    /// Only videos of a larger loudness range, in LU.
    loudness_range_gt: Option<f64>,
    /// Only videos of a smaller loudness range, in LU.
    loudness_range_lt: Option<f64>,
    /// Only videos with more shots.
    shots_gt: Option<i32>,
    /// Only videos with fewer shots.
    shots_lt: Option<i32>,
}

impl ListQuery {
    /// The order that is asked for.
    pub(super) fn order(&self) -> Sort {
        self.sort.unwrap_or_default()
    }

    /// Whether words are searched.
    pub(super) fn searches(&self) -> bool {
        self.q.is_some()
    }

    /// What must hold for a video of `owner`; what is not known of it does not. `after` bounds what is looked up beside the
    /// videos: it is no part of the condition.
    ///
    /// # Errors
    /// 422 with the names of the filters that make no sense.
    pub(super) fn condition(
        &self,
        owner: Uuid,
        after: Option<&Place>,
        backend: DbBackend,
    ) -> Result<Condition, Problem> {
        let mut checks = Checks::default();
        let found = self.q.as_deref().map(|query| search::condition(owner, query, backend));
        let condition = Condition::all()
            .add(if self.trash {
                video::COLUMN.trashed_at.is_not_null()
            } else {
                video::COLUMN.trashed_at.is_null()
            })
            .add_option(found.and_then(|found| checks.keep("q", found)))
            .add_option(self.status.map(|status| video::COLUMN.status.eq(video::VideoStatus::from(status))))
            .add_option(self.shots_gt.map(|shots| video::COLUMN.shots.gt(shots)))
            .add_option(self.shots_lt.map(|shots| video::COLUMN.shots.lt(shots)))
            .add(self.moments(&mut checks))
            .add(self.numbers(&mut checks))
            .add(self.names(owner, after, &mut checks));
        checks.finish()?;
        Ok(condition)
    }

    fn moments(&self, checks: &mut Checks) -> Condition {
        let mut bound = |name, moment: Option<DateTime<Utc>>| checks.keep(name, of_rfc_3339(moment?));
        let after = bound("created_after", self.created_after);
        let before = bound("created_before", self.created_before);
        Condition::all()
            .add_option(after.map(|moment| video::COLUMN.created_at.gt(moment)))
            .add_option(before.map(|moment| video::COLUMN.created_at.lt(moment)))
    }

    fn numbers(&self, checks: &mut Checks) -> Condition {
        let bounds = [
            ("duration_gt", video::Column::DurationSeconds, self.duration_gt, true),
            ("duration_lt", video::Column::DurationSeconds, self.duration_lt, false),
            ("true_peak_gt", video::Column::TruePeakDbtp, self.true_peak_gt, true),
            ("true_peak_lt", video::Column::TruePeakDbtp, self.true_peak_lt, false),
            ("loudness_gt", video::Column::IntegratedLufs, self.loudness_gt, true),
            ("loudness_lt", video::Column::IntegratedLufs, self.loudness_lt, false),
            ("loudness_range_gt", video::Column::RangeLu, self.loudness_range_gt, true),
            ("loudness_range_lt", video::Column::RangeLu, self.loudness_range_lt, false),
        ];
        let mut condition = Condition::all();
        for (name, column, bound, is_lower) in bounds {
            let Some(bound) = bound.and_then(|bound| checks.keep(name, finite(bound))) else { continue };
            condition = condition.add(if is_lower { column.gt(bound) } else { column.lt(bound) });
        }
        condition
    }

    fn names(&self, owner: Uuid, after: Option<&Place>, checks: &mut Checks) -> Condition {
        let mut condition = Condition::all();
        for tag in separated(self.tag.as_deref()) {
            if let Some(tag) = checks.keep("tag", tags::normalize(tag)) {
                let tagged = video_tag::Entity::find()
                    .select_only()
                    .column(video_tag::Column::VideoId)
                    .filter(video_tag::COLUMN.owner_id.eq(owner))
                    .filter(video_tag::COLUMN.tag.eq(tag));
                // Without it, a deep page would read the tags of all pages before.
                let behind =
                    after.and_then(|after| self.order().is_behind(video_tag::Column::VideoId, after));
                let tagged = tagged.filter(Condition::all().add_option(behind));
                condition = condition.add(video::Column::Id.in_subquery(tagged.into_query()));
            }
        }
        for name in separated(self.has.as_deref()) {
            if let Some(found) = checks.keep("has", has(name)) {
                condition = condition.add(found);
            }
        }
        let external_id = self.external_id.as_deref();
        if let Some(id) = external_id.and_then(|id| checks.keep("external_id", record::external_id(id))) {
            condition = condition.add(video::COLUMN.external_id.eq(id));
        }
        // The names of codecs are no free text, but a filter may be.
        let codec = self.codec.as_deref();
        if let Some(codec) = codec.and_then(|codec| checks.keep("codec", record::external_id(codec))) {
            let either = Condition::any()
                .add(video::COLUMN.video_codec.eq(codec.as_str()))
                .add(video::COLUMN.audio_codec.eq(codec.as_str()));
            condition = condition.add(either);
        }
        condition
    }
}

fn finite(bound: f64) -> Result<f64, String> {
    if bound.is_finite() { Ok(bound) } else { Err("must be a number".to_owned()) }
}

/// Years have four digits there (RFC 3339 §1), and databases know no more of them than that.
fn of_rfc_3339(moment: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if (0..=9999).contains(&moment.year()) {
        Ok(moment)
    } else {
        Err("must be of the years 0000 to 9999".to_owned())
    }
}

fn separated(names: Option<&str>) -> impl Iterator<Item = &str> {
    names.into_iter().flat_map(|names| names.split(','))
}

fn has(name: &str) -> Result<sea_orm::sea_query::SimpleExpr, String> {
    match name {
        "black" => Ok(video::COLUMN.black.gt(0)),
        "silence" => Ok(video::COLUMN.silence.gt(0)),
        "fades" => Ok(video::COLUMN.fades.gt(0)),
        "video" => Ok(video::COLUMN.video_codec.is_not_null()),
        "audio" => Ok(video::COLUMN.audio_codec.is_not_null()),
        _ => Err("must be black, silence, fades, video or audio".to_owned()),
    }
}
