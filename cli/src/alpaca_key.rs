//! The key with which a local cloud queries Alpaca: the one rule for every command that brings one up.

use std::env;

use local::cloud::{AlpacaKey, MarketSource as Market};
use market_sim::Key;
use shared::MarketSource;
use url::Url;

/// The variables that have the key, as Alpaca's own clients read them.
const VARIABLES: [&str; 2] = ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"];

/// The key for a local cloud with this market: the simulated market's own or, where requests go to the servers of a source, that
/// of the environment, if it has one.
pub fn alpaca_key(market: &Market) -> Option<AlpacaKey> {
    key(market, |name| env::var(name).ok())
}

fn key(market: &Market, variable: impl Fn(&str) -> Option<String>) -> Option<AlpacaKey> {
    if !is_real(market) {
        let Key { id, secret } = Key::default();
        return Some(AlpacaKey { id, secret });
    }
    let [id, secret] = VARIABLES.map(|name| variable(name).filter(|value| !value.is_empty()));
    Some(AlpacaKey { id: id?, secret: secret? })
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
        let id = |market: &Market| key(market, environment).map(|key| key.id);
        for market in [simulated, served] {
            assert_eq!(id(&market), Some(Key::default().id));
        }
        assert_eq!(id(&real).as_deref(), Some("value of APCA_API_KEY_ID"));
        for missing in VARIABLES {
            let environment = |name: &str| Some(if name == missing { String::new() } else { name.to_owned() });
            assert_eq!(key(&real, environment), None, "{missing}");
        }
    }
}
