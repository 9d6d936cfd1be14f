//! The rate at which the market may be queried: Yahoo blocks clients that exceed its own limit.

use std::{num::NonZeroU32, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota};

/// Admits a burst of requests at once and further ones at a steady rate, over all invocations of one process.
#[derive(Debug)]
pub struct RateLimiter(DefaultDirectRateLimiter);

impl RateLimiter {
    /// A limiter of one request every `period` after a first `burst`; `None` where the period is zero.
    pub fn new(period: Duration, burst: NonZeroU32) -> Option<Self> {
        Quota::with_period(period).map(|quota| Self(DefaultDirectRateLimiter::direct(quota.allow_burst(burst))))
    }

    /// Waits until the next request may be sent.
    pub async fn until_ready(&self) {
        self.0.until_ready().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_burst_passes_at_once_and_the_rest_at_a_steady_rate() -> Result<(), &'static str> {
        let burst = NonZeroU32::MIN.saturating_add(2);
        let limiter = RateLimiter::new(Duration::from_millis(50), burst).ok_or("no limiter")?;
        let begun = Instant::now();
        for _ in 0..3 {
            limiter.until_ready().await;
        }
        assert!(begun.elapsed() < Duration::from_millis(45), "the burst took {:?}", begun.elapsed());
        for _ in 0..4 {
            limiter.until_ready().await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(195), "four more took {:?} in all", begun.elapsed());
        Ok(())
    }
}
