//! Whether a client sends quickly enough: one that drips holds a connection and a place on the disk for nothing.

use std::time::{Duration, Instant};

/// The speed is measured over so long.
const WINDOW: Duration = Duration::from_secs(30);

/// The speed of one client, on average of the last while.
pub(crate) struct Speed {
    /// Bytes a second; 0 is any speed.
    minimum: u64,
    bytes: u64,
    since: Instant,
    low: bool,
}

impl Speed {
    /// Measured from `now` on.
    pub(crate) fn new(minimum: u64, now: Instant) -> Self {
        Self { minimum, bytes: 0, since: now, low: false }
    }

    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    pub(crate) fn is_too_low(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= WINDOW {
            self.low = self.bytes < self.minimum.saturating_mul(WINDOW.as_secs());
            (self.bytes, self.since) = (0, now);
        }
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who sends so many bytes in each second of a while, from `now` on; whether that was too slow.
    fn is_too_slow(speed: &mut Speed, now: &mut Instant, seconds: u32, bytes: usize) -> bool {
        (0..seconds).fold(false, |_, _| {
            speed.add(bytes);
            *now += Duration::from_secs(1);
            speed.is_too_low(*now)
        })
    }

    fn measured(minimum: u64) -> (Speed, Instant) {
        let now = Instant::now();
        (Speed::new(minimum, now), now)
    }

    #[test]
    fn who_drips_is_too_slow_after_half_a_minute_and_not_before() {
        let (mut speed, mut now) = measured(1024);
        assert!(!is_too_slow(&mut speed, &mut now, 29, 1), "it may have been a pause");
        assert!(is_too_slow(&mut speed, &mut now, 1, 1));
    }

    #[test]
    fn who_keeps_the_pace_is_left_alone_and_who_loses_it_is_not() {
        let (mut speed, mut now) = measured(1024);
        assert!(!is_too_slow(&mut speed, &mut now, 30, 1024));
        assert!(!is_too_slow(&mut speed, &mut now, 30, 1_000_000));
        assert!(is_too_slow(&mut speed, &mut now, 30, 1023), "what was quick before does not count");
    }

    #[test]
    fn without_a_minimum_nobody_is_too_slow() {
        let (mut speed, mut now) = measured(0);
        assert!(!is_too_slow(&mut speed, &mut now, 60, 0));
    }
}
