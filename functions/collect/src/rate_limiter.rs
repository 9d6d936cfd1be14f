//! The rate at which the market may be queried: a market blocks or delays clients that exceed its own limit.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter as Governor,
    clock::Clock,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::{Instant, sleep_until};

/// Admits a burst of requests at once and further ones at a steady rate, over all invocations of one process.
#[derive(Debug)]
pub struct RateLimiter {
    governor: Governor<NotKeyed, InMemoryState, TokioClock>,
    /// Until when the market has told this client to wait.
    held_until: Mutex<Option<Instant>>,
}

/// The clock by which the rest of the function sleeps, which a test can advance.
#[derive(Debug, Clone, Copy)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

/// The next request cannot be admitted in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLate;

impl RateLimiter {
    /// A limiter of one request every `period` after a first `burst`; `None` where the period is zero.
    pub fn new(period: Duration, burst: NonZeroU32) -> Option<Self> {
        let quota = Quota::with_period(period)?.allow_burst(burst);
        Some(Self { governor: Governor::direct_with_clock(quota, TokioClock), held_until: Mutex::default() })
    }

    /// Admits nothing until an instant, since the market's own count of requests has reached its limit.
    pub fn hold_until(&self, instant: Instant) {
        let mut held_until = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        *held_until = Some(instant).max(*held_until);
    }

    /// Until when nothing is admitted, where that is not over yet.
    fn held_until(&self) -> Option<Instant> {
        let held_until = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        held_until.filter(|instant| Instant::now() < *instant)
    }

    /// Waits until the next request may be sent, or until `deadline` where it may not be sent before that.
    ///
    /// # Errors
    /// [`TooLate`], from the deadline on.
    pub async fn admit_before(&self, deadline: Instant) -> Result<(), TooLate> {
        while Instant::now() < deadline {
            let next = match self.held_until() {
                Some(instant) => instant,
                None => match self.governor.check() {
                    Ok(()) => return Ok(()),
                    Err(not_until) => Instant::now() + not_until.wait_time_from(TokioClock.now()),
                },
            };
            sleep_until(deadline.min(next)).await;
        }
        Err(TooLate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_a_steady_rate() -> Result<(), &'static str> {
        let burst = NonZeroU32::MIN.saturating_add(2);
        let limiter = RateLimiter::new(Duration::from_millis(50), burst).ok_or("no limiter")?;
        let begun = Instant::now();
        let mut admitted = Vec::new();
        for _ in 0..6 {
            limiter.admit_before(begun + Duration::from_secs(1)).await.map_err(|TooLate| "too late")?;
            // The timer counts whole milliseconds, rounded up.
            admitted.push(begun.elapsed().as_millis() / 10);
        }
        assert_eq!(admitted, [0, 0, 0, 5, 10, 15]);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_admitted_while_the_market_says_so() -> Result<(), &'static str> {
        let limiter = RateLimiter::new(Duration::from_millis(50), NonZeroU32::MIN).ok_or("no limiter")?;
        let begun = Instant::now();
        limiter.hold_until(begun + Duration::from_secs(20));
        limiter.hold_until(begun + Duration::from_secs(5));
        assert_eq!(limiter.admit_before(begun + Duration::from_secs(10)).await, Err(TooLate));
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        assert_eq!(limiter.admit_before(begun + Duration::from_secs(60)).await, Ok(()));
        assert_eq!(begun.elapsed().as_secs(), 20);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_admitted_from_the_deadline_on() -> Result<(), &'static str> {
        let limiter = RateLimiter::new(Duration::from_secs(60), NonZeroU32::MIN).ok_or("no limiter")?;
        let deadline = Instant::now() + Duration::from_secs(30);
        assert_eq!(limiter.admit_before(Instant::now()).await, Err(TooLate), "the deadline has passed");
        assert_eq!(limiter.admit_before(deadline).await, Ok(()));
        assert_eq!(limiter.admit_before(deadline).await, Err(TooLate), "the next is due after 60 seconds");
        assert_eq!(
            Instant::now(),
            deadline,
            "it waits, so that an invocation without progress is not repeated at once"
        );
        Ok(())
    }
}
