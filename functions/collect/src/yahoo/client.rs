//! The client of the chart endpoint: it sends requests at a limited rate, and again where the market is unavailable.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Url, header::HeaderMap};
use shared::{Interval, Symbol, payload::Reason};
use tokio::time::{Instant, sleep};

use super::{decode::Decoded, settings::MarketSettings};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::Failure,
    rate_limiter::RateLimiter,
    source::{Day, NewestSession, SymbolDay, Transport, Unreachable},
};

/// Why a request brought nothing.
struct Unsuccessful {
    failure: Failure,
    /// Whether it may be sent again at once. One that took its whole time may not: the symbol has another attempt minutes
    /// later, and a market that hangs is recognised sooner.
    may_be_repeated: bool,
}

impl From<Failure> for Unsuccessful {
    fn from(failure: Failure) -> Self {
        Self { may_be_repeated: failure.reason == Reason::Unavailable, failure }
    }
}

/// What is percent-encoded: everything but RFC 3986's unreserved characters and `=`, which Yahoo accepts as it is.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'=');

/// A client of the chart endpoint, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct Yahoo {
    transport: Box<dyn Transport>,
    settings: MarketSettings,
    rate_limiter: RateLimiter,
}

/// The rate is zero, too small, too large or not a number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("MARKET_REQUESTS_PER_SECOND is {0}: use a number from 0.001 to 1000000, for example 1")]
pub struct InvalidRate(f64);

impl Yahoo {
    /// A client whose requests go through `transport`.
    ///
    /// # Errors
    /// The setting that cannot be used.
    pub fn new(settings: MarketSettings, transport: Box<dyn Transport>) -> Result<Self, InvalidRate> {
        let rate_limiter = rate_limiter(&settings).ok_or(InvalidRate(settings.requests_per_second))?;
        Ok(Self { transport, settings, rate_limiter })
    }

    /// The settings that the client was built with.
    pub fn settings(&self) -> &MarketSettings {
        &self.settings
    }

    /// The bars of `symbol` in the regular session of a day.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn day(&self, breaker: &CircuitBreaker, symbol: &Symbol, mut day: Day) -> Result<SymbolDay, Failure> {
        let expected = &self.settings.zone;
        let mut reply = self.chart_of_day(breaker, symbol, day, expected).await?;
        if reply.zone != *expected {
            // The exchange's day begins at another instant than the one that was requested.
            let zone = reply.zone.clone();
            day = day.in_zone(&zone);
            reply = self.chart_of_day(breaker, symbol, day, &zone).await?;
        }
        reply.day(symbol, day)
    }

    /// The newest session of the reference symbol that had ended at `at`.
    ///
    /// # Errors
    /// Why it is not known: the request failed, or no session had ended.
    pub async fn newest_session(&self, breaker: &CircuitBreaker, at: Timestamp) -> Result<NewestSession, Failure> {
        // The longest closure since 1945 was four trading days (September 2001): ten days hold a session.
        let began = Instant::now();
        let from = at.checked_sub(240.hours()).map_err(|error| Failure::new(Reason::Refused, error.to_string()))?;
        let reply = self.chart(breaker, &self.settings.reference, from, at, Interval::OneHour).await?;
        breaker.record_answer(began);
        let sessions = reply.sessions().into_iter();
        let ended = sessions.filter(|session| session.has_ended(at)).map(|session| session.trade_date);
        let none = || Failure::new(Reason::NoSession, format!("no session had ended in the ten days before {at}"));
        let trade_date = ended.max().ok_or_else(none)?;
        Ok(NewestSession { trade_date, simulated: reply.simulated })
    }

    /// The chart from the date's first midnight in `zone` to the next.
    async fn chart_of_day(
        &self,
        breaker: &CircuitBreaker,
        symbol: &Symbol,
        day: Day,
        zone: &TimeZone,
    ) -> Result<Decoded, Failure> {
        let (start, end) =
            day.trade_date.midnights(zone).map_err(|error| Failure::new(Reason::Refused, error.to_string()))?;
        self.chart(breaker, symbol, start, end, day.interval).await
    }

    /// The chart from `from` to `to`. A request is sent again, up to three times, while the market is unavailable.
    async fn chart(
        &self,
        breaker: &CircuitBreaker,
        symbol: &Symbol,
        from: Timestamp,
        to: Timestamp,
        interval: Interval,
    ) -> Result<Decoded, Failure> {
        let url = self.url(symbol, from, to, interval);
        let backoff = ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_jitter();
        for pause in backoff.with_max_times(3).build() {
            match self.send(breaker, url.clone()).await {
                Err(Unsuccessful { failure, may_be_repeated: true }) if breaker.allows_after(pause) => {
                    tracing::warn!(%symbol, %failure, ?pause, "querying the market again");
                    sleep(pause).await;
                }
                ended => return ended.map_err(|unsuccessful| unsuccessful.failure),
            }
        }
        self.send(breaker, url).await.map_err(|unsuccessful| unsuccessful.failure)
    }

    /// Sends one request: every request to the market passes here, and so within the rate and before the deadline.
    async fn send(&self, breaker: &CircuitBreaker, url: Url) -> Result<Decoded, Unsuccessful> {
        match breaker.send(&self.rate_limiter, self.transport.get(url, HeaderMap::new())).await? {
            Ok(reply) => Ok(Decoded::of(&reply)?),
            Err(Unreachable { problem, simulated, timed_out }) => {
                let failure = Failure { simulated, ..Failure::new(Reason::Unavailable, problem) };
                Err(Unsuccessful { failure, may_be_repeated: !timed_out })
            }
        }
    }

    fn url(&self, symbol: &Symbol, from: Timestamp, to: Timestamp, interval: Interval) -> Url {
        let mut url = self.settings.base.clone();
        url.set_path(&format!("/v8/finance/chart/{}", utf8_percent_encode(symbol.as_str(), PATH_SEGMENT)));
        url.query_pairs_mut()
            .append_pair("period1", &from.as_second().to_string())
            .append_pair("period2", &to.as_second().to_string())
            .append_pair("interval", interval.as_str())
            .append_pair("includePrePost", "false");
        url
    }
}

fn rate_limiter(settings: &MarketSettings) -> Option<RateLimiter> {
    let rate = Some(settings.requests_per_second).filter(|rate| (0.001..=1e6).contains(rate))?;
    RateLimiter::new(Duration::from_secs_f64(1.0 / rate), settings.burst)
}
