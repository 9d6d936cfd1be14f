//! When an invocation stops querying the market: once the market blocks this client or is down, or the time is up.
//!
//! This is the state only. `yahoo/decode.rs` recognises a block, such as a 429, in a reply, and `fetch.rs` decides
//! whether it opens the breaker.

use std::sync::OnceLock;

use shared::payload::Reason;
use tokio::time::{Instant, timeout_at};

use crate::{failure::Failure, rate_limiter::RateLimiter};

/// The circuit breaker of one invocation. Once open it rejects every request, for the cause that opened it.
#[derive(Debug)]
pub struct CircuitBreaker {
    deadline: Instant,
    cause: OnceLock<Failure>,
}

impl CircuitBreaker {
    /// A closed breaker. It does not open by itself at `deadline`: a request that cannot end by then opens it, with
    /// [`CircuitBreaker::out_of_time`].
    pub fn new(deadline: Instant) -> Self {
        Self { deadline, cause: OnceLock::new() }
    }

    /// The instant until which requests may be sent and answered.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits until the rate limiter admits a request.
    ///
    /// # Errors
    /// Why the request is rejected: the breaker is open, or the deadline passed.
    pub async fn acquire(&self, limiter: &RateLimiter) -> Result<(), Failure> {
        self.check()?;
        if timeout_at(self.deadline, limiter.until_ready()).await.is_err() {
            return Err(self.out_of_time());
        }
        self.check()
    }

    /// Opens the breaker for `cause`; one that is open keeps its first cause.
    pub fn open(&self, cause: Failure) {
        if self.cause.set(cause).is_ok() {
            tracing::warn!(cause = self.cause().map(|cause| &*cause.detail), "circuit breaker opened");
        }
    }

    /// Opens the breaker because the time is up, and returns the failure of the request that was rejected.
    pub fn out_of_time(&self) -> Failure {
        let cause = Failure::new(Reason::NotAttempted, "the invocation's time ran out before its turn");
        self.open(cause.clone());
        self.cause().unwrap_or(&cause).not_attempted()
    }

    /// Why the breaker is open, if it is.
    pub fn cause(&self) -> Option<&Failure> {
        self.cause.get()
    }

    fn check(&self) -> Result<(), Failure> {
        self.cause().map_or(Ok(()), |cause| Err(cause.not_attempted()))
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::*;

    fn limiter(period: Duration) -> Result<RateLimiter, Failure> {
        RateLimiter::new(period, NonZeroU32::MIN).ok_or(Failure::new(Reason::Refused, "no limiter"))
    }

    fn soon(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    #[tokio::test]
    async fn a_request_that_would_wait_beyond_the_deadline_is_rejected() -> Result<(), Failure> {
        let (limiter, breaker) = (limiter(Duration::from_secs(60))?, CircuitBreaker::new(soon(30)));
        breaker.acquire(&limiter).await?;
        let rejected = breaker.acquire(&limiter).await;
        assert!(rejected.is_err_and(|failure| failure.reason == Reason::NotAttempted && !failure.counts_as_attempt));
        Ok(())
    }

    #[tokio::test]
    async fn an_open_breaker_rejects_every_request_for_the_first_cause() -> Result<(), Failure> {
        let (limiter, breaker) = (limiter(Duration::from_millis(1))?, CircuitBreaker::new(soon(10_000)));
        breaker.open(Failure::new(Reason::Blocked, "status 429: Too Many Requests"));
        breaker.open(Failure::new(Reason::Unavailable, "later"));
        let rejected = breaker.acquire(&limiter).await.err();
        let is_blocked = |failure: &Failure| failure.reason == Reason::Blocked && !failure.counts_as_attempt;
        assert!(rejected.as_ref().is_some_and(is_blocked), "{rejected:?}");
        let detail = rejected.map(|failure| failure.detail);
        assert_eq!(detail.as_deref(), Some("not attempted: status 429: Too Many Requests"));
        Ok(())
    }
}
