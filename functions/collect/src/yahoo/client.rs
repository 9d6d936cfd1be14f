//! The client of the chart endpoint: it sends requests at a limited rate, and again where the market is unavailable.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Url, redirect};
use shared::{Interval, Symbol, TradeDate, payload::Reason, yahoo_retention::is_yahoo};

use super::{
    decode::{Decoded, HttpReply, SymbolDay},
    settings::MarketSettings,
};
use crate::{circuit_breaker::CircuitBreaker, failure::Failure, rate_limiter::RateLimiter};

/// What is percent-encoded: everything but RFC 3986's unreserved characters and `=`, which Yahoo accepts as it is.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'=');

/// The header with which the simulated market (`market-sim`) marks its replies.
const SIMULATED: &str = "x-finstream-simulated";

/// A client of the chart endpoint, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct Yahoo {
    http: Client,
    settings: MarketSettings,
    rate_limiter: RateLimiter,
}

/// The newest session of the reference symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestSession {
    /// Its date, in the exchange's zone.
    pub trade_date: TradeDate,
    /// Whether the reply said that the market is simulated.
    pub simulated: bool,
}

/// Why the client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClient {
    /// The HTTP client cannot be built, for example because TLS cannot be set up.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// The rate is zero, too small, too large or not a number.
    #[error("MARKET_REQUESTS_PER_SECOND is {0}: use a number from 0.001 to 1000000, for example 1")]
    Rate(f64),
}

impl Yahoo {
    /// A client that connects on its first request.
    ///
    /// # Errors
    /// What cannot be used: a setting, or the HTTP client.
    pub fn new(settings: MarketSettings) -> Result<Self, InvalidClient> {
        let http = Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(15))
            // A redirect leads to a consent page, never to data.
            .redirect(redirect::Policy::none())
            .build()?;
        let rate_limiter = rate_limiter(&settings).ok_or(InvalidClient::Rate(settings.requests_per_second))?;
        Ok(Self { http, settings, rate_limiter })
    }

    /// Whether requests go to Yahoo itself, with its limits, and not to another server with the same endpoint.
    pub fn is_yahoo(&self) -> bool {
        self.settings.base.host_str().is_some_and(is_yahoo)
    }

    /// The settings that the client was built with.
    pub fn settings(&self) -> &MarketSettings {
        &self.settings
    }

    /// The bars of `symbol` in the regular session of `date`.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn day(
        &self,
        breaker: &CircuitBreaker,
        symbol: &Symbol,
        date: TradeDate,
        interval: Interval,
    ) -> Result<SymbolDay, Failure> {
        let expected = &self.settings.zone;
        let mut reply = self.chart_of_day(breaker, symbol, date, interval, expected).await?;
        if reply.zone != *expected {
            // The exchange's day begins at another instant than the one that was requested.
            let zone = reply.zone.clone();
            reply = self.chart_of_day(breaker, symbol, date, interval, &zone).await?;
        }
        reply.day(symbol, date, interval, Timestamp::now())
    }

    /// The newest session of the reference symbol that had ended at `at`.
    ///
    /// # Errors
    /// Why it is not known: the request failed, or no session had ended.
    pub async fn newest_session(&self, breaker: &CircuitBreaker, at: Timestamp) -> Result<NewestSession, Failure> {
        // The longest closure since 1945 was four trading days (September 2001): ten days hold a session.
        let from = at.checked_sub(240.hours()).map_err(|error| Failure::new(Reason::Refused, error.to_string()))?;
        let reply = self.chart(breaker, &self.settings.reference, from, at, Interval::OneHour).await?;
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
        date: TradeDate,
        interval: Interval,
        zone: &TimeZone,
    ) -> Result<Decoded, Failure> {
        let (start, end) = date.midnights(zone).map_err(|error| Failure::new(Reason::Refused, error.to_string()))?;
        self.chart(breaker, symbol, start, end, interval).await
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
        let backoff =
            ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_max_times(3).with_jitter();
        (|| self.send(breaker, url.clone()))
            .retry(backoff)
            .when(|failure| failure.reason == Reason::Unavailable && breaker.cause().is_none())
            .notify(|failure, wait| tracing::warn!(%symbol, %failure, ?wait, "querying the market again"))
            .await
    }

    async fn send(&self, breaker: &CircuitBreaker, url: Url) -> Result<Decoded, Failure> {
        breaker.acquire(&self.rate_limiter).await?;
        let unreachable = |error: reqwest::Error| Failure::new(Reason::Unavailable, chain(&error.without_url()));
        let response = self.http.get(url).send().await.map_err(unreachable)?;
        let (status, simulated) = (response.status().as_u16(), response.headers().contains_key(SIMULATED));
        let body = response.text().await.map_err(|error| Failure { simulated, ..unreachable(error) })?;
        HttpReply { status, simulated, body: &body }.decode()
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

/// The error's text with those of its causes; reqwest's own ends at "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
