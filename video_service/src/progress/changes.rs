//! Changes of analyses, read from the database: whichever process made them, they are all there.

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::{analysis, video};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

/// How far a look for changes reaches back behind the last one: other machines have clocks of their own, and a change
/// is seen later than it was dated.
pub(super) const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// One state of an analysis.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Whose video it is of.
    pub(crate) owner_id: Uuid,
    /// The state.
    pub(crate) analysis: analysis::Model,
}

/// What somebody listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// The analyses of one video.
    Video(Uuid),
    /// Those of all videos of an account.
    Account(Uuid),
}

/// The analyses that have changed since `moment`, the earliest change first; all of them where there is no topic.
/// What changed a little earlier may be among them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn since(
    db: &impl ConnectionTrait,
    topic: Option<Topic>,
    moment: DateTime<Utc>,
) -> Result<Vec<Change>, DbErr> {
    let changed = analysis::Entity::find()
        .filter(analysis::COLUMN.updated_at.gt(moment - OVERLAP))
        .order_by_asc(analysis::COLUMN.updated_at)
        .order_by_asc(analysis::COLUMN.id)
        .find_also_related(video::Entity);
    let changed = match topic {
        None => changed,
        Some(Topic::Video(id)) => changed.filter(video::COLUMN.id.eq(id)),
        Some(Topic::Account(id)) => changed.filter(video::COLUMN.owner_id.eq(id)),
    };
    let rows = changed.all(db).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(analysis, video)| Some(Change { owner_id: video?.owner_id, analysis }))
        .collect())
}
