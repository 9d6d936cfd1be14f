//! When an invocation stops querying the market: once the market blocks this client or is down, or the time is up.
//!
//! This is the state only: a source recognises a block, such as a 429, in a reply, and `fetch.rs` decides
//! whether it opens the breaker.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use shared::payload::Reason;
use tokio::time::{Instant, timeout_at};

use crate::{
    failure::{Failure, FailureScope},
    rate_limiter::RateLimiter,
};

/// After this number of symbols without bars, one after another, the market may be down.
const MAX_CONSECUTIVE_UNANSWERED: usize = 10;

/// After this time without an answer the market may be down, however few symbols were requested: one that hangs takes
/// the client's whole timeout for each.
const MAX_TIME_UNANSWERED: Duration = Duration::from_secs(30);

/// After this number of symbols that are refused alone, in one invocation, the market is taken to refuse the rate of the
/// requests.
const MAX_REFUSALS: usize = 20;

/// The circuit breaker of one invocation. Once open it rejects every request, for the cause that opened it.
#[derive(Debug)]
pub struct CircuitBreaker {
    deadline: Instant,
    cause: OnceLock<Failure>,
    answers: Mutex<Answers>,
}

/// What the market's replies say of the market itself.
#[derive(Debug, Default)]
struct Answers {
    /// When the latest query began that was answered.
    latest: Option<Instant>,
    /// The number of queries since then that were not.
    unanswered: usize,
    /// When the first of them began.
    unanswered_since: Option<Instant>,
    /// The number of symbols that were refused alone.
    refusals: usize,
}

impl CircuitBreaker {
    /// A closed breaker. It does not open by itself at `deadline`: a request that cannot end by then opens it.
    pub fn new(deadline: Instant) -> Self {
        Self { deadline, cause: OnceLock::new(), answers: Mutex::default() }
    }

    /// Sends a request when the rate limiter admits it, and waits for its reply. Both end at the deadline.
    ///
    /// # Errors
    /// Why the request is rejected: the breaker is open, or the deadline passed.
    pub async fn send<T>(&self, limiter: &RateLimiter, request: impl Future<Output = T>) -> Result<T, Failure> {
        self.check()?;
        if limiter.admit_before(self.deadline).await.is_err() {
            return Err(
                self.reject(Failure::new(Reason::NotAttempted, "the invocation's time ran out before its turn"))
            );
        }
        self.check()?;
        timeout_at(self.deadline, request).await.map_err(|_| {
            // A market that has answered nothing in all this time is down.
            let reason = if self.has_answered() { Reason::NotAttempted } else { Reason::Unavailable };
            self.reject(Failure::new(reason, "no reply before the invocation's time was up"))
        })
    }

