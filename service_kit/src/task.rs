//! Work that goes on when its client has gone.

use std::future::Future;

use crate::problem::Problem;

/// Runs `work` to its end, whoever waits for it: actix drops a handler's future when its client hangs up, and what must
/// not stop half-way, as a write in two places, must not be part of it.
///
/// # Errors
/// Those of `work`; 500 where it panics.
pub async fn to_its_end<T: 'static>(
    work: impl Future<Output = Result<T, Problem>> + 'static,
) -> Result<T, Problem> {
    actix_rt::spawn(work).await.map_err(Problem::internal)?
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[actix_rt::test]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let done = Rc::new(Cell::new(false));
        let mut waiting = Box::pin(to_its_end({
            let done = Rc::clone(&done);
            async move {
                tokio::task::yield_now().await;
                done.set(true);
                Ok(())
            }
        }));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(waiting);
        while !done.get() {
            tokio::task::yield_now().await;
        }
    }
}
