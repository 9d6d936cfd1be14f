//! How and where the market is queried, from the function's environment.

use std::num::{NonZeroU32, NonZeroUsize};

use jiff::tz::TimeZone;
use reqwest::Url;
use shared::{
    Symbol,
    env::{self, EnvError},
};

/// Where the market is, and how it is queried.
#[derive(Debug, Clone)]
pub struct MarketSettings {
    /// Scheme and host of the chart endpoint (`MARKET_URL`).
    pub base: Url,
    /// The most requests in flight at once (`MARKET_CONCURRENCY`).
    pub concurrency: NonZeroUsize,
    /// The number of requests that may be sent at once after a pause (`MARKET_BURST`).
    pub burst: NonZeroU32,
    /// The number of requests per second after that (`MARKET_REQUESTS_PER_SECOND`), from 0.001.
    pub requests_per_second: f64,
    /// A symbol that trades whenever its exchange does (`REFERENCE_SYMBOL`): its bars show which days had a session.
    pub reference: Symbol,
    /// The time zone of the exchange that most symbols trade on (`EXCHANGE_TIMEZONE`).
    pub zone: TimeZone,
}

impl MarketSettings {
    /// Reads the settings from the environment.
    ///
    /// # Errors
    /// The variable that cannot be used, and why.
    pub fn from_env() -> Result<Self, EnvError> {
        let zone = env::or_default("EXCHANGE_TIMEZONE", "America/New_York".to_owned())?;
        let reference = env::or_default("REFERENCE_SYMBOL", "SPY".to_owned())?;
        let invalid = |name, value: &str, problem: String| EnvError::Invalid { name, value: value.to_owned(), problem };
        Ok(Self {
            base: env::required("MARKET_URL")?.parse().map_err(|error| {
                invalid("MARKET_URL", "", format!("{error}; use for example https://query2.finance.yahoo.com"))
            })?,
            concurrency: env::or_default("MARKET_CONCURRENCY", NonZeroUsize::MIN.saturating_add(1))?,
            burst: env::or_default("MARKET_BURST", NonZeroU32::MIN.saturating_add(19))?,
            requests_per_second: env::or_default("MARKET_REQUESTS_PER_SECOND", 1.0)?,
            reference: reference.parse().map_err(|error: shared::symbol::InvalidSymbol| {
                invalid("REFERENCE_SYMBOL", &reference, error.to_string())
            })?,
            zone: TimeZone::get(&zone).map_err(|error| invalid("EXCHANGE_TIMEZONE", &zone, error.to_string()))?,
        })
    }
}
