//! Hours with their highest and lowest price, accumulated bar by bar, the earliest first: the rows of an expected CSV.

use std::{collections::BTreeMap, fmt::Display};

use anyhow::Context;
use jiff::Zoned;
use shared::{HourlyExtreme, Price, TradeDate, hourly_extreme};

/// An hour of one company: price and start of the bar with the highest and the lowest price. Of several bars with the
/// same price the earliest counts.
#[derive(Debug)]
struct Hour<P> {
    high: (P, Zoned),
    low: (P, Zoned),
    bars: u32,
    volume: u64,
}

/// Hours by company name, symbol and hour in the exchange's time zone, which is the order of the CSV.
#[derive(Debug)]
pub struct HourlyExtremes<P>(BTreeMap<(String, String, i8), Hour<P>>);

impl<P: Copy + Display + PartialOrd> HourlyExtremes<P> {
    /// No hours yet.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a bar of a company. Its start `at`, in the exchange's time zone, must be after those of the company's bars
    /// that were added before.
    pub fn add(&mut self, (name, symbol): (&str, &str), at: &Zoned, (high, low): (P, P), volume: u64) {
        let new = || Hour { high: (high, at.clone()), low: (low, at.clone()), bars: 0, volume: 0 };
        let hour = self.0.entry((name.to_owned(), symbol.to_owned(), at.hour())).or_insert_with(new);
        if high > hour.high.0 {
            hour.high = (high, at.clone());
        }
        if low < hour.low.0 {
            hour.low = (low, at.clone());
        }
        hour.bars += 1;
        hour.volume += volume;
    }

    /// The CSV that a run must export.
    ///
    /// # Errors
    /// When an hour cannot be written as a row, such as one whose price is not positive.
    pub fn csv(self, date: TradeDate) -> anyhow::Result<String> {
        let rows = self.0.into_iter().map(|((company_name, symbol, hour), Hour { high, low, bars, volume })| {
            Ok(HourlyExtreme {
                company_name,
                symbol: symbol.parse()?,
                trade_date: date,
                hour,
                datetime_high: high.1,
                highest_hourly_price: price(high.0)?,
                datetime_low: low.1,
                lowest_hourly_price: price(low.0)?,
                bars,
                volume,
            })
        });
        let rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(String::from_utf8(hourly_extreme::write(&rows)?)?)
    }
}

/// The price with the shortest decimals that identify it, which are those that Rust prints; the code under test must
/// find the same ones.
fn price(value: impl Display) -> anyhow::Result<Price> {
    Price::from_wire(value.to_string().parse()?).with_context(|| format!("{value} is not a price"))
}
