//! Hours with their highest and lowest price, the plain way: bar after bar, the earliest first.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
};

use jiff::Zoned;
use shared::TradeDate;

/// One company's hour.
#[derive(Debug)]
struct Hour<P> {
    high: (P, String),
    low: (P, String),
    bars: u32,
    volume: u64,
}

/// Hours by company name, symbol and hour on the exchange's clock, which is the order of the CSV.
#[derive(Debug)]
pub struct Hours<P>(BTreeMap<(String, String, i8), Hour<P>>);

impl<P: Copy + Display + PartialOrd> Hours<P> {
    /// No hours yet.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a bar, which starts after those of its company that were added before.
    pub fn add(&mut self, (name, symbol): (&str, &str), at: &Zoned, (high, low): (P, P), volume: u64) {
        let ts = at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let hour = self.0.entry((name.to_owned(), symbol.to_owned(), at.hour())).or_insert_with(|| Hour {
            high: (high, ts.clone()),
            low: (low, ts.clone()),
            bars: 0,
            volume: 0,
        });
        if high > hour.high.0 {
            hour.high = (high, ts.clone());
        }
        if low < hour.low.0 {
            hour.low = (low, ts);
        }
        hour.bars += 1;
        hour.volume += volume;
    }

    /// The CSV that a run must export.
    pub fn csv(&self, date: TradeDate) -> String {
        let mut csv = "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume\n".to_owned();
        for ((name, symbol, hour), Hour { high, low, bars, volume }) in &self.0 {
            let (name, (high, high_at), (low, low_at)) = (quoted(name), high, low);
            // Writing to a String cannot fail.
            let _ = writeln!(csv, "{name},{symbol},{date},{hour},{high_at},{high},{low_at},{low},{bars},{volume}");
        }
        csv
    }
}

/// A field of a CSV: in quotes only where it must be.
/// <https://www.rfc-editor.org/rfc/rfc4180#section-2>
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
