//! The name under which an instrument trades, in Yahoo's spelling.

use std::{fmt, str::FromStr};

use compact_str::CompactString;
use serde_with::{DeserializeFromStr, SerializeDisplay};

/// A validated ticker symbol such as `META`, `BRK-B`, `^GSPC`, `EURUSD=X`, `7203.T` or `NIFTY_FIN_SERVICE.NS`.
///
/// Upper case, 1 to 20 characters of `A-Z 0-9 . - = ^ & _`. Anything else, a slash above all, is
/// rejected before it can become part of a URL, a query or an object key.
///
/// It takes no memory but its own 24 bytes, since a run of thousands of symbols holds each of them several times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct Symbol(CompactString);

/// Why a text is not a symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a symbol: use 1 to {max} of the characters A-Z 0-9 . - = ^ & _, starting with a letter, digit or ^, for example META or BRK-B",
    max = Symbol::MAX_LENGTH
)]
pub struct InvalidSymbol(String);

impl Symbol {
    /// The most characters of a symbol. Yahoo's longer ones, of up to 21, are option contracts, which are not collected.
    pub const MAX_LENGTH: usize = 20;

    /// The symbol as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = InvalidSymbol;

    /// Lower case becomes upper case, and space around the symbol goes; nothing else is repaired.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.trim().to_ascii_uppercase();
        let starts = upper.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '^');
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-=^&_".contains(c);
        if starts && upper.len() <= Self::MAX_LENGTH && upper.chars().all(allowed) {
            Ok(Self(upper.into()))
        } else {
            Err(InvalidSymbol(text.to_owned()))
        }
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_symbols_that_yahoo_lists() {
        for (text, symbol) in [
            ("META", "META"),
            (" shop ", "SHOP"),
            ("BRK.B", "BRK.B"),
            ("^GSPC", "^GSPC"),
            ("EURUSD=X", "EURUSD=X"),
            ("7203.T", "7203.T"),
            ("M&M.NS", "M&M.NS"),
            ("NIFTY_FIN_SERVICE.NS", "NIFTY_FIN_SERVICE.NS"),
            ("DX-Y.NYB", "DX-Y.NYB"),
            ("ES=F", "ES=F"),
            ("BTC-USD", "BTC-USD"),
            ("0P0001HZLW.L", "0P0001HZLW.L"),
            ("005930.KS", "005930.KS"),
        ] {
            assert_eq!(text.parse::<Symbol>().map(|symbol| symbol.to_string()), Ok(symbol.to_owned()));
        }
    }

    #[test]
    fn rejects_what_could_escape_from_a_url_or_a_query() {
        for text in [
            "",
            " ",
            "../x",
            "A/B",
            "A?B",
            "A B",
            "A'B",
            "ÄÖÜ",
            "-A",
            "=X",
            "+A",
            "@A",
            "'=A",
            "\u{ff1d}A",
            "A".repeat(21).as_str(),
        ] {
            assert_eq!(text.parse::<Symbol>(), Err(InvalidSymbol(text.to_owned())), "{text:?}");
        }
    }
}
