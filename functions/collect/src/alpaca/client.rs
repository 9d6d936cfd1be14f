//! The client: it sends requests at the limited rate, with the account's key, and again where the market or the rate asks for
//! it.

use std::{num::NonZeroUsize, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{FutureExt, future::BoxFuture};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use reqwest::{Url, header::HeaderMap};
use shared::{Interval, MarketSource, ServiceError, Symbol, TradeDate, payload::Reason};
use tokio::time::{Instant, sleep};

use super::{
    calendar::Calendar,
    key::{KeyError, KeyStore, Keys},
    refusal::Refusal,
    settings::{AlpacaSettings, InvalidRate},
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
    rate_limiter::RateLimiter,
    source::{Day, HttpReply, NewestSession, Source, SymbolDay, Transport, Unreachable},
};

/// The most symbols of a request. No maximum is documented, and long addresses have been refused.
const BATCH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

/// How long after a session's end a free account may query its bars: the consolidated tape is 15 minutes late there.
const READY_AFTER: SignedDuration = SignedDuration::from_mins(16);

/// How often a request is sent again that came too fast, although it kept to the rate: other clients share the account's.
const MAX_RATE_WAITS: usize = 3;

/// The longest wait for the rate's reset: it is a minute's.
const LONGEST_RATE_WAIT: Duration = Duration::from_secs(60);

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

    pub(super) fn data_url(&self, path: &str) -> Url {
        with_path(&self.settings.data, path)
    }

    pub(super) fn trading_url(&self, path: &str) -> Url {
        with_path(&self.settings.trading, path)
    }

    pub(super) fn bars_ready_at(&self, session_end: Timestamp) -> Timestamp {
        session_end + READY_AFTER
    }

    /// Sends a request until it succeeds or there is no point in sending it again: with another key where the secret was rotated,
    /// after the rate's reset, and up to three times while the market fails.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub(super) async fn get(&self, breaker: &CircuitBreaker, url: Url) -> Result<HttpReply, Refusal> {
        let mut key = self.keys.get().await.map_err(without_key)?;
        let backoff = ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_jitter();
        let (mut pauses, mut rate_waits) = (backoff.with_max_times(3).build(), 0);
        let rate = self.rate_of(&url);
        loop {
            let refusal = match self.send(breaker, url.clone(), key.headers()).await {
                Ok(reply) => return Ok(reply),
                Err(refusal) => refusal,
            };
            let pause = match &refusal {
                Refusal::Key(_) => match self.keys.other_than(&key).await.map_err(without_key)? {
                    Some(other) => {
                        key = other;
                        Some(Duration::ZERO)
                    }
                    None => None,
                },
                Refusal::Rate(reset, _) if rate_waits < MAX_RATE_WAITS => {
                    rate_waits += 1;
                    rate.hold_until(Instant::now() + until_reset(*reset));
                    Some(Duration::ZERO)
                }
                Refusal::Market(_) => pauses.next(),
                _ => None,
            };
            match pause.filter(|pause| breaker.allows_after(*pause)) {
                Some(pause) => {
                    tracing::warn!(?refusal, ?pause, "querying the market again");
                    sleep(pause).await;
                }
                None => return Err(refusal),
            }
        }
    }

    /// The rate of the host of a request; the two are limited apart.
    fn rate_of(&self, url: &Url) -> &RateLimiter {
        if url.origin() == self.settings.data.origin() { &self.data_rate } else { &self.trading_rate }
    }

    async fn send(&self, breaker: &CircuitBreaker, url: Url, headers: HeaderMap) -> Result<HttpReply, Refusal> {
        let rate = self.rate_of(&url);
        match breaker.send(rate, self.transport.get(url, headers)).await.map_err(Refusal::Request)? {
            Ok(reply) if (200..300).contains(&reply.status) => {
                if reply.rate.remaining == Some(0) && reply.rate.reset.is_some() {
                    rate.hold_until(Instant::now() + until_reset(reply.rate.reset));
                }
                Ok(reply)
            }
            Ok(reply) => Err(Refusal::of(&reply)),
            Err(Unreachable { problem, simulated, timed_out }) => {
                let failure =
                    Failure { simulated, ..Failure::new(Reason::Unavailable, problem).about(FailureScope::Batch) };
                // One that took its whole time is not sent again at once: a market that hangs is recognised sooner.
                Err(if timed_out { Refusal::Request(failure) } else { Refusal::Market(failure) })
            }
        }
    }
}

impl Source for Alpaca {
    fn market(&self) -> &'static MarketSource {
        &MarketSource::ALPACA
    }

    fn host(&self) -> &str {
        self.settings.data.host_str().unwrap_or_default()
    }

    fn reference(&self) -> &Symbol {
        &self.settings.reference
    }

    fn zone(&self) -> &TimeZone {
        &self.settings.zone
    }

    fn batch_size(&self) -> NonZeroUsize {
        BATCH
    }

    fn concurrency(&self) -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(1)
    }

    fn earliest(&self, interval: Interval, now: Timestamp) -> Option<(TradeDate, &'static MarketSource)> {
        let source = MarketSource::of_host(self.host())?;
        Some((source.earliest(interval, now, self.zone()), source))
    }

    fn ready_at(&self, session_end: Timestamp) -> Timestamp {
        self.bars_ready_at(session_end)
    }

    /// The dot before a class of shares, where others write a dash.
    fn spelling(&self, symbol: &Symbol) -> Symbol {
        symbol.as_str().replace('-', ".").parse().unwrap_or_else(|_| symbol.clone())
    }

    fn days<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        symbols: &'a [Symbol],
        day: Day,
    ) -> BoxFuture<'a, Vec<Result<SymbolDay, Failure>>> {
        self.batch(breaker, symbols, day).boxed()
    }

    fn newest_session<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<NewestSession, Failure>> {
        async move {
            let began = Instant::now();
            let last = at.to_zoned(self.settings.zone.clone()).date();
            // The longest closure since 1945 was four trading days (September 2001): ten days hold a session.
            let first = last.checked_sub(10.days()).unwrap_or(last);
            let (sessions, simulated) = self.sessions(breaker, first..=last).await?;
            breaker.record_answer(began);
            let newest = sessions.into_iter().rfind(|session| session.has_ended(at));
            let none = || Failure::new(Reason::NoSession, format!("no session had ended in the ten days before {at}"));
            Ok(NewestSession { trade_date: newest.ok_or_else(none)?.trade_date, simulated })
        }
        .boxed()
    }
}

fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

/// How long to wait until the rate is reset; a while where that is not known.
fn until_reset(reset: Option<Timestamp>) -> Duration {
    let known = reset.map(|reset| Timestamp::now().duration_until(reset));
    let wait = known.map(|wait| Duration::try_from(wait).unwrap_or_default()); // one in the past is negative
    wait.unwrap_or(Duration::from_secs(20)).clamp(Duration::from_secs(1), LONGEST_RATE_WAIT)
}

/// A secret that could not be reached is worth another attempt, and one that may not be read or is no key is not.
fn without_key(error: KeyError) -> Refusal {
    let (reason, scope) = match &error {
        KeyError::Service(ServiceError::Unavailable { .. }) => (Reason::Unavailable, FailureScope::Source),
        _ => (Reason::Unauthorized, FailureScope::Key),
    };
    Refusal::Key(Failure::new(reason, error.to_string()).about(scope))
}
