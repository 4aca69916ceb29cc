//! Guessing the password of a link gets slower with every wrong guess, and nobody is locked out for good.
//!
//! The count is in the link's row: a restart forgets nothing, and instances count together. An attempt is counted before
//! the password is looked at, so that of many guesses at once no more are looked at than one after the other.

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::share;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use service_kit::problem::Problem;
use service_kit::rate_limit::{seconds_up, too_many};
use uuid::Uuid;

/// Wrong passwords in a row that may follow each other at once: more than honest visitors who come at the same moment.
const FREE: i32 = 10;
/// After many of them: a guesser has 1440 a day, and an honest visitor waits for no more than this.
const LONGEST: TimeDelta = TimeDelta::minutes(1);
/// Doublings of a second beyond which the longest delay is reached in any case.
const MAX_DOUBLINGS: u32 = 30;

/// Counts an attempt, as one that fails until it is known better.
///
/// # Errors
/// 429 where the link has to wait, 404 where it is gone.
pub(super) async fn begin(
    db: &impl ConnectionTrait,
    mut share: share::Model,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    loop {
        if let Some(until) = share.blocked_until.filter(|until| *until > now) {
            return Err(too_many(seconds_up(until - now)));
        }
        let failures = share.failures.saturating_add(1);
        let counted = share::Entity::update_many()
            .filter(share::COLUMN.id.eq(share.id))
            .filter(share::COLUMN.failures.eq(share.failures))
            .col_expr(share::Column::Failures, Expr::value(failures))
            .col_expr(share::Column::BlockedUntil, Expr::value(now + delay(failures)))
            .exec(db)
            .await?;
        if counted.rows_affected == 1 {
            return Ok(());
        }
        // Another attempt was quicker: this one goes after it.
        let id = share.id;
        share = share::Entity::find_by_id(id).one(db).await?.ok_or_else(super::visitor::not_found)?;
    }
}

/// The attempt was right: forgets those before it.
///
/// # Errors
/// When the database fails.
pub(super) async fn succeeded(db: &impl ConnectionTrait, share: Uuid) -> Result<(), DbErr> {
    share::Entity::update_many()
        .filter(share::COLUMN.id.eq(share))
        .col_expr(share::Column::Failures, Expr::value(0))
        .col_expr(share::Column::BlockedUntil, Expr::value(None::<DateTime<Utc>>))
        .exec(db)
        .await?;
    Ok(())
}

/// The last of the free failures costs a second, each further one twice as much, up to the longest delay.
fn delay(failures: i32) -> TimeDelta {
    match u32::try_from(failures.saturating_sub(FREE)) {
        Err(_) => TimeDelta::zero(),
        Ok(doublings) => TimeDelta::seconds(1 << doublings.min(MAX_DOUBLINGS)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays: Vec<_> = (9..=20).map(|failures| delay(failures).num_seconds()).collect();
        assert_eq!(delays, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
        assert_eq!([0, i32::MIN].map(|failures| delay(failures).num_seconds()), [0, 0]);
        assert_eq!(delay(i32::MAX), LONGEST);
    }
}
