//! Guessing passwords gets slower with every wrong guess, for a name and for a network, and nobody is locked out for good.
//! So does guessing the codes of a second factor.
//!
//! The counts are in the database: a restart forgets nothing, and instances count together. A name is counted as it was
//! given, whether there is such an account or not, so that a delay tells nothing about accounts.

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::login_throttle::{self, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    TransactionTrait,
};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use service_kit::problem::Problem;
use service_kit::rate_limit::{seconds_up, too_many};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::account::Name;
use crate::settings::ThrottleSettings;

/// Doublings of a second beyond which the longest delay is reached in any case.
const MAX_DOUBLINGS: u32 = 30;

/// Counts failed logins.
#[derive(Clone)]
pub(crate) struct LoginThrottle {
    db: DatabaseConnection,
    clock: SharedClock,
    settings: ThrottleSettings,
}

/// One login, or one code of a second factor, as it is counted.
pub(crate) struct Attempt {
    /// The name or the second factor.
    subject: Counter,
    network: Counter,
}

/// What one count is of, and when it begins to delay.
struct Counter {
    key: String,
    free: u32,
    longest: TimeDelta,
}

/// Why a login is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Throttled {
    /// Too many have failed; come back after so long.
    #[error("blocked for {0}")]
    Blocked(TimeDelta),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl LoginThrottle {
    pub(crate) fn new(db: DatabaseConnection, clock: SharedClock, settings: ThrottleSettings) -> Self {
        Self { db, clock, settings }
    }

    /// Begins an attempt, unless its name or its network has to wait. A name that nobody can have is none.
    pub(crate) async fn begin(&self, name: Option<&Name>, from: ClientAddress) -> Result<Attempt, Throttled> {
        self.begin_with(of_name(name), self.settings.name_longest_delay_seconds, from).await
    }

    /// Begins to try a code of the second factor of `account`, unless it or the network has to wait.
    pub(crate) async fn begin_code(&self, account: Uuid, from: ClientAddress) -> Result<Attempt, Throttled> {
        let factor = format!("second-factor:{account}");
        self.begin_with(factor, self.settings.code_longest_delay_seconds, from).await
    }

    async fn begin_with(
        &self,
        subject: String,
        longest: i64,
        from: ClientAddress,
    ) -> Result<Attempt, Throttled> {
        let settings = &self.settings;
        let counter = |what: String, free, longest| Counter {
            key: key(&what),
            free,
            longest: TimeDelta::seconds(longest),
        };
        let attempt = Attempt {
            subject: counter(subject, settings.name_free_failures, longest),
            network: counter(
                format!("network:{}", from.subscriber()),
                settings.network_free_failures,
                settings.network_longest_delay_seconds,
            ),
        };
        self.check(&self.db, &attempt).await?;
        Ok(attempt)
    }

    /// Counts a failure. Of many attempts at once, those that end after the block has begun learn nothing: this says
    /// that they are blocked, like [`Self::succeeded`].
    pub(crate) async fn failed(&self, attempt: Attempt) -> Result<(), Throttled> {
        let now = self.clock.now();
        login_throttle::Entity::delete_many()
            .filter(
                login_throttle::Column::FailedAt
                    .lt(now - TimeDelta::seconds(self.settings.forget_after_seconds)),
            )
            .exec(&self.db)
            .await?;
        let transaction = self.db.begin().await?;
        // Writing first makes attempts that end together go one by one.
        for counter in [&attempt.subject, &attempt.network] {
            self.lock(&transaction, counter).await?;
        }
        let rows = self.check(&transaction, &attempt).await?;
        for counter in [&attempt.subject, &attempt.network] {
            let failures = rows.iter().find(|row| row.key == counter.key).map_or(0, |row| row.failures);
            self.count(&transaction, counter, failures.saturating_add(1)).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Whether the attempt need not wait now either, before it is told that it was right so far: of many at once, those
    /// that end after the block has begun learn nothing.
    pub(crate) async fn recheck(&self, attempt: &Attempt) -> Result<(), Throttled> {
        self.check(&self.db, attempt).await.map(drop)
    }

    /// Forgets the failures of the subject. Those of the network stay: one good account must not pay for guessing others.
    pub(crate) async fn succeeded(&self, attempt: Attempt) -> Result<(), Throttled> {
        let rows = self.check(&self.db, &attempt).await?;
        if rows.iter().any(|row| row.key == attempt.subject.key) {
            login_throttle::Entity::delete_by_id(attempt.subject.key).exec(&self.db).await?;
        }
        Ok(())
    }

    /// Forgets the failures of a name whose owner has proven to be that in another way.
    pub(crate) async fn forget(&self, name: &Name) -> Result<(), DbErr> {
        login_throttle::Entity::delete_by_id(key(&of_name(Some(name)))).exec(&self.db).await?;
        Ok(())
    }

    /// The rows of an attempt that need not wait.
    async fn check(&self, db: &impl ConnectionTrait, attempt: &Attempt) -> Result<Vec<Model>, Throttled> {
        let keys = [attempt.subject.key.clone(), attempt.network.key.clone()];
        let rows =
            login_throttle::Entity::find().filter(login_throttle::Column::Key.is_in(keys)).all(db).await?;
        let now = self.clock.now();
        match rows.iter().map(|row| row.blocked_until).max() {
            Some(until) if until > now => Err(Throttled::Blocked(until - now)),
            _ => Ok(rows),
        }
    }

    /// Makes sure that there is a row, and takes it for the rest of the transaction.
    async fn lock(&self, db: &impl ConnectionTrait, counter: &Counter) -> Result<(), DbErr> {
        let now = self.clock.now();
        let row = login_throttle::ActiveModel {
            key: Set(counter.key.clone()),
            failures: Set(0),
            blocked_until: Set(now),
            failed_at: Set(now),
        };
        let keep = OnConflict::column(login_throttle::Column::Key)
            .update_column(login_throttle::Column::FailedAt)
            .to_owned();
        login_throttle::Entity::insert(row).on_conflict(keep).exec_without_returning(db).await?;
        Ok(())
    }

    async fn count(&self, db: &impl ConnectionTrait, counter: &Counter, failures: i32) -> Result<(), DbErr> {
        let now = self.clock.now();
        login_throttle::Entity::update(login_throttle::ActiveModel {
            key: Set(counter.key.clone()),
            failures: Set(failures),
            blocked_until: Set(counter.blocked_until(failures, now)),
            failed_at: Set(now),
        })
        .exec(db)
        .await?;
        Ok(())
    }
}

/// What is counted of a name.
fn of_name(name: Option<&Name>) -> String {
    match name {
        Some(Name::Username(username)) => format!("username:{}", username.key()),
        Some(Name::Email(email)) => format!("email:{}", email.key()),
        None => "nobody".to_owned(),
    }
}

fn key(what: &str) -> String {
    hex::encode(Sha256::digest(what))
}

impl Counter {
    /// The failure after the free ones costs a second, each further one twice as much, up to the longest delay.
    fn blocked_until(&self, failures: i32, now: DateTime<Utc>) -> DateTime<Utc> {
        let beyond = u32::try_from(failures).unwrap_or_default().saturating_sub(self.free);
        match beyond.checked_sub(1) {
            None => now,
            Some(doublings) => now + TimeDelta::seconds(1 << doublings.min(MAX_DOUBLINGS)).min(self.longest),
        }
    }
}

impl From<Throttled> for Problem {
    fn from(throttled: Throttled) -> Self {
        match throttled {
            Throttled::Blocked(span) => too_many(seconds_up(span)),
            Throttled::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let counter = Counter { key: String::new(), free: 2, longest: TimeDelta::seconds(60) };
        let delay = |failures| (counter.blocked_until(failures, DateTime::UNIX_EPOCH)).timestamp();
        let delays: Vec<_> = (1..=10).map(delay).collect();
        assert_eq!(delays, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(delay(i32::MAX), 60);
    }
}
