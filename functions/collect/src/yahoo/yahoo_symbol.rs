//! Yahoo's spelling of symbols that others write differently.

use shared::Symbol;

/// Yahoo's suffixes of one letter: Frankfurt, London, Tokyo, TSX Venture. Any other letter after a dot
/// is a class of shares. <https://help.yahoo.com/kb/SLN2310.html>
const ONE_LETTER_MARKETS: [&str; 4] = ["F", "L", "T", "V"];

/// Yahoo's spelling of a symbol: `BRK-B` for `BRK.B`, and any that is not a class of shares unchanged.
pub fn yahoo_symbol(symbol: &Symbol) -> Symbol {
    match symbol.as_str().rsplit_once('.') {
        Some((name, class)) if class.len() == 1 && !ONE_LETTER_MARKETS.contains(&class) => {
            format!("{name}-{class}").parse().unwrap_or_else(|_| symbol.clone())
        }
        _ => symbol.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_shares_gets_a_dash_and_a_market_keeps_its_dot() -> Result<(), shared::symbol::InvalidSymbol> {
        for (symbol, at_yahoo) in [
            ("BRK.B", "BRK-B"),
            ("BF.A", "BF-A"),
            ("BRK-B", "BRK-B"),
            ("META", "META"),
            ("VOD.L", "VOD.L"),
            ("7203.T", "7203.T"),
            ("BHP.AX", "BHP.AX"),
            ("^GSPC", "^GSPC"),
        ] {
            assert_eq!(yahoo_symbol(&symbol.parse()?).as_str(), at_yahoo);
        }
        Ok(())
    }
}
