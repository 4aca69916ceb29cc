//! Events: what an account may want to be told of.

use chrono::{DateTime, Utc};
use entity::video_db::webhook;
use entity::video_db::webhook_delivery::{self, DeliveryStatus};
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub(crate) enum EventType {
    /// A video's bytes are there: the first, or new ones in place of the old.
    #[serde(rename = "video.ready")]
    VideoReady,
    /// A video was deleted: to the trash, or for good.
    #[serde(rename = "video.deleted")]
    VideoDeleted,
    /// An analysis has its report.
    #[serde(rename = "analysis.succeeded")]
    AnalysisSucceeded,
    /// An analysis has failed for good.
    #[serde(rename = "analysis.failed")]
    AnalysisFailed,
}

impl EventType {
    const ALL: [Self; 4] =
        [Self::VideoReady, Self::VideoDeleted, Self::AnalysisSucceeded, Self::AnalysisFailed];

    fn name(self) -> &'static str {
        match self {
            Self::VideoReady => "video.ready",
            Self::VideoDeleted => "video.deleted",
            Self::AnalysisSucceeded => "analysis.succeeded",
            Self::AnalysisFailed => "analysis.failed",
        }
    }

    /// As a column keeps them.
    pub(super) fn join(events: &[Self]) -> String {
        events.iter().map(|event| event.name()).collect::<Vec<_>>().join(",")
    }

    /// What a column keeps.
    pub(super) fn split(column: &str) -> Vec<Self> {
        let known = |name| Self::ALL.into_iter().find(|event| event.name() == name);
        column.split(',').filter_map(known).collect()
    }
}

/// What an event is about. Thin: receivers ask for the rest, with a token, and so get it as it is by then.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Subject {
    /// The video.
    pub(crate) video_id: Uuid,
    /// Of its analyses, the one that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) analysis_id: Option<Uuid>,
}

#[derive(Serialize)]
struct Payload {
    #[serde(rename = "type")]
    event: EventType,
    timestamp: DateTime<Utc>,
    data: Subject,
}

/// Has every webhook of `account` that wants it told of `event`. In the transaction of what it tells of: neither is
/// without the other.
pub(crate) async fn publish(
    db: &impl ConnectionTrait,
    account: Uuid,
    event: EventType,
    subject: Subject,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let webhooks = webhook::Entity::find()
        .filter(webhook::COLUMN.owner_id.eq(account))
        .filter(webhook::COLUMN.disabled_at.is_null())
        // One that is deleted meanwhile would take the transaction with it.
        .lock(LockType::KeyShare)
        .all(db)
        .await?;
    let wanting: Vec<_> =
        webhooks.iter().filter(|webhook| EventType::split(&webhook.events).contains(&event)).collect();
    if wanting.is_empty() {
        return Ok(());
    }
    let payload = Payload { event, timestamp: now, data: subject };
    let payload = serde_json::to_string(&payload).map_err(|error| DbErr::Json(error.to_string()))?;
    let deliveries = wanting.into_iter().map(|webhook| webhook_delivery::ActiveModel {
        id: Set(Uuid::now_v7()),
        webhook_id: Set(webhook.id),
        event_type: Set(event.name().to_owned()),
        payload: Set(payload.clone()),
        status: Set(DeliveryStatus::Pending),
        attempts: Set(0),
        next_attempt_at: Set(Some(now)),
        last_attempt_at: Set(None),
        response_status: Set(None),
        error: Set(None),
        created_at: Set(now),
    });
    webhook_delivery::Entity::insert_many(deliveries).exec_without_returning(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_wire_and_come_back_from_a_column() {
        for event in EventType::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
        }
        assert_eq!(EventType::split(&EventType::join(&EventType::ALL)), EventType::ALL);
    }
}
