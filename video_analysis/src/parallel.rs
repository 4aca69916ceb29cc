//! Some jobs at a time, the results in the order of the jobs.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;

/// Does `job` for every number below `count`, at most `workers` of them at the same time. After the first error none is begun.
pub(crate) fn side_by_side<T: Send>(
    workers: NonZeroUsize,
    count: usize,
    job: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(done);
            }
            done.push((number, job(number).inspect_err(|_| next.store(count, Ordering::Relaxed))?));
        }
    };
    let results: Vec<Result<Vec<(usize, T)>, Error>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.get().min(count)).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut all = Vec::new();
    for result in results {
        all.extend(result?);
    }
    all.sort_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let squares = side_by_side(THREE, 50, |number| Ok(number * number)).unwrap();
        assert_eq!(squares, (0..50).map(|number| number * number).collect::<Vec<_>>());
        assert!(side_by_side(THREE, 0, Ok).unwrap().is_empty());
    }

    #[test]
    fn an_error_ends_all() {
        let failing = |number| if number == 4 { Err(Error::new(ErrorKind::Io, "four")) } else { Ok(number) };
        assert_eq!(side_by_side(THREE, 50, failing).unwrap_err().kind(), ErrorKind::Io);
    }
}
