//! Yahoo's spelling of symbols that others write differently.

use shared::Symbol;

/// Yahoo's suffixes of one letter: Frankfurt, London, Tokyo, TSX Venture. Any other letter after a dot
/// is a class of shares. <https://help.yahoo.com/kb/SLN2310.html>
const ONE_LETTER_MARKETS: [&str; 4] = ["F", "L", "T", "V"];

/// Yahoo's spelling of a symbol, where the dot before a class of shares is a dash, and that before its series is left out:
/// `BRK-B` for `BRK.B`, `RCI-B.TO` for `RCI.B.TO`, `TD-PFA.TO` for `TD.PF.A.TO`. Preferred shares lose the R, and New York's
/// units and warrants are `UN` and `WT`: `BCE-PA.TO` for `BCE.PR.A.TO`, `AAC-UN` for `AAC.U`, `AAC-WT` for `AAC.WS`. Any other
/// is unchanged. Forms of Yahoo's public lists of symbols.
pub fn yahoo_symbol(symbol: &Symbol) -> Symbol {
    let (name, market) = split_market(symbol.as_str());
    let Some((base, class)) = name.split_once('.') else { return symbol.clone() };
    let parts: Vec<_> = class.split('.').collect();
    let class = match (parts.as_slice(), market) {
        (["U"], "") => "UN".to_owned(),
        (["WS", series @ ..], "") => format!("WT{}", series.concat()),
        (["PR", series @ ..], _) => format!("P{}", series.concat()),
        (parts, _) => parts.concat(),
    };
    format!("{base}-{class}{market}").parse().unwrap_or_else(|_| symbol.clone())
}

/// The symbol's name with its class, and the suffix of its market, if it has one, with the dot before it.
fn split_market(symbol: &str) -> (&str, &str) {
    let Some(dot) = symbol.rfind('.') else { return (symbol, "") };
    let (name, suffix) = (&symbol[..dot], &symbol[dot + 1..]);
    let is_class =
        suffix.len() == 1 && !ONE_LETTER_MARKETS.contains(&suffix) || suffix == "WS" || name.ends_with(".PR");
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
            ("TD.PF.A.TO", "TD-PFA.TO"),
            ("AFN.DB.K.TO", "AFN-DBK.TO"),
            ("AGMR.WT.B.TO", "AGMR-WTB.TO"),
            ("ZSP.U.TO", "ZSP-U.TO"),
            ("AAC.U", "AAC-UN"),
            ("AAC.WS", "AAC-WT"),
            ("AAC.WS.A", "AAC-WTA"),
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
