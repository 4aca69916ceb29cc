//! Deliveries in the database, which is their truth: couriers of any number of processes share them by conditional
//! updates, as workers share jobs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::webhook::{self, DisabledReason};
use entity::video_db::webhook_delivery::{self, DeliveryStatus, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
};
use uuid::Uuid;

/// How an attempt ended, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has arrived.
    Succeeded,
    /// To be tried again then.
    Again(DateTime<Utc>),
    /// Given up.
    Failed,
}

/// Deliveries that are due, oldest first, each with its webhook; none of the webhooks in `busy`.
pub(super) async fn due(
    db: &impl ConnectionTrait,
    busy: Vec<Uuid>,
    most: u64,
    now: DateTime<Utc>,
) -> Result<Vec<(Model, webhook::Model)>, DbErr> {
    let rows = webhook_delivery::Entity::find()
        .filter(webhook_delivery::COLUMN.status.eq(DeliveryStatus::Pending))
        .filter(webhook_delivery::COLUMN.next_attempt_at.lte(now))
        .filter(webhook_delivery::COLUMN.webhook_id.is_not_in(busy))
        .order_by_asc(webhook_delivery::COLUMN.next_attempt_at)
        .order_by_asc(webhook_delivery::COLUMN.id)
        .limit(most)
        .find_also_related(webhook::Entity)
        .all(db)
        .await?;
    Ok(rows.into_iter().filter_map(|(delivery, webhook)| Some((delivery, webhook?))).collect())
}

/// Takes `delivery` for this process, until `now + lease`. Of several that have read it, the database lets one.
pub(super) async fn claim(
    db: &impl ConnectionTrait,
    delivery: Model,
    lease: Duration,
    now: DateTime<Utc>,
) -> Result<Option<Model>, DbErr> {
    let attempts = delivery.attempts + 1;
    let until = now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
    let claimed = as_read(&delivery)
        .col_expr(webhook_delivery::Column::Attempts, Expr::value(attempts))
        .col_expr(webhook_delivery::Column::NextAttemptAt, Expr::value(until))
        .col_expr(webhook_delivery::Column::LastAttemptAt, Expr::value(now))
        .exec(db)
        .await?;
    Ok((claimed.rows_affected == 1).then_some(Model { attempts, ..delivery }))
}

/// Writes how the attempt that was claimed ended. Nothing where somebody else has taken over since.
pub(super) async fn end(
    db: &impl ConnectionTrait,
    delivery: &Model,
    ending: &Ending,
    response_status: Option<u16>,
    error: Option<String>,
) -> Result<(), DbErr> {
    let (status, next) = match ending {
        Ending::Succeeded => (DeliveryStatus::Succeeded, None),
        Ending::Again(at) => (DeliveryStatus::Pending, Some(*at)),
        Ending::Failed => (DeliveryStatus::Failed, None),
    };
    as_read(delivery)
        .col_expr(webhook_delivery::Column::Status, Expr::value(status))
        .col_expr(webhook_delivery::Column::NextAttemptAt, Expr::value(next))
        .col_expr(webhook_delivery::Column::ResponseStatus, Expr::value(response_status.map(i32::from)))
        .col_expr(webhook_delivery::Column::Error, Expr::value(error))
        .exec(db)
        .await?;
    Ok(())
}

/// Has a delivery that has ended made once more, from its first attempt on. `false`: it has not ended.
pub(super) async fn replay(db: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let replayed = webhook_delivery::Entity::update_many()
        .filter(webhook_delivery::COLUMN.id.eq(id))
        .filter(webhook_delivery::COLUMN.status.ne(DeliveryStatus::Pending))
        .col_expr(webhook_delivery::Column::Status, Expr::value(DeliveryStatus::Pending))
        .col_expr(webhook_delivery::Column::Attempts, Expr::value(0))
        .col_expr(webhook_delivery::Column::NextAttemptAt, Expr::value(now))
        .exec(db)
        .await?;
    Ok(replayed.rows_affected == 1)
}

/// A message has arrived: the webhook works.
pub(super) async fn mark_working(db: &impl ConnectionTrait, webhook: Uuid) -> Result<(), DbErr> {
    webhook::Entity::update_many()
        .filter(webhook::COLUMN.id.eq(webhook))
        .filter(webhook::COLUMN.failing_since.is_not_null())
        .col_expr(webhook::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
        .exec(db)
        .await?;
    Ok(())
}

/// A message has not arrived.
pub(super) async fn mark_failing(
    db: &impl ConnectionTrait,
    webhook: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    webhook::Entity::update_many()
        .filter(webhook::COLUMN.id.eq(webhook))
        .filter(webhook::COLUMN.failing_since.is_null())
        .col_expr(webhook::Column::FailingSince, Expr::value(now))
        .exec(db)
        .await?;
    Ok(())
}

/// Sends nothing more to a webhook, unless it has worked since `failing_before` where that is given. `false`: it goes on.
pub(super) async fn disable(
    db: &impl ConnectionTrait,
    webhook: Uuid,
    reason: DisabledReason,
    failing_before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let mut update = webhook::Entity::update_many()
        .filter(webhook::COLUMN.id.eq(webhook))
        .filter(webhook::COLUMN.disabled_at.is_null())
        .col_expr(webhook::Column::DisabledAt, Expr::value(now))
        .col_expr(webhook::Column::DisabledReason, Expr::value(reason));
    if let Some(moment) = failing_before {
        update = update.filter(webhook::COLUMN.failing_since.lte(moment));
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Removes what is from before `moment` and has ended from the log; how many.
pub(crate) async fn sweep(db: &impl ConnectionTrait, moment: DateTime<Utc>) -> Result<u64, DbErr> {
    let outcome = webhook_delivery::Entity::delete_many()
        .filter(webhook_delivery::COLUMN.status.is_in([DeliveryStatus::Succeeded, DeliveryStatus::Failed]))
        .filter(webhook_delivery::COLUMN.created_at.lt(moment))
        .exec(db)
        .await?;
    Ok(outcome.rows_affected)
}

/// An update of a delivery that nobody has begun to send since it was read.
fn as_read(delivery: &Model) -> UpdateMany<webhook_delivery::Entity> {
    webhook_delivery::Entity::update_many()
        .filter(webhook_delivery::COLUMN.id.eq(delivery.id))
        .filter(webhook_delivery::COLUMN.status.eq(DeliveryStatus::Pending))
        .filter(webhook_delivery::COLUMN.attempts.eq(delivery.attempts))
}
