//! Yahoo's spelling of symbols that others write differently.

use shared::Symbol;

/// Yahoo's suffixes of one letter: Frankfurt, London, Tokyo, TSX Venture. Any other letter after a dot
/// is a class of shares. <https://help.yahoo.com/kb/SLN2310.html>
const ONE_LETTER_MARKETS: [&str; 4] = ["F", "L", "T", "V"];

/// Yahoo's spelling of a symbol, where the dot before a class of shares is a dash: `BRK-B` for `BRK.B`, `RCI-B.TO` for
/// `RCI.B.TO`, `REI-UN.TO` for `REI.UN.TO`, `BCE-PA.TO` for `BCE.PR.A.TO`. Any other is unchanged.
pub fn yahoo_symbol(symbol: &Symbol) -> Symbol {
    let (name, market) = split_market(symbol.as_str());
    if !name.contains('.') {
        return symbol.clone();
    }
    // Preferred shares of a series: `-PA`, without the R.
    let name = name.replace('.', "-").replace("-PR-", "-P");
    format!("{name}{market}").parse().unwrap_or_else(|_| symbol.clone())
}

/// The symbol's name with its class, and the suffix of its market, if it has one, with the dot before it.
fn split_market(symbol: &str) -> (&str, &str) {
    let Some(dot) = symbol.rfind('.') else { return (symbol, "") };
    let (name, suffix) = (&symbol[..dot], &symbol[dot + 1..]);
    let is_class = suffix.len() == 1 && !ONE_LETTER_MARKETS.contains(&suffix) || name.ends_with(".PR");
    if is_class { (symbol, "") } else { symbol.split_at(dot) }
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
            ("RCI.B.TO", "RCI-B.TO"),
            ("RCI-B.TO", "RCI-B.TO"),
            ("REI.UN.TO", "REI-UN.TO"),
            ("TECK.A.V", "TECK-A.V"),
            ("BCE.PR.A.TO", "BCE-PA.TO"),
            ("BAC.PR.L", "BAC-PL"),
            ("NIFTY_FIN_SERVICE.NS", "NIFTY_FIN_SERVICE.NS"),
            ("DX-Y.NYB", "DX-Y.NYB"),
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
