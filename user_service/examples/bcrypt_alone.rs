//! What `bench/accounts.py` compares logins with: the bcrypt crate, and nothing else.
//!
//! `bcrypt_alone COST THREADS ROUNDS` prints the seconds of one hash (median of ROUNDS, nothing beside it), then the hashes
//! a second of THREADS threads that hash ROUNDS times each.

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<u32> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let &[cost, threads, rounds] = arguments.as_slice() else {
        return Err("usage: bcrypt_alone COST THREADS ROUNDS".into());
    };
    let mut times = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        bcrypt::hash("correct horse battery", cost)?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).ok_or("ROUNDS is at least 1")?;
    println!("{}", median.as_secs_f64());

    let started = Instant::now();
    std::thread::scope(|scope| {
        let hashing = || (0..rounds).try_for_each(|_| bcrypt::hash("correct horse battery", cost).map(drop));
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(hashing)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread died")?.map_err(|_| "bcrypt"))
    })?;
    println!("{}", f64::from(threads * rounds) / started.elapsed().as_secs_f64());
    Ok(())
}
