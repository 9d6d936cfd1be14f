//! The way to the market: one request at a time passes, at the pace that the market bears, until it
//! has to be closed. The pace is the process's, a closed gate is the invocation's.

use std::{num::NonZeroU32, sync::OnceLock, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota};
use shared::payload::Reason;
use tokio::time::{Instant, timeout_at};

use super::decode::Failure;

/// Lets a burst of requests pass at once and further ones at a steady pace.
#[derive(Debug)]
pub struct Pacer(DefaultDirectRateLimiter);

impl Pacer {
    /// A pacer of one request every `period` after a first `burst`; `None` where the period is zero.
    pub fn new(period: Duration, burst: NonZeroU32) -> Option<Self> {
        Quota::with_period(period).map(|quota| Self(DefaultDirectRateLimiter::direct(quota.allow_burst(burst))))
    }
}

/// One invocation's way to the market.
#[derive(Debug)]
pub struct Gate<'a> {
    pacer: &'a Pacer,
    deadline: Instant,
    closed: OnceLock<Failure>,
}

impl<'a> Gate<'a> {
    /// A gate that lets nobody pass after `deadline`.
    pub fn new(pacer: &'a Pacer, deadline: Instant) -> Self {
        Self { pacer, deadline, closed: OnceLock::new() }
    }

    /// When the gate closes by itself.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits for one's turn.
    ///
    /// # Errors
    /// Why nobody may ask the market any more.
    pub async fn pass(&self) -> Result<(), Failure> {
        self.check()?;
        if timeout_at(self.deadline, self.pacer.0.until_ready()).await.is_err() {
            return Err(self.out_of_time());
        }
        self.check()
    }

    /// Lets nobody pass any more, for the first `cause` that is given.
    pub fn close(&self, cause: Failure) {
        if self.closed.set(cause).is_ok() {
            tracing::warn!(cause = self.closed.get().map(|cause| &*cause.detail), "the market is not asked any more");
        }
    }

    /// Closes the gate because the time is up, and says so.
    pub fn out_of_time(&self) -> Failure {
        self.close(Failure::new(Reason::NotAsked, "the invocation's time ran out before its turn"));
        self.cause().map_or_else(|| Failure::new(Reason::NotAsked, "no time"), Failure::not_asked)
    }

    /// Why the gate was closed, if it was.
    pub fn cause(&self) -> Option<&Failure> {
        self.closed.get()
    }

    fn check(&self) -> Result<(), Failure> {
        self.cause().map_or(Ok(()), |cause| Err(cause.not_asked()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    #[tokio::test]
    async fn a_burst_passes_at_once_and_the_rest_at_a_steady_pace() -> Result<(), Failure> {
        let burst = NonZeroU32::MIN.saturating_add(2);
        let pacer = Pacer::new(Duration::from_millis(50), burst).ok_or(Failure::new(Reason::Refused, "no pacer"))?;
        let gate = Gate::new(&pacer, soon(10_000));
        let begun = Instant::now();
        for _ in 0..3 {
            gate.pass().await?;
        }
        assert!(begun.elapsed() < Duration::from_millis(45), "the burst took {:?}", begun.elapsed());
        for _ in 0..4 {
            gate.pass().await?;
        }
        assert!(begun.elapsed() >= Duration::from_millis(195), "four more took {:?} in all", begun.elapsed());
        Ok(())
    }

    #[tokio::test]
    async fn whoever_would_have_to_wait_beyond_the_deadline_is_told_so() -> Result<(), Failure> {
        let pacer =
            Pacer::new(Duration::from_secs(60), NonZeroU32::MIN).ok_or(Failure::new(Reason::Refused, "no pacer"))?;
        let gate = Gate::new(&pacer, soon(30));
        gate.pass().await?;
        let told = gate.pass().await;
        assert!(told.is_err_and(|told| told.reason == Reason::NotAsked && !told.asked));
        Ok(())
    }

    #[tokio::test]
    async fn a_closed_gate_lets_nobody_pass_and_says_the_first_cause() -> Result<(), Failure> {
        let pacer =
            Pacer::new(Duration::from_millis(1), NonZeroU32::MIN).ok_or(Failure::new(Reason::Refused, "no pacer"))?;
        let gate = Gate::new(&pacer, soon(10_000));
        gate.close(Failure::new(Reason::Blocked, "status 429: Too Many Requests"));
        gate.close(Failure::new(Reason::Unavailable, "later"));
        let told = gate.pass().await.err();
        assert!(told.as_ref().is_some_and(|told| told.reason == Reason::Blocked && !told.asked), "{told:?}");
        assert_eq!(told.map(|told| told.detail).as_deref(), Some("not asked: status 429: Too Many Requests"));
        Ok(())
    }
}
