//! Sends what was added, apart from any request.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::account;
use entity::user_db::mail::{self, Kind, Model};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use service_kit::clock::SharedClock;
use service_kit::random;

use super::letter::Letter;
use super::smtp::Smtp;
use super::token::{self, Purpose};
use crate::outbox::{Bell, pause};

/// How often a courier looks for messages that others added, or whose pause is over.
const POLL: Duration = Duration::from_secs(1);
/// How long a message that somebody sends is left alone by the others: longer than sending may take.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// After so long a message is not worth sending any more.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);
/// Messages read at a time.
const BATCH: u64 = 32;
/// The window in which messages to one address are counted.
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// Messages of one kind to one address within it: nobody can fill somebody else's mailbox, and two may get lost.
const MOST: u64 = 3;

/// Sends messages; any number of them, in any number of processes, share the work.
pub(crate) struct Courier {
    db: DatabaseConnection,
    clock: SharedClock,
    bell: Bell,
    smtp: Smtp,
}

/// Why a message could not be tried.
#[derive(Debug, thiserror::Error)]
enum CourierError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("randomness: {0}")]
    Random(#[from] random::Error),
}

/// Whether the next message is worth a try.
enum Next {
    GoOn,
    Pause,
}

impl Courier {
    pub(crate) fn new(db: DatabaseConnection, clock: SharedClock, bell: Bell, smtp: Smtp) -> Self {
        Self { db, clock, bell, smtp }
    }

    /// Sends what is due, for ever.
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.send_due().await {
                log::warn!("mail cannot be sent now cause={error:?}");
            }
            tokio::select! {
                () = self.bell.heard() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn send_due(&self) -> Result<(), CourierError> {
        let due = mail::Entity::find()
            .filter(mail::Column::AvailableAt.lte(self.clock.now()))
            .order_by_asc(mail::Column::AvailableAt)
            .order_by_asc(mail::Column::Id)
            .limit(BATCH)
            .all(&self.db)
            .await?;
        for message in due {
            if message.sent_at.is_some() {
                mail::Entity::delete_by_id(message.id).exec(&self.db).await?;
                continue;
            }
            if claim(&self.db, &message, self.clock.now()).await?
                && matches!(self.send(message).await?, Next::Pause)
            {
                break;
            }
        }
        Ok(())
    }

    async fn send(&self, message: Model) -> Result<Next, CourierError> {
        let (id, kind, now) = (message.id, message.kind, self.clock.now());
        let Some((account, letter)) = self.write(&message).await? else {
            mail::Entity::delete_by_id(id).exec(&self.db).await?;
            return Ok(Next::GoOn);
        };
        let Err(error) = self.smtp.send(&letter, &account.email, id, now.into()).await else {
            self.mark_sent(&message).await?;
            log::info!("mailed kind={kind:?} account_id={}", account.id);
            return Ok(Next::GoOn);
        };
        if error.is_final || now - message.created_at >= GIVE_UP {
            log::warn!("mail given up kind={kind:?} account_id={} cause={error}", account.id);
            mail::Entity::delete_by_id(id).exec(&self.db).await?;
        } else {
            let pause = pause(message.attempts);
            log::warn!(
                "not mailed kind={kind:?} account_id={} next_try_seconds={} cause={error}",
                account.id,
                pause.num_seconds()
            );
            mail::Entity::update_many()
                .col_expr(mail::Column::AvailableAt, Expr::value(self.clock.now() + pause))
                .filter(mail::Column::Id.eq(id))
                .exec(&self.db)
                .await?;
        }
        Ok(if error.concerns_all { Next::Pause } else { Next::GoOn })
    }

    /// The letter and whose it is, with a token that is stored. None where there is nothing to say (any more): who asks for
    /// messages learns nothing from it, for it is found out here.
    async fn write(&self, message: &Model) -> Result<Option<(account::Model, Letter)>, CourierError> {
        let found = match message.kind {
            Kind::EmailVerification => self.find_unverified(message).await?,
            Kind::PasswordReset => {
                let found = find_by_key(&self.db, &message.recipient_key).await?;
                found.map(|account| (account, Some(Purpose::PasswordReset)))
            }
        };
        let Some((account, purpose)) = found.filter(|(account, _)| account.disabled_at.is_none()) else {
            return Ok(None);
        };
        if self.is_enough(message).await? {
            log::info!("mail not sent, enough were kind={:?} account_id={}", message.kind, account.id);
            return Ok(None);
        }
        let Some(purpose) = purpose else { return Ok(Some((account, Letter::AddressTaken))) };
        let token = token::generate()?;
        let key = message.recipient_key.clone();
        token::store(&self.db, &token, purpose, account.id, key, self.clock.now()).await?;
        let letter = match purpose {
            Purpose::EmailVerification => Letter::Verification(token),
            Purpose::PasswordReset => Letter::Reset(token),
        };
        Ok(Some((account, letter)))
    }

    /// The account whose address is to be verified; without a purpose, the other account that has the address already.
    async fn find_unverified(
        &self,
        message: &Model,
    ) -> Result<Option<(account::Model, Option<Purpose>)>, DbErr> {
        let Some(id) = message.account_id else { return Ok(None) };
        let Some(account) = account::Entity::find_by_id(id).one(&self.db).await? else { return Ok(None) };
        if account.email_verified_at.is_some() || account.email != message.recipient {
            return Ok(None);
        }
        Ok(match find_by_key(&self.db, &message.recipient_key).await? {
            Some(owner) if owner.id != id => Some((owner, None)),
            _ => Some((account, Some(Purpose::EmailVerification))),
        })
    }

    /// Whether the address has had as many of these as it may have. Instances that send at the same moment may each send
    /// the last one.
    async fn is_enough(&self, message: &Model) -> Result<bool, DbErr> {
        let sent = mail::Entity::find()
            .filter(mail::Column::RecipientKey.eq(message.recipient_key.clone()))
            .filter(mail::Column::Kind.eq(message.kind))
            .filter(mail::Column::SentAt.gt(self.clock.now() - WINDOW))
            .count(&self.db)
            .await?;
        Ok(sent >= MOST)
    }

    /// Marks a message as sent: it is counted for a while, and then forgotten.
    async fn mark_sent(&self, message: &Model) -> Result<(), DbErr> {
        let now = self.clock.now();
        mail::Entity::update_many()
            .col_expr(mail::Column::SentAt, Expr::value(now))
            .col_expr(mail::Column::AvailableAt, Expr::value(now + WINDOW))
            .filter(mail::Column::Id.eq(message.id))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

async fn find_by_key(db: &impl ConnectionTrait, key: &str) -> Result<Option<account::Model>, DbErr> {
    account::Entity::find().filter(account::Column::EmailKey.eq(key)).one(db).await
}

/// Takes `message` for this process. Of several that read it, the database lets one.
async fn claim(db: &impl ConnectionTrait, message: &Model, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let outcome = mail::Entity::update_many()
        .col_expr(mail::Column::AvailableAt, Expr::value(now + LEASE))
        .col_expr(mail::Column::Attempts, Expr::col(mail::Column::Attempts).add(1))
        .filter(mail::Column::Id.eq(message.id))
        .filter(mail::Column::Attempts.eq(message.attempts))
        .filter(mail::Column::SentAt.is_null())
        .exec(db)
        .await?;
    Ok(outcome.rows_affected == 1)
}
