//! Whether a client sends quickly enough: one that drips holds a connection and a place on the disk for nothing.

use std::time::Duration;

use tokio::time::Instant;

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
    pub(crate) fn new(minimum: u64) -> Self {
        Self { minimum, bytes: 0, since: Instant::now(), low: false }
    }

    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    pub(crate) fn is_too_low(&mut self) -> bool {
        if self.since.elapsed() >= WINDOW {
            self.low = self.bytes < self.minimum.saturating_mul(WINDOW.as_secs());
            (self.bytes, self.since) = (0, Instant::now());
        }
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a minute, of which each second brings so many bytes.
    async fn sends(speed: &mut Speed, bytes: usize) -> bool {
        for _ in 0..30 {
            speed.add(bytes);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        !speed.is_too_low()
    }

    #[tokio::test(start_paused = true)]
    async fn who_drips_is_too_slow_after_half_a_minute_and_not_before() {
        let mut speed = Speed::new(1024);
        speed.add(1);
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!speed.is_too_low(), "it may have been a pause");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(speed.is_too_low());
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_the_pace_is_left_alone_and_who_loses_it_is_not() {
        let mut speed = Speed::new(1024);
        assert!(sends(&mut speed, 1024).await);
        assert!(sends(&mut speed, 1_000_000).await);
        assert!(!sends(&mut speed, 1023).await, "what was quick before does not count");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_minimum_nobody_is_too_slow() {
        assert!(sends(&mut Speed::new(0), 0).await);
    }
}
