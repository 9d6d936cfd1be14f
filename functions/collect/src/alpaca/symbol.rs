//! Alpaca's symbols.

use shared::Symbol;

/// Alpaca's spelling: a dot before a class of shares, where others write a dash.
pub fn spelling(symbol: &Symbol) -> Symbol {
    symbol.as_str().replace('-', ".").parse().unwrap_or_else(|_| symbol.clone())
}

/// Whether the market takes the text for a symbol: capitals, and a class of shares behind a dot. One that it does not take
/// would fail the whole request.
pub fn is_well_formed(symbol: &Symbol) -> bool {
    let mut parts = symbol.as_str().split('.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listings_of_the_united_states_are_well_formed() -> Result<(), Box<dyn std::error::Error>> {
        for (symbol, spelled, expected) in [
            ("META", "META", true),
            ("BRK-B", "BRK.B", true),
            ("BRK.B", "BRK.B", true),
            ("^GSPC", "^GSPC", false),
            ("7203.T", "7203.T", false),
            ("EURUSD=X", "EURUSD=X", false),
        ] {
            let found = spelling(&symbol.parse()?);
            assert_eq!((found.as_str(), is_well_formed(&found)), (spelled, expected), "{symbol}");
        }
        Ok(())
    }
}
