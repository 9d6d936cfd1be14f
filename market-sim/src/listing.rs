//! The listings of the simulated market: nearly every symbol in Yahoo's spelling.
//!
//! Not a company database: prices and volumes are derived from the symbol alone, and so is the exchange.

use shared::Symbol;

use super::{
    exchange::Exchange,
    exchanges,
    rng::{Rng, exp},
};

/// Common guesses for which Yahoo replies 404: former symbols (now META and XYZ), indices without their caret.
const NOT_LISTED: [&str; 4] = ["FB", "SQ", "SPX", "VIX"];

/// Yahoo's suffixes of one letter: London, Tokyo, Frankfurt, TSX Venture. Any other letter after a dot is a class
/// share in the spelling of other vendors: `BRK.B` is 404, `BRK-B` is listed (<https://github.com/ranaroussi/yfinance/issues/140>).
const ONE_LETTER_MARKETS: [&str; 4] = ["L", "T", "F", "V"];

/// Ten coins by symbol and Yahoo's name, of the many that are listed: they trade at every hour of every day.
pub const COINS: [(&str, &str); 10] = [
    ("BTC-USD", "Bitcoin USD"),
    ("ETH-USD", "Ethereum USD"),
    ("XRP-USD", "XRP USD"),
    ("BNB-USD", "BNB USD"),
    ("SOL-USD", "Solana USD"),
    ("DOGE-USD", "Dogecoin USD"),
    ("ADA-USD", "Cardano USD"),
    ("TRX-USD", "TRON USD"),
    ("LINK-USD", "Chainlink USD"),
    ("LTC-USD", "Litecoin USD"),
];

/// One instrument and the base figures of its simulation.
#[derive(Debug, Clone)]
pub struct Listing {
    pub symbol: Symbol,
    pub exchange: &'static Exchange,
    /// Yahoo's `currency`.
    pub currency: String,
    /// Yahoo's `instrumentType`.
    pub instrument_type: &'static str,
    /// The price around which the symbol moves over the years, in the exchange's currency.
    pub usual_price: f64,
    /// The units traded on a usual full day; 0 for what is quoted without volume.
    pub usual_volume: f64,
}

impl Listing {
    /// The listing of `symbol`, in upper or lower case; `None` when there is none.
    ///
    /// Nothing is listed under a symbol that starts with `ZZ`, that Yahoo spells otherwise, or that was renamed.
    pub fn find(symbol: &str) -> Option<Self> {
        let symbol: Symbol = symbol.parse().ok().filter(is_listed)?;
        let symbol = dollar_pair(symbol.as_str()).parse().unwrap_or(symbol);
        let (exchange, instrument_type) = (exchanges::of(&symbol), instrument_type(symbol.as_str()));
        let mut rng = Rng::new(symbol.as_str(), "listing", 0);
        let usual_price = 12.0 * exp(rng.unit() * 4.0); // 12 to 655, cheap ones as often as expensive ones
        let traded = 300_000.0 * exp(rng.unit() * 5.0); // 0.3 to 45 million shares
        let usual_volume = if matches!(instrument_type, "INDEX" | "CURRENCY") { 0.0 } else { traded };
        let currency = quote_currency(symbol.as_str()).unwrap_or(exchange.currency).to_owned();
        Some(Self { symbol, exchange, currency, instrument_type, usual_price, usual_volume })
    }

    /// Yahoo's `longName` and `shortName`; marked as simulated.
    pub fn name(&self) -> String {
        let symbol = self.symbol.as_str();
        let name = COINS.iter().find(|(coin, _)| *coin == symbol).map_or(symbol, |(_, name)| name);
        format!("{name} (simulated)")
    }
}

/// A currency pair with the dollar first has two names, and replies name it by the shorter: `JPY=X` for `USDJPY=X`
/// (<https://github.com/sstrickx/yahoofinance-api/issues/172>).
fn dollar_pair(symbol: &str) -> &str {
    symbol.strip_prefix("USD").filter(|rest| rest.len() == 5 && rest.ends_with("=X")).unwrap_or(symbol)
}

/// The currency that a pair is quoted in: dollars for `EURUSD=X`, yen for `JPY=X`.
fn quote_currency(symbol: &str) -> Option<&str> {
    let pair = symbol.strip_suffix("=X")?;
    pair.get(pair.len().checked_sub(3)?..)
}

fn is_listed(symbol: &Symbol) -> bool {
    let name = symbol.as_str().strip_prefix('^').unwrap_or(symbol.as_str());
    let has_class = |(_, suffix): (&str, &str)| suffix.len() == 1 && !ONE_LETTER_MARKETS.contains(&suffix);
    let has_foreign_spelling = name.rsplit_once('.').is_some_and(has_class) || name.matches('.').count() > 1;
    let is_malformed = name.is_empty() || name.contains('^') || name.ends_with(['.', '-', '=', '&']);
    !(name.starts_with("ZZ") || NOT_LISTED.contains(&symbol.as_str()) || has_foreign_spelling || is_malformed)
}

fn instrument_type(symbol: &str) -> &'static str {
    match symbol {
        _ if symbol.starts_with('^') => "INDEX",
        _ if symbol.ends_with("=X") => "CURRENCY",
        _ if symbol.ends_with("=F") => "FUTURE",
        _ if symbol.ends_with("-USD") => "CRYPTOCURRENCY",
        _ => "EQUITY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_exist_in_yahoos_spelling_only() {
        let kind = |symbol: &str| Listing::find(symbol).map(|listing| listing.instrument_type);
        for symbol in [
            "META",
            "shop",
            "BRK-B",
            "RCI-B.TO",
            "NIFTY_FIN_SERVICE.NS",
            "7203.T",
            "VOD.L",
            "BHP.AX",
            "XYZ",
            "Z",
            "F",
            "M&M.NS",
        ] {
            assert_eq!(kind(symbol), Some("EQUITY"), "{symbol}");
        }
        for (symbol, expected) in
            [("^GSPC", "INDEX"), ("EURUSD=X", "CURRENCY"), ("GC=F", "FUTURE"), ("BTC-USD", "CRYPTOCURRENCY")]
        {
            assert_eq!(kind(symbol), Some(expected), "{symbol}");
        }
        for symbol in [
            "RCI.B.TO",
            "BCE.PR.A.TO",
            "ZZTOP",
            "zz",
            "^ZZ",
            "FB",
            "sq",
            "SPX",
            "VIX",
            "BRK.B",
            "BF.A",
            "A/B",
            "",
            "^",
            "A^B",
            "META.",
            "ÄÖ",
        ] {
            assert_eq!(kind(symbol), None, "{symbol:?}");
        }
    }

    #[test]
    fn figures_follow_from_the_spelling() {
        let figures = |symbol| Listing::find(symbol).map(|listing| (listing.usual_price, listing.usual_volume));
        assert_eq!(figures("meta"), figures("META"));
        assert_eq!(figures("USDJPY=X"), figures("JPY=X"));
        assert_ne!(figures("EURUSD=X"), figures("EUR=X"));
        assert_ne!(figures("META"), figures("SHOP"));
        assert_eq!(figures("^GSPC").map(|(_, volume)| volume), Some(0.0));
    }
}
