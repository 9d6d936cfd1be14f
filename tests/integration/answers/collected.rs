//! Builds the bars of a collection.

use anyhow::{Context as _, Result};
use harness::{LakeQuery, Prices};
use jiff::{Timestamp, ToSpan, civil::Time, tz::TimeZone};
use shared::{Bar, MarketSource, Price};

/// What the bars of one company in one collection have in common.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The day, the interval and the run.
    pub query: LakeQuery,
    /// When they were collected.
    pub at: Timestamp,
    /// The exchange's time zone.
    pub zone: TimeZone,
    pub symbol: String,
    pub name: String,
    /// The market's code of the currency.
    pub currency: Option<String>,
    /// The close of the session before.
    pub previous_close: Option<f64>,
    /// The market; older bars have none, and are Yahoo's.
    pub source: Option<MarketSource>,
}

impl Collected {
    /// A bar that starts at `start` in the exchange's time zone.
    pub fn bar(&self, start: Time, prices: Prices<f64>, volume: u64) -> Result<Bar> {
        let LakeQuery { trade_date, interval, run_id, .. } = self.query.clone();
        let price = |value| Price::from_wire(value).with_context(|| format!("{value} is not a price"));
        Ok(Bar {
            symbol: self.symbol.parse()?,
            company_name: self.name.clone(),
            trade_date,
            ts: trade_date.date().to_datetime(start).to_zoned(self.zone.clone())?,
            open: price(prices.open)?,
            high: price(prices.high)?,
            low: price(prices.low)?,
            close: price(prices.close)?,
            volume,
            currency: self.currency.clone(),
            previous_close: self.previous_close.and_then(Price::from_wire),
            interval,
            collected_at: self.at,
            run_id,
            source: self.source,
            feed: None,
        })
    }

    /// A bar of 100 shares every five minutes from `open` until `close`. The lowest price is 100 in the first bar and
    /// rises by a cent from bar to bar; the highest is a cent above the lowest. A bar opens at its lowest and closes at its
    /// highest.
    pub fn rising(&self, open: Time, close: Time) -> Result<Vec<Bar>> {
        let starts = open.series(5.minutes()).take_while(|start| *start < close);
        let cents = |cents: u32| f64::from(cents) / 100.0;
        let prices = |low| {
            let (low, high) = (cents(low), cents(low + 1));
            Prices { open: low, high, low, close: high }
        };
        starts.zip(10_000..).map(|(start, low)| self.bar(start, prices(low), 100)).collect()
    }
}
