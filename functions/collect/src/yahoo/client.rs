//! Asking Yahoo: one HTTP client for the life of the process, and another try where it may help.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Url, redirect};
use shared::{
    Interval, Symbol, TradeDate,
    market::is_yahoo,
    payload::Reason,
    settings::{self, SettingError},
};
use tokio::time::Instant;

use super::{
    decode::{self, Day, Decoded, Failure},
    gate::{Gate, Pacer},
};

/// Everything but RFC 3986's unreserved characters and `=`, which Yahoo takes as it is.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'=');

/// The header with which a simulated market says that its prices are made up.
const SIMULATED: &str = "x-finstream-simulated";

/// How and where the market is asked.
#[derive(Debug, Clone)]
pub struct MarketSettings {
    /// Scheme and host of the chart endpoint (`MARKET_URL`).
    pub base: Url,
    /// What the client calls itself (`USER_AGENT`). Yahoo refuses the defaults of common tools.
    pub user_agent: String,
    /// Requests under way at once (`MARKET_CONCURRENCY`).
    pub concurrency: NonZeroUsize,
    /// Requests that may go out at once after a rest (`MARKET_BURST`).
    pub burst: NonZeroU32,
    /// Requests a second after that (`MARKET_REQUESTS_PER_SECOND`), above 0.
    pub requests_per_second: f64,
    /// A symbol that trades whenever its exchange does (`REFERENCE_SYMBOL`); it tells which days had a session.
    pub reference: Symbol,
    /// The zone of the exchange most symbols trade on (`EXCHANGE_TIMEZONE`).
    pub zone: TimeZone,
}

impl MarketSettings {
    /// The settings in the environment.
    ///
    /// # Errors
    /// The variable that cannot be used, and why.
    pub fn from_env() -> Result<Self, SettingError> {
        let zone = settings::or_default("EXCHANGE_TIMEZONE", "America/New_York".to_owned())?;
        let reference = settings::or_default("REFERENCE_SYMBOL", "SPY".to_owned())?;
        let invalid =
            |name, value: &str, problem: String| SettingError::Invalid { name, value: value.to_owned(), problem };
        Ok(Self {
            base: settings::required("MARKET_URL")?.parse().map_err(|error| {
                invalid("MARKET_URL", "", format!("{error}; use for example https://query2.finance.yahoo.com"))
            })?,
            user_agent: settings::required("USER_AGENT")?,
            concurrency: settings::or_default("MARKET_CONCURRENCY", NonZeroUsize::MIN.saturating_add(1))?,
            burst: settings::or_default("MARKET_BURST", NonZeroU32::MIN.saturating_add(19))?,
            requests_per_second: settings::or_default("MARKET_REQUESTS_PER_SECOND", 1.0)?,
            reference: reference.parse().map_err(|error: shared::symbol::InvalidSymbol| {
                invalid("REFERENCE_SYMBOL", &reference, error.to_string())
            })?,
            zone: TimeZone::get(&zone).map_err(|error| invalid("EXCHANGE_TIMEZONE", &zone, error.to_string()))?,
        })
    }
}

/// A client of the chart endpoint.
#[derive(Debug)]
pub struct Yahoo {
    http: Client,
    settings: MarketSettings,
    pacer: Pacer,
    simulated: AtomicBool,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClient {
    /// The TLS set-up of the machine cannot be used.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// No pace can be kept that is zero, endless or not a number.
    #[error("MARKET_REQUESTS_PER_SECOND is {0}: use a number from 0.001 to 1000000, for example 1")]
    Pace(f64),
}

impl Yahoo {
    /// A client that connects on its first request.
    ///
    /// # Errors
    /// Which setting, or what of the machine, cannot be used.
    pub fn new(settings: MarketSettings) -> Result<Self, InvalidClient> {
        let http = Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(15))
            // A redirect leads to a consent page, never to data.
            .redirect(redirect::Policy::none())
            .build()?;
        let pacer = pacer(&settings).ok_or(InvalidClient::Pace(settings.requests_per_second))?;
        Ok(Self { http, settings, pacer, simulated: AtomicBool::new(false) })
    }

