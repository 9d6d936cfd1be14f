//! Yahoo's codes of currencies: ISO 4217's, and three of its own for minor units, in which whole exchanges quote prices.
//!
//! <https://github.com/ranaroussi/yfinance/blob/main/yfinance/scrapers/history.py> (`_standardise_currency`) has the same three.

/// What is shown where Yahoo gives no code.
pub const UNKNOWN: &str = "currency unknown";

/// What a code of a minor unit stands for, such as `pence, 1/100 GBP`; `None` for a code of ISO 4217.
pub fn minor_unit(code: &str) -> Option<&'static str> {
    match code {
        "GBp" => Some("pence, 1/100 GBP"),
        "ILA" => Some("agorot, 1/100 ILS"),
        "ZAc" => Some("cents, 1/100 ZAR"),
        _ => None,
    }
}

/// The minor units among `codes`, each once, in alphabetical order: `GBp: pence, 1/100 GBP`.
pub fn minor_units<'a>(codes: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut units: Vec<_> =
        codes.into_iter().filter_map(|code| Some(format!("{code}: {}", minor_unit(code)?))).collect();
    units.sort_unstable();
    units.dedup();
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_explained_once_and_only_where_they_occur() {
        for (codes, units) in [
            (&["USD", "GBP", "JPY", "ZAR", "ILS"][..], &[][..]),
            (&[], &[]),
            (&["GBp", "USD", "GBp"], &["GBp: pence, 1/100 GBP"]),
            (&["ZAc", "ILA", "GBp"], &["GBp: pence, 1/100 GBP", "ILA: agorot, 1/100 ILS", "ZAc: cents, 1/100 ZAR"]),
            (&["GBX", "gbp", "ZAC", "ila"], &[]), // other vendors' spellings
        ] {
            assert_eq!(minor_units(codes.iter().copied()), units, "{codes:?}");
        }
    }
}
