//! Symbols in Alpaca's spelling.

use shared::Symbol;

use crate::{exchanges::NEW_YORK, listing::Listing};

/// What a dot and one letter mean to Yahoo alone: London, Tokyo, Frankfurt, TSX Venture. `VOD.L` is well-formed and unknown.
const YAHOO_SUFFIXES: [&str; 4] = ["L", "T", "F", "V"];

/// Whether a request for `symbol` is answered at all: letters, with one dot at most between them. `BRK-B`, `ABC123` and
/// `^GSPC` are refused with all that is requested beside them.
pub fn is_well_formed(symbol: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphabetic());
    symbol.split_once('.').map_or_else(|| letters(symbol), |(name, class)| letters(name) && letters(class))
}

/// The symbol in Yahoo's spelling, in which listings and fault rules are kept: `BRK-B` for `BRK.B`.
pub fn in_yahoos_spelling(symbol: &str) -> Option<Symbol> {
    symbol.replace('.', "-").parse().ok()
}

/// The US share of that symbol; `None` when there is none.
pub fn listing(symbol: &str) -> Option<Listing> {
    let is_class = |(_, class): (&str, &str)| class.len() == 1 && !YAHOO_SUFFIXES.contains(&class);
    let is_known = is_well_formed(symbol) && symbol.split_once('.').is_none_or(is_class);
    let listing = Listing::find(in_yahoos_spelling(symbol).filter(|_| is_known)?.as_str())?;
    (std::ptr::eq(listing.exchange, &NEW_YORK) && listing.instrument_type == "EQUITY").then_some(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_shares_have_a_dot_and_foreign_ones_are_unknown() {
        for (symbol, is_accepted, listed) in [
            ("META", true, Some("META")),
            ("BRK.B", true, Some("BRK-B")),
            ("BRK-B", false, None),
            ("ZZTOP", true, None),
            ("FB", true, None),
            ("VOD.L", true, None),
            ("BHP.AX", true, None),
            ("7203.T", false, None),
            ("ABC123", false, None),
            ("0029900E0", false, None),
            ("^GSPC", false, None),
            ("BTC-USD", false, None),
            ("EURUSD=X", false, None),
            ("A.B.C", false, None),
            (".B", false, None),
            ("BRK.", false, None),
            ("", false, None),
        ] {
            assert_eq!(is_well_formed(symbol), is_accepted, "{symbol:?}");
            assert_eq!(listing(symbol).map(|it| it.symbol.to_string()).as_deref(), listed, "{symbol:?}");
        }
    }
}