    /// Waits for what a request needs, until the deadline.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn wait<T>(&self, what: &str, needed: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.deadline, needed).await.map_err(|_| {
            self.reject(Failure::new(Reason::Unavailable, format!("{what} was not there before the time was up")))
        })
    }

    /// Whether a request may still be sent after a pause.
    pub fn allows_after(&self, pause: Duration) -> bool {
        self.cause().is_none() && Instant::now() + pause < self.deadline
    }

    /// Records that a query that began at `began` was answered: the market has shown that it is up.
    pub fn record_answer(&self, began: Instant) {
        let mut answers = self.answers();
        let (latest, refusals) = (answers.latest.max(Some(began)), answers.refusals);
        *answers = Answers { latest, refusals, ..Answers::default() };
    }

    /// Records that a query that began at `began` brought nothing, which an outage or the symbol itself may explain.
    /// Returns whether it is time to find out.
    pub fn record_unanswered(&self, began: Instant) -> bool {
        let mut answers = self.answers();
        answers.unanswered += 1;
        let since = *answers.unanswered_since.get_or_insert(began);
        answers.latest.is_none()
            || answers.unanswered >= MAX_CONSECUTIVE_UNANSWERED
            || since.elapsed() >= MAX_TIME_UNANSWERED
    }

    /// Records that a symbol was refused while the market answers others. Returns whether these are too many to be the
    /// symbols' own.
    pub fn record_refusal(&self) -> bool {
        let mut answers = self.answers();
        answers.refusals += 1;
        answers.refusals > MAX_REFUSALS
    }

    /// Whether the market has answered anything in this invocation.
    pub fn has_answered(&self) -> bool {
        self.answers().latest.is_some()
    }

    /// Whether the market has answered a query that began at `instant` or later.
    pub fn has_answered_since(&self, instant: Instant) -> bool {
        self.answers().latest.is_some_and(|latest| latest >= instant)
    }

    /// Opens the breaker for `cause`; one that is open keeps its first cause.
    pub fn open(&self, cause: Failure) {
        if self.cause.set(cause).is_ok() {
            tracing::warn!(cause = self.cause().map(|cause| &*cause.detail), "circuit breaker opened");
        }
    }

    /// Why the breaker is open, if it is.
    pub fn cause(&self) -> Option<&Failure> {
        self.cause.get()
    }

    /// Why the source does not accept the account's key, if that opened it.
    pub fn key_refusal(&self) -> Option<&Failure> {
        self.cause().filter(|cause| cause.scope == FailureScope::Key)
    }

    /// Opens the breaker for `cause`, and returns the failure of the request that is rejected.
    fn reject(&self, cause: Failure) -> Failure {
        self.open(cause.clone());
        self.cause().unwrap_or(&cause).not_attempted()
    }

    fn check(&self) -> Result<(), Failure> {
        self.cause().map_or(Ok(()), |cause| Err(cause.not_attempted()))
    }

    /// Ignores poisoning: no panic can leave the answers half-changed.
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{future, num::NonZeroU32};

    use super::*;

    fn limiter(period: Duration) -> Result<RateLimiter, Failure> {
        RateLimiter::new(period, NonZeroU32::MIN).ok_or(Failure::new(Reason::Refused, "no limiter"))
    }

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_at_the_deadline() -> Result<(), Failure> {
        let slow = limiter(Duration::from_secs(60))?;
        let (begun, hangs) = (Instant::now(), future::pending::<()>);
        for (what, has_answered, sends_before, reason) in [
            ("it would wait for its turn", true, 1, Reason::NotAttempted),
            ("it is in flight, and others were answered", true, 0, Reason::NotAttempted),
            ("it is in flight, and nothing was ever answered", false, 0, Reason::Unavailable),
        ] {
            let breaker = CircuitBreaker::new(after(50));
            if has_answered {
                breaker.record_answer(begun);
            }
            let limiter = limiter(Duration::from_secs(600))?;
            for _ in 0..sends_before {
                breaker.send(&limiter, future::ready(())).await?;
            }
            let rejected = breaker.send(&limiter, hangs()).await;
            assert!(rejected.is_err_and(|failure| failure.reason == reason && !failure.counts_as_attempt), "{what}");
            assert!(
                Instant::now() >= breaker.deadline && Instant::now() < breaker.deadline + Duration::from_millis(5),
                "{what}"
            );
            assert!(breaker.send(&slow, future::ready(())).await.is_err(), "{what}: the limiter would admit it");
        }
        Ok(())
    }

    #[tokio::test]
    async fn an_open_breaker_rejects_every_request_for_the_first_cause() -> Result<(), Failure> {
        let (limiter, breaker) = (limiter(Duration::from_millis(1))?, CircuitBreaker::new(after(10)));
        breaker.open(Failure::new(Reason::Blocked, "status 429: Too Many Requests"));
        breaker.open(Failure::new(Reason::Unavailable, "later"));
        let rejected = breaker.send(&limiter, future::ready(())).await.err();
        let is_blocked = |failure: &Failure| failure.reason == Reason::Blocked && !failure.counts_as_attempt;
        assert!(rejected.as_ref().is_some_and(is_blocked), "{rejected:?}");
        let detail = rejected.map(|failure| failure.detail);
        assert_eq!(detail.as_deref(), Some("not attempted: status 429: Too Many Requests"));
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubt_is_due_at_first_and_then_by_number_and_by_time() {
        let breaker = CircuitBreaker::new(after(10_000));
        assert!(breaker.record_unanswered(Instant::now()), "nothing was ever answered");
        breaker.record_answer(Instant::now());
        let due: Vec<_> = (1..=11).map(|_| breaker.record_unanswered(Instant::now())).collect();
        assert_eq!(due.iter().filter(|due| !**due).count(), 9, "{due:?}");
        let asked = Instant::now();
        breaker.record_answer(asked);
        assert!(!breaker.record_unanswered(Instant::now()), "an answer ends the stretch");
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(breaker.record_unanswered(Instant::now()), "the second takes 31 seconds");
        assert!(breaker.has_answered_since(asked) && !breaker.has_answered_since(Instant::now()));
    }
}
