//! The client: it sends requests at the limited rate, with the account's key, and again where the market or the rate asks for
//! it.

use std::{num::NonZeroUsize, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::SignedDuration;
use reqwest::{Url, header::HeaderMap};
use shared::payload::Reason;
use tokio::time::{Instant, sleep};

use super::{
    calendar::Calendar,
    key::{KeyStore, Keys},
    refusal::Refusal,
    settings::{AlpacaSettings, InvalidRate},
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
    rate_limiter::RateLimiter,
    source::{HttpReply, ReportedRate, Transport, Unreachable},
};

/// The most symbols of a request. No maximum is documented, and long addresses have been refused.
pub const BATCH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

/// The most requests for bars at once.
pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// How long after a session's end a free account may query its bars: the consolidated tape is 15 minutes late there.
pub const READY_AFTER: SignedDuration = SignedDuration::from_mins(16);

/// The longest that a request waits in all because requests came too fast, although they keep to the rate: other clients share
/// the account's. The limit is a minute's.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long it waits where a reply does not say when the rate is reset, and at least: the reset is told in whole seconds.
const USUAL_PAUSE: Duration = Duration::from_secs(20);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A client of Alpaca's market data, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct Alpaca {
    transport: Box<dyn Transport>,
    pub(super) settings: AlpacaSettings,
    keys: Keys,
    pub(super) calendar: Calendar,
    data_rate: RateLimiter,
    trading_rate: RateLimiter,
}

/// One of Alpaca's hosts, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The market data.
    Data,
    /// The calendar and the assets.
    Trading,
}

impl Alpaca {
    /// A client whose requests go through `transport`, with the key in `store`.
    ///
    /// # Errors
    /// The rate is too low.
    pub fn new(
        settings: AlpacaSettings,
        transport: Box<dyn Transport>,
        store: Box<dyn KeyStore>,
    ) -> Result<Self, InvalidRate> {
        let (data_rate, trading_rate) = (settings.rate_limiter()?, settings.rate_limiter()?);
        let (keys, calendar) = (Keys::new(store), Calendar::default());
        Ok(Self { transport, settings, keys, calendar, data_rate, trading_rate })
    }

    /// The address of a path at a host.
    pub(super) fn url(&self, host: Host, path: &str) -> Url {
        let mut url = match host {
            Host::Data => self.settings.data.clone(),
            Host::Trading => self.settings.trading.clone(),
        };
        url.set_path(path);
        url
    }

    /// Sends a request until it succeeds or there is no point in sending it again: with another key where the secret was rotated,
    /// after the reset of the rate limit, for a minute in all, and up to three times while the market fails.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub(super) async fn get(&self, breaker: &CircuitBreaker, host: Host, url: Url) -> Result<HttpReply, Refusal> {
        let waits = |failure: Failure| Refusal::Request(failure.about(FailureScope::Source));
        let mut key = breaker.wait("the key", self.keys.get()).await.map_err(waits)??;
        let backoff = ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_jitter();
        let (mut pauses, mut paused) = (backoff.with_max_times(3).build(), Duration::ZERO);
        loop {
            let refusal = match self.send(breaker, host, url.clone(), key.headers()).await {
                Ok(reply) => return Ok(reply),
                Err(refusal) => refusal,
            };
            let pause = match &refusal {
                Refusal::Key(failure) => {
                    let other = breaker.wait("another key", self.keys.other_than(&key)).await.map_err(waits)??;
                    key = other.ok_or_else(|| self.keys.not_accepted(failure))?;
                    Duration::ZERO
                }
                Refusal::Rate(rate, _) => {
                    let pause = pause(*rate);
                    paused += pause;
                    if paused > LONGEST_PAUSE || !breaker.allows_after(pause) {
                        return Err(refusal);
                    }
                    self.rate(host).hold_until(Instant::now() + pause);
                    Duration::ZERO // the next request waits, as every other does
                }
                Refusal::Market(_) => match pauses.next() {
                    Some(pause) if breaker.allows_after(pause) => pause,
                    _ => return Err(refusal),
                },
                _ => return Err(refusal),
            };
            tracing::warn!(?refusal, ?pause, "querying the market again");
            sleep(pause).await;
        }
    }

    async fn send(
        &self,
        breaker: &CircuitBreaker,
        host: Host,
        url: Url,
        headers: HeaderMap,
    ) -> Result<HttpReply, Refusal> {
        let rate = self.rate(host);
        match breaker.send(rate, self.transport.get(url, headers)).await.map_err(Refusal::Request)? {
            Ok(reply) => {
                if let ReportedRate { remaining: Some(0), resets_in: Some(_) } = reply.rate {
                    rate.hold_until(Instant::now() + pause(reply.rate));
                }
                if (200..300).contains(&reply.status) { Ok(reply) } else { Err(Refusal::of(&reply)) }
            }
            Err(Unreachable { problem, simulated, timed_out }) => {
                let failure = Failure::new(Reason::Unavailable, problem).about(FailureScope::Batch);
                let failure = Failure { simulated, ..failure };
                // One that took its whole time is not sent again at once: a market that hangs is recognised sooner.
                Err(if timed_out { Refusal::Request(failure) } else { Refusal::Market(failure) })
            }
        }
    }

    fn rate(&self, host: Host) -> &RateLimiter {
        match host {
            Host::Data => &self.data_rate,
            Host::Trading => &self.trading_rate,
        }
    }
}

/// How long to wait until the rate is reset; a while where that is not known.
fn pause(rate: ReportedRate) -> Duration {
    rate.resets_in.unwrap_or(USUAL_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}
