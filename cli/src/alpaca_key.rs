//! The key with which a local cloud queries Alpaca: the one rule for every command that brings one up.

use std::env;

use local::cloud::{AlpacaKey, Market};
use market_sim::Key;
use shared::MarketSource;
use url::Url;

use crate::args::BadRequest;

/// The variables that have the key, as Alpaca's own clients read them.
const VARIABLES: [&str; 2] = ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"];

/// The key for a local cloud with this market: the simulated market's own or, where requests go to the servers of a source, that
/// of the environment, if it has one.
///
/// # Errors
/// When bars are collected of `source`, which is Alpaca itself, and the environment has no key.
pub fn alpaca_key(market: &Market, source: MarketSource) -> Result<Option<AlpacaKey>, BadRequest> {
    key(market, source, |name| env::var(name).ok())
}

fn key(
    market: &Market,
    source: MarketSource,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<AlpacaKey>, BadRequest> {
    if !is_real(market) {
        let Key { id, secret } = Key::default();
        return Ok(Some(AlpacaKey { id, secret }));
    }
    match VARIABLES.map(|name| variable(name).filter(|value| !value.is_empty())) {
        [Some(id), Some(secret)] => Ok(Some(AlpacaKey { id, secret })),
        _ if source == MarketSource::ALPACA => Err(BadRequest(format!(
            "Alpaca answers by a key only: set {} and {} to yours, best to that of a paper account",
            VARIABLES[0], VARIABLES[1]
        ))),
        _ => Ok(None),
    }
}

fn is_real(market: &Market) -> bool {
    let Market::Url(url) = market else { return false };
    Url::parse(url).is_ok_and(|url| url.host_str().and_then(MarketSource::of_host).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_ones_own_is_for_real_prices_alone() {
        let simulated = Market::Command { program: "finstream".into(), args: Vec::new() };
        let served = Market::Url("http://127.0.0.1:8080".to_owned());
        let real = Market::Url("https://query2.finance.yahoo.com".to_owned());
        let environment = |name: &str| Some(format!("value of {name}"));
        for source in MarketSource::ALL.iter().copied() {
            let id = |market: &Market| Some(key(market, source, environment).ok()??.id);
            assert_eq!([id(&simulated), id(&served)], [Some(Key::default().id), Some(Key::default().id)]);
            assert_eq!(id(&real).as_deref(), Some("value of APCA_API_KEY_ID"));
        }
        for missing in VARIABLES {
            let environment = |name: &str| Some(if name == missing { String::new() } else { name.to_owned() });
            assert_eq!(key(&real, MarketSource::YAHOO, environment), Ok(None), "{missing}");
            let error = key(&real, MarketSource::ALPACA, environment).err().map(|error| error.to_string());
            assert!(
                error.is_some_and(|error| error.contains("set APCA_API_KEY_ID and APCA_API_SECRET_KEY")),
                "{missing}"
            );
        }
    }
}
