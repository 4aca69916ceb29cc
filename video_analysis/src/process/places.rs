//! How many decoders run at the same time.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many places; who finds none free waits for one. First come, first served: who gives one back and asks again stands behind those that
/// wait.
pub(crate) struct Places {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free: usize,
    /// How many have come so far, and how many of them were served.
    come: u64,
    served: u64,
}

/// A place that is taken, until it is dropped.
pub(crate) struct Place<'a>(&'a Places);

impl Places {
    pub(crate) fn new(count: NonZeroUsize) -> Self {
        Self { state: Mutex::new(State { free: count.get(), come: 0, served: 0 }), changed: Condvar::new() }
    }

    /// Waits until a place is free. An analysis that is stopped frees all of them, for its decoders are killed.
    pub(crate) fn take(&self) -> Place<'_> {
        let mut state = self.lock();
        let turn = state.come;
        state.come += 1;
        let is_to_wait = |state: &mut State| state.served != turn || state.free == 0;
        let mut state = self.changed.wait_while(state, is_to_wait).unwrap_or_else(PoisonError::into_inner);
        state.served += 1;
        state.free -= 1;
        // The next one may find another that is free.
        self.changed.notify_all();
        Place(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn never_are_more_at_work_than_there_are_places() {
        let places = Places::new(NonZeroUsize::new(3).unwrap());
        let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _place = places.take();
                        most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        at_work.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
        assert_eq!(places.lock().free, 3);
    }

    #[test]
    fn who_gives_a_place_back_and_asks_again_stands_behind_those_that_wait() {
        let places = Places::new(NonZeroUsize::MIN);
        let served = Mutex::new(Vec::new());
        let serve = |who| served.lock().unwrap().push(who);
        std::thread::scope(|scope| {
            let mut place = places.take();
            for who in 1..=3 {
                let (places, serve) = (&places, &serve);
                scope.spawn(move || {
                    let _place = places.take();
                    serve(who);
                });
                // Nobody is served meanwhile: who has come since waits.
                while places.lock().come <= who {
                    std::thread::yield_now();
                }
            }
            for _ in 0..2 {
                drop(place);
                place = places.take();
                serve(0);
            }
        });
        assert_eq!(served.into_inner().unwrap(), [1, 2, 3, 0, 0]);
    }
}
