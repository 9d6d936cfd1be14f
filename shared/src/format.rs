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
    fn a_clock_is_the_exchanges_own() -> Result<(), jiff::Error> {
        let at: Zoned = "2026-11-20T09:35:00-05:00[America/New_York]".parse()?;
        assert_eq!(clock(&at), "09:35");
        Ok(())
    }
}
