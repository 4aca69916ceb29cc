//! Many questions, one query. Every request asks whether its session lives, and the answer must be the database's, so that
//! what one instance ends is over for all of them: nothing is remembered. Whoever asks while queries run waits for the next
//! one, which answers for all that have come meanwhile. So the database sees few queries however many ask, and every
//! answer is newer than its question.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::user_db::{account, session};
use sea_orm::DbErr;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::{Rejection, SessionError};
use super::store;

/// Queries at a time: while one runs the next collects, and one that hangs does not hold up everybody.
const MAX_RUNNING: usize = 2;

/// Sessions a query asks for: one with more would keep the first that asked waiting.
const MAX_BATCH: usize = 256;

/// A question.
pub(super) struct Check {
    pub(super) id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) answer: oneshot::Sender<Result<account::Model, SessionError>>,
}

/// The questions that wait.
#[derive(Default)]
pub(super) struct Checks {
    waiting: Vec<Check>,
    running: usize,
}

/// The questions of one query.
pub(super) struct Batch(Vec<Check>);

impl Checks {
    pub(super) fn add(&mut self, check: Check) {
        self.waiting.push(check);
    }

    /// What the next query should answer, if there is a question and it may begin.
    pub(super) fn next_batch(&mut self) -> Option<Batch> {
        if self.waiting.is_empty() || self.running == MAX_RUNNING {
            return None;
        }
        self.running += 1;
        Some(Batch(self.waiting.drain(..self.waiting.len().min(MAX_BATCH)).collect()))
    }

    /// A query has ended.
    pub(super) fn ended(&mut self) {
        self.running -= 1;
    }
}

impl Batch {
    /// The sessions in question, each once.
    pub(super) fn sessions(&self) -> Vec<Uuid> {
        let mut ids: Vec<_> = self.0.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Answers all of them. Whoever has gone meanwhile needs no answer.
    pub(super) fn answer(
        self,
        found: Result<HashMap<Uuid, (session::Model, account::Model)>, DbErr>,
        now: DateTime<Utc>,
    ) {
        match found {
            Ok(found) => {
                for Check { id, account_id, answer } in self.0 {
                    let _ = answer.send(judge(found.get(&id), account_id, now).map_err(SessionError::from));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for check in self.0 {
                    let _ = check.answer.send(Err(SessionError::Check(error.clone())));
                }
            }
        }
    }
}

/// Whether tokens of a session still count, for the account that they name.
fn judge(
    found: Option<&(session::Model, account::Model)>,
    account_id: Uuid,
    now: DateTime<Utc>,
) -> Result<account::Model, Rejection> {
    let Some((session, account)) = found.filter(|(session, _)| session.account_id == account_id) else {
        return Err(Rejection::NoSession);
    };
    if account.disabled_at.is_some() {
        return Err(Rejection::AccountDisabled);
    }
    store::check_alive(session, now)?;
    Ok(account.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(checks: &mut Checks, id: Uuid) -> oneshot::Receiver<Result<account::Model, SessionError>> {
        let (answer, answered) = oneshot::channel();
        checks.add(Check { id, account_id: Uuid::nil(), answer });
        answered
    }

    #[test]
    fn whoever_asks_while_queries_run_shares_the_next_one() {
        let mut checks = Checks::default();
        let ids: Vec<_> = (0..4).map(|_| Uuid::now_v7()).collect();
        for id in &ids[..2] {
            drop(ask(&mut checks, *id));
            assert_eq!(checks.next_batch().unwrap().sessions(), [*id]);
        }
        for id in [ids[2], ids[3], ids[2]] {
            drop(ask(&mut checks, id));
        }
        assert!(checks.next_batch().is_none(), "both queries still run");
        checks.ended();
        assert_eq!(checks.next_batch().unwrap().sessions(), ids[2..]);
        checks.ended();
        assert!(checks.next_batch().is_none(), "nobody asks");
    }

    #[test]
    fn a_query_is_bounded_however_many_wait() {
        let mut checks = Checks::default();
        for _ in 0..=MAX_BATCH {
            drop(ask(&mut checks, Uuid::now_v7()));
        }
        assert_eq!(checks.next_batch().unwrap().sessions().len(), MAX_BATCH);
        assert_eq!(checks.next_batch().unwrap().sessions().len(), 1);
    }

    #[test]
    fn when_the_database_is_away_everybody_learns_it() {
        let mut checks = Checks::default();
        let answers: Vec<_> = (0..3).map(|_| ask(&mut checks, Uuid::now_v7())).collect();
        checks.next_batch().unwrap().answer(Err(DbErr::Custom("away".to_owned())), DateTime::UNIX_EPOCH);
        for mut answer in answers {
            assert!(matches!(answer.try_recv().unwrap(), Err(SessionError::Check(_))));
        }
    }
}