    /// The way to the market for one invocation, which ends at `deadline`.
    pub fn gate(&self, deadline: Instant) -> Gate<'_> {
        Gate::new(&self.pacer, deadline)
    }

    /// Whether this is Yahoo itself, with its limits, and not another market that answers in its way.
    pub fn is_yahoos_own(&self) -> bool {
        self.settings.base.host_str().is_some_and(is_yahoo)
    }

    /// How the market is asked.
    pub fn settings(&self) -> &MarketSettings {
        &self.settings
    }

    /// Whether the market has said that its prices are made up.
    pub fn is_simulated(&self) -> bool {
        self.simulated.load(Ordering::Relaxed)
    }

    /// The bars of `symbol` in the regular session of `date`.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn day(
        &self,
        gate: &Gate<'_>,
        symbol: &Symbol,
        date: TradeDate,
        interval: Interval,
    ) -> Result<Day, Failure> {
        let home = &self.settings.zone;
        let mut reply = self.midnights(gate, symbol, date, interval, home).await?;
        if reply.zone != *home {
            // The exchange's day begins at another instant than the one that was asked for.
            let zone = reply.zone.clone();
            reply = self.midnights(gate, symbol, date, interval, &zone).await?;
        }
        reply.day(symbol, date, interval, Timestamp::now())
    }

    /// The date of the newest session of the reference symbol that had ended at `at`.
    ///
    /// # Errors
    /// Why the market could not tell.
    pub async fn newest_session(&self, gate: &Gate<'_>, at: Timestamp) -> Result<TradeDate, Failure> {
        // The longest closure since 1945 was four trading days (September 2001): ten days hold a session.
        let from = at.checked_sub(240.hours()).map_err(|error| Failure::new(Reason::Refused, error.to_string()))?;
        let reply = self.chart(gate, &self.settings.reference, from, at, Interval::OneHour).await?;
        let sessions = reply.sessions().into_iter();
        let ended = sessions.filter(|session| session.has_ended(at)).map(|session| session.trade_date);
        ended
            .max()
            .ok_or_else(|| Failure::new(Reason::NoSession, format!("no session had ended in the ten days before {at}")))
    }

    async fn midnights(
        &self,
        gate: &Gate<'_>,
        symbol: &Symbol,
        date: TradeDate,
        interval: Interval,
        zone: &TimeZone,
    ) -> Result<Decoded, Failure> {
        let (start, end) = date.midnights(zone).map_err(|error| Failure::new(Reason::Refused, error.to_string()))?;
        self.chart(gate, symbol, start, end, interval).await
    }

    /// One question, asked again where the first answers did not come through.
    async fn chart(
        &self,
        gate: &Gate<'_>,
        symbol: &Symbol,
        from: Timestamp,
        to: Timestamp,
        interval: Interval,
    ) -> Result<Decoded, Failure> {
        let url = self.url(symbol, from, to, interval);
        let backoff =
            ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_max_times(3).with_jitter();
        (|| self.ask(gate, url.clone()))
            .retry(backoff)
            .when(|failure| failure.reason == Reason::Unavailable && gate.cause().is_none())
            .notify(|failure, wait| tracing::warn!(%symbol, %failure, ?wait, "asking the market again"))
            .await
    }

    async fn ask(&self, gate: &Gate<'_>, url: Url) -> Result<Decoded, Failure> {
        gate.pass().await?;
        let unreachable = |error: reqwest::Error| Failure::new(Reason::Unavailable, chain(&error.without_url()));
        let response = self.http.get(url).send().await.map_err(unreachable)?;
        if response.headers().contains_key(SIMULATED) {
            self.simulated.store(true, Ordering::Relaxed);
        }
        let status = response.status().as_u16();
        decode::reply(status, &response.text().await.map_err(unreachable)?)
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

fn pacer(settings: &MarketSettings) -> Option<Pacer> {
    let rate = Some(settings.requests_per_second).filter(|rate| (0.001..=1e6).contains(rate))?;
    Pacer::new(Duration::from_secs_f64(1.0 / rate), settings.burst)
}

/// An error with its causes; reqwest's own text stops at "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
