//! Hours with their first, highest, lowest and last price, accumulated bar by bar, the earliest first: the rows of an
//! expected CSV.

use std::{collections::BTreeMap, fmt::Display};

use anyhow::Context;
use jiff::Zoned;
use shared::{HourlyExtreme, Price, Source, TradeDate, hourly_extreme};

/// A company as the rows of the CSV show it.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The company's name.
    pub name: &'a str,
    /// The symbol that was requested.
    pub symbol: &'a str,
    /// The market's code of the currency.
    pub currency: Option<&'a str>,
    /// The close of the session before.
    pub previous_close: Option<f64>,
}

/// The four prices of a bar.
#[derive(Debug, Clone, Copy)]
pub struct Prices<P> {
    /// The first.
    pub open: P,
    /// The highest.
    pub high: P,
    /// The lowest.
    pub low: P,
    /// The last.
    pub close: P,
}

/// An hour of one company: price and start of the bar with the highest and the lowest price. Of several bars with the
/// same price the earliest counts.
#[derive(Debug)]
struct Hour<P> {
    currency: Option<String>,
    previous_close: Option<f64>,
    open: P,
    close: P,
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
    pub fn add(&mut self, listing: Listing<'_>, at: &Zoned, prices: Prices<P>, volume: u64) {
        let Prices { open, high, low, close } = prices;
        let new = || Hour {
            currency: listing.currency.map(ToOwned::to_owned),
            previous_close: listing.previous_close,
            open,
            close,
            high: (high, at.clone()),
            low: (low, at.clone()),
            bars: 0,
            volume: 0,
        };
        let key = (listing.name.to_owned(), listing.symbol.to_owned(), at.hour());
        let hour = self.0.entry(key).or_insert_with(new);
        hour.close = close;
        if high > hour.high.0 {
            hour.high = (high, at.clone());
        }
        if low < hour.low.0 {
            hour.low = (low, at.clone());
        }
        hour.bars += 1;
        hour.volume += volume;
    }

    /// The CSV that a run must export; all prices of the tests are simulated.
    ///
    /// # Errors
    /// When an hour cannot be written as a row, such as one whose price is not positive.
    pub fn csv(self, date: TradeDate) -> anyhow::Result<String> {
        let rows = self.0.into_iter().map(|((company_name, symbol, hour), of)| {
            let Hour { currency, previous_close, open, close, high, low, bars, volume } = of;
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
                currency,
                open: Some(price(open)?),
                close: Some(price(close)?),
                source: Some(Source::Simulated),
                previous_close: previous_close.map(price).transpose()?,
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
