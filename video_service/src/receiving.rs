//! How many requests of one account may bring bytes at a time, so that nobody takes all of this process's hands.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use service_kit::problem::Problem;
use uuid::Uuid;

/// Counts them. Clones share the count.
#[derive(Clone)]
pub(crate) struct Receiving {
    limit: NonZeroUsize,
    counts: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// A request that brings bytes, until it is dropped.
pub(crate) struct Place {
    account: Uuid,
    of: Receiving,
}

impl Receiving {
    pub(crate) fn new(limit: NonZeroUsize) -> Self {
        Self { limit, counts: Arc::default() }
    }

    /// Lets one more request of `account` in.
    ///
    /// # Errors
    /// 429 `too-many-uploads` with `Retry-After`.
    pub(crate) fn enter(&self, account: Uuid) -> Result<Place, Problem> {
        let mut counts = self.counts();
        let count = counts.entry(account).or_default();
        if *count >= self.limit.get() {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-uploads",
                "Too many uploads at a time",
            )
            .detail(format!("{} at a time are taken; wait for one to end", self.limit))
            .header(header::RETRY_AFTER, HeaderValue::from_static("5")));
        }
        *count += 1;
        Ok(Place { account, of: self.clone() })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        if let Some(count) = counts.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_is_stopped_at_its_limit_until_one_of_its_requests_ends_and_others_are_not() {
        let receiving = Receiving::new(NonZeroUsize::new(2).unwrap());
        let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let first = receiving.enter(ada).unwrap();
        let _second = receiving.enter(ada).unwrap();
        assert!(receiving.enter(ada).is_err());
        let place = receiving.enter(bob).unwrap();
        drop(first);
        assert!(receiving.enter(ada).is_ok());
        drop(place);
        assert!(!receiving.counts().contains_key(&bob), "who is gone takes no memory");
    }
}
