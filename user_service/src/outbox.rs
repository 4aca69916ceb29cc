//! What others have to learn for certain. A message is written in the transaction of the change it tells of, and removed
//! only when its receiver has understood it: it arrives at least once, however often either side restarts meanwhile.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::outbox::{self, Kind, Model};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use service_kit::clock::SharedClock;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::video_service::VideoService;

/// How often a courier looks for messages that others wrote, or whose pause is over.
const POLL: Duration = Duration::from_secs(1);
/// How long a message that somebody delivers is left alone by the others: longer than a delivery may take.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The pause after the first failure, which doubles with each one that follows.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);
/// The longest pause: how late a receiver that was away for long learns of everything.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// Messages read at a time.
const BATCH: u64 = 32;

/// Tells the courier of this process that there is something to deliver now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<Notify>);

impl Bell {
    /// Rings. A ring that nobody hears is made up for by the next look.
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for the next ring, or for the one that nobody has heard yet.
    pub(crate) async fn heard(&self) {
        self.0.notified().await;
    }
}

/// Delivers messages; any number of them, in any number of processes, share the work.
pub(crate) struct Courier {
    db: DatabaseConnection,
    clock: SharedClock,
    bell: Bell,
    video_service: VideoService,
}

/// Adds a message that is due at `available_at`: in the transaction of what it tells of.
pub(crate) async fn add(
    db: &impl ConnectionTrait,
    kind: Kind,
    account_id: Uuid,
    available_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = outbox::ActiveModel {
        id: Set(Uuid::now_v7()),
        kind: Set(kind),
        account_id: Set(account_id),
        attempts: Set(0),
        available_at: Set(available_at),
        created_at: Set(now),
    };
    outbox::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

impl Courier {
    pub(crate) fn new(
        db: DatabaseConnection,
        clock: SharedClock,
        bell: Bell,
        video_service: VideoService,
    ) -> Self {
        Self { db, clock, bell, video_service }
    }

    /// Delivers what is due, for ever.
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.deliver_due().await {
                log::warn!("the outbox cannot be read cause={error:?}");
            }
            tokio::select! {
                () = self.bell.heard() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn deliver_due(&self) -> Result<(), DbErr> {
        let due = outbox::Entity::find()
            .filter(outbox::Column::AvailableAt.lte(self.clock.now()))
            .order_by_asc(outbox::Column::AvailableAt)
            .limit(BATCH)
            .all(&self.db)
            .await?;
        for message in due {
            if claim(&self.db, &message, self.clock.now()).await? {
                self.deliver(message).await?;
            }
        }
        Ok(())
    }

    async fn deliver(&self, message: Model) -> Result<(), DbErr> {
        let outcome = match message.kind {
            Kind::AccountDeleted => self.video_service.delete_account(message.account_id).await,
        };
        match outcome {
            Ok(()) => {
                outbox::Entity::delete_by_id(message.id).exec(&self.db).await?;
                log::info!("delivered kind={:?} account_id={}", message.kind, message.account_id);
            }
            Err(error) => {
                let pause = pause(message.attempts);
                log::warn!(
                    "not delivered kind={:?} account_id={} next_try_seconds={} cause={error:?}",
                    message.kind,
                    message.account_id,
                    pause.num_seconds()
                );
                postpone(&self.db, message.id, self.clock.now() + pause).await?;
            }
        }
        Ok(())
    }
}

/// Takes `message` for this process. Of several that read it, the database lets one.
async fn claim(db: &impl ConnectionTrait, message: &Model, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let outcome = outbox::Entity::update_many()
        .col_expr(outbox::Column::AvailableAt, Expr::value(now + LEASE))
        .col_expr(outbox::Column::Attempts, Expr::col(outbox::Column::Attempts).add(1))
        .filter(outbox::Column::Id.eq(message.id))
        .filter(outbox::Column::Attempts.eq(message.attempts))
        .exec(db)
        .await?;
    Ok(outcome.rows_affected == 1)
}

async fn postpone(db: &impl ConnectionTrait, id: Uuid, until: DateTime<Utc>) -> Result<(), DbErr> {
    outbox::Entity::update_many()
        .col_expr(outbox::Column::AvailableAt, Expr::value(until))
        .filter(outbox::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// How long to wait after a failure that had so many before it.
pub(crate) fn pause(failures: i32) -> TimeDelta {
    // Beyond this the longest is reached in any case.
    let doublings = failures.clamp(0, 10);
    (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let seconds: Vec<_> = [0, 1, 2, 7, 8, i32::MAX].map(|failures| pause(failures).num_seconds()).into();
        assert_eq!(seconds, [2, 4, 8, 256, 300, 300]);
    }
}
