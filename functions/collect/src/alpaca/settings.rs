//! How and where Alpaca is queried, from the function's environment.

use std::{num::NonZeroU32, time::Duration};

use jiff::tz::TimeZone;
use reqwest::Url;
use shared::{
    Symbol,
    env::{self, EnvError},
};

use super::symbol::{is_well_formed, spelling};
use crate::rate_limiter::RateLimiter;

/// The reference symbol where none is set that Alpaca has.
const DEFAULT_REFERENCE: &str = "SPY";

/// Where Alpaca is, and how it is queried.
#[derive(Debug, Clone)]
pub struct AlpacaSettings {
    /// Scheme and host of the market data (`ALPACA_DATA_URL`).
    pub data: Url,
    /// Scheme and host of the calendar and the assets (`ALPACA_TRADING_URL`), where the key belongs: that of a paper account has
    /// another host than that of a live one.
    pub trading: Url,
    /// The most requests in any minute (`ALPACA_REQUESTS_PER_MINUTE`), which the account's plan decides: 200 where it is free. The
    /// two hosts are limited apart.
    pub requests_per_minute: u32,
    /// A symbol that trades whenever the exchange does (`REFERENCE_SYMBOL`), in Alpaca's spelling.
    pub reference: Symbol,
    /// New York's time zone, on whose clock the calendar is.
    pub zone: TimeZone,
}

/// The rate is too low to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ALPACA_REQUESTS_PER_MINUTE is {0}: use a number from 10, for example 200")]
pub struct InvalidRate(u32);

impl AlpacaSettings {
    /// Reads the settings from the environment. Without them it is Alpaca's own servers with a free account.
    ///
    /// # Errors
    /// The variable that cannot be used, and why.
    pub fn from_env() -> Result<Self, EnvError> {
        let invalid = |name, value: &str, problem: String| EnvError::Invalid { name, value: value.to_owned(), problem };
        let symbol = |text: &str| {
            let problem = |error: shared::symbol::InvalidSymbol| invalid("REFERENCE_SYMBOL", text, error.to_string());
            text.parse().map(|symbol| spelling(&symbol)).map_err(problem)
        };
        let reference = symbol(&env::or_default("REFERENCE_SYMBOL", DEFAULT_REFERENCE.to_owned())?)?;
        let zone = TimeZone::get("America/New_York");
        Ok(Self {
            data: secure_url("ALPACA_DATA_URL", "https://data.alpaca.markets")?,
            trading: secure_url("ALPACA_TRADING_URL", "https://paper-api.alpaca.markets")?,
            requests_per_minute: env::or_default("ALPACA_REQUESTS_PER_MINUTE", 200)?,
            zone: zone.map_err(|error| invalid("TZDIR", "America/New_York", error.to_string()))?,
            // Another source's may be an index, or trade elsewhere.
            reference: if is_well_formed(&reference) { reference } else { symbol(DEFAULT_REFERENCE)? },
        })
    }

    /// A burst of a tenth, and the rest evenly: no minute has more than the limit.
    pub(super) fn rate_limiter(&self) -> Result<RateLimiter, InvalidRate> {
        let burst = self.requests_per_minute / 10;
        let steady = self.requests_per_minute - burst;
        let limiter =
            NonZeroU32::new(burst).and_then(|burst| RateLimiter::new(Duration::from_secs(60) / steady, burst));
        limiter.ok_or(InvalidRate(self.requests_per_minute))
    }
}

/// A URL that the key may be sent to: over TLS, or on this machine.
fn secure_url(name: &'static str, default: &str) -> Result<Url, EnvError> {
    let value = env::or_default(name, default.to_owned())?;
    let invalid = |problem: String| EnvError::Invalid { name, value: value.clone(), problem };
    let url: Url = value.parse().map_err(|error| invalid(format!("{error}; use for example {default}")))?;
    if url.scheme() == "https" || url.host_str().is_some_and(is_loopback) {
        Ok(url)
    } else {
        Err(invalid(format!("the key would be sent unencrypted; use for example {default}")))
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_reached_without_tls() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("localhost", true),
            ("[::1]", true),
            ("data.alpaca.markets", false),
            ("10.0.0.1", false),
            ("localhost.example.org", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
