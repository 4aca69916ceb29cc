//! What clients see and say of webhooks.

use chrono::{DateTime, Utc};
use entity::video_db::webhook::{self, DisabledReason};
use entity::video_db::webhook_delivery::{self, DeliveryStatus};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service_kit::problem::FieldError;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::EventType;
use super::signature::Secret;

/// Somebody who is told of events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Webhook {
    id: Uuid,
    /// Where messages go.
    url: String,
    description: Option<String>,
    /// What it is told of.
    events: Vec<EventType>,
    /// Whether messages are sent.
    enabled: bool,
    /// Since when none are.
    disabled_at: Option<DateTime<Utc>>,
    /// Why: `owner` wanted so, it answered 410 (`gone`), or nothing has arrived for days (`failing`).
    disabled_reason: Option<Reason>,
    /// Since when every attempt has failed; null where the last one did not.
    failing_since: Option<DateTime<Utc>>,
    /// Until when the former secret signs along.
    previous_secret_expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A webhook whose secret was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: Webhook,
    /// What its messages are signed with. It is shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Owner,
    Gone,
    Failing,
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Delivery {
    /// The message's `webhook-id`.
    id: Uuid,
    /// The event.
    #[serde(rename = "type")]
    #[schema(example = "video.ready")]
    event: String,
    status: Status,
    /// How many times it was tried, since it was last replayed.
    attempts: i32,
    /// When it is tried next; null when it has ended.
    next_attempt_at: Option<DateTime<Utc>>,
    last_attempt_at: Option<DateTime<Utc>>,
    /// The HTTP status of the last answer; null where there was none.
    response_status: Option<i32>,
    /// Why there was none: `address_not_allowed`, `name_not_resolved`, `connection_failed`, `tls_failed`, `timeout`,
    /// `invalid_response`, `webhook_disabled` or `internal`.
    error: Option<String>,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    created_at: DateTime<Utc>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// It will be tried.
    Pending,
    /// It was answered 2xx.
    Succeeded,
    /// It was given up.
    Failed,
}

impl WebhookWithSecret {
    pub(super) fn new(row: webhook::Model, secret: &Secret) -> Self {
        Self { webhook: row.into(), secret: secret.text().expose_secret().to_owned() }
    }
}

impl From<webhook::Model> for Webhook {
    fn from(row: webhook::Model) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            events: EventType::split(&row.events),
            enabled: row.disabled_at.is_none(),
            disabled_at: row.disabled_at,
            disabled_reason: row.disabled_reason.map(|reason| match reason {
                DisabledReason::Owner => Reason::Owner,
                DisabledReason::Gone => Reason::Gone,
                DisabledReason::Failing => Reason::Failing,
            }),
            failing_since: row.failing_since,
            previous_secret_expires_at: row.previous_secret_expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<webhook_delivery::Model> for Delivery {
    fn from(row: webhook_delivery::Model) -> Self {
        Self {
            id: row.id,
            event: row.event_type,
            status: match row.status {
                DeliveryStatus::Pending => Status::Pending,
                DeliveryStatus::Succeeded => Status::Succeeded,
                DeliveryStatus::Failed => Status::Failed,
            },
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            last_attempt_at: row.last_attempt_at,
            response_status: row.response_status,
            error: row.error,
            payload: serde_json::from_str(&row.payload).unwrap_or_default(),
            created_at: row.created_at,
        }
    }
}

/// The events somebody wants: one at least, none twice.
pub(super) fn events(wanted: Vec<EventType>) -> Result<Vec<EventType>, FieldError> {
    let mut sorted = wanted;
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.is_empty() { Err(FieldError::new("/events", "must name one at least")) } else { Ok(sorted) }
}
