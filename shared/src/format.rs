//! Numbers and times as a person reads them: in the report and on the terminal alike.

use std::fmt::Display;

use jiff::Zoned;

use crate::Price;

/// A price with all of its decimals, and at least two: `892.00`, `334.50`, `334.1801`.
pub fn price(price: Price) -> String {
    let shortest = price.get().to_string();
    match shortest.split_once('.').map(|(_, decimals)| decimals.len()) {
        None => format!("{shortest}.00"),
        Some(1) => format!("{shortest}0"),
        Some(_) => shortest,
    }
}

/// The time of day on the clock of `at`'s own zone: `09:35`.
pub fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// A whole number with a comma every three digits: `3,000,000`.
pub fn thousands(count: impl Display) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A share of a hundred with its sign and two decimals: `+1.79%`, `0.00%`, and `−2.40%` with the minus sign, U+2212.
pub fn percent(value: f64) -> String {
    let text = format!("{:.2}%", value.abs());
    match text.as_str() {
        "0.00%" => text,
        _ if value < 0.0 => format!("\u{2212}{text}"),
        _ => format!("+{text}"),
    }
}

/// A whole number in at most five characters and a unit: `950`, `19.6 k`, `1.2 M`, `3.0 G`.
pub fn compact(count: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // one decimal is shown
    let value = count as f64;
    match [(1e9, "G"), (1e6, "M"), (1e3, "k")].into_iter().find(|(unit, _)| value >= 0.999_95 * unit) {
        Some((unit, name)) => format!("{:.1} {name}", value / unit),
        None => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_have_two_decimals_or_more() {
        for (value, shown) in
            [(892.0, "892.00"), (334.5, "334.50"), (334.1801, "334.1801"), (0.079_999_998_211_860_66, "0.08")]
        {
            assert_eq!(Price::from_wire(value).map(price).as_deref(), Some(shown));
        }
    }

    #[test]
    fn counts_have_commas() {
        for (count, shown) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678"), (3_000_000_000_u64, "3,000,000,000")]
        {
            assert_eq!(thousands(count), shown);
        }
    }

    #[test]
    fn a_percentage_has_its_sign() {
        for (value, shown) in [
            (1.789, "+1.79%"),
            (-2.4, "\u{2212}2.40%"),
            (0.0, "0.00%"),
            (-0.004, "0.00%"),
            (-0.005_1, "\u{2212}0.01%"),
            (1234.5, "+1234.50%"),
        ] {
            assert_eq!(percent(value), shown);
        }
    }

    #[test]
    fn large_counts_are_short() {
        for (count, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0 k"),
            (19_572_492, "19.6 M"),
            (999_960, "1.0 M"),
            (3_000_000_000, "3.0 G"),
        ] {
            assert_eq!(compact(count), shown);
        }
    }

    #[test]
    fn a_clock_is_the_exchanges_own() -> Result<(), jiff::Error> {
        let at: Zoned = "2026-11-20T09:35:00-05:00[America/New_York]".parse()?;
        assert_eq!(clock(&at), "09:35");
        Ok(())
    }
}
