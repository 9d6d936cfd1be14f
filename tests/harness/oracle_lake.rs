//! The expected result of a query of the lake, computed from everything that the lake holds: no SQL, and none of
//! the functions' code.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use shared::{Bar, Interval};

use crate::{
    LakeQuery,
    hourly_extremes::{HourlyExtremes, Listing, Prices},
};

/// The CSV that must be exported for `query` when the lake holds `bars`, in any order.
///
/// Of the copies of a bar the last write wins: the one with the latest `collected_at`, and of those at the same time
/// the one with the greatest run id. The same holds for the company's name and the currency.
///
/// # Errors
/// When an hour cannot be written as a row of the CSV.
pub fn expected_from_lake(query: &LakeQuery, bars: &[Bar]) -> anyhow::Result<String> {
    let mut bars: Vec<_> = bars.iter().filter(|bar| query.matches(bar)).collect();
    let symbols: BTreeSet<_> =
        bars.iter().filter(|bar| bar.run_id == query.run_id).map(|bar| bar.symbol.as_str()).collect();
    bars.sort_by_key(|bar| Reverse((bar.collected_at, &bar.run_id)));
    let (mut listings, mut latest) = (BTreeMap::new(), BTreeMap::new());
    for bar in bars.into_iter().filter(|bar| symbols.contains(bar.symbol.as_str())) {
        let (name, symbol, currency) = (bar.company_name.as_str(), bar.symbol.as_str(), bar.currency.as_deref());
        listings.entry(symbol).or_insert(Listing { name, symbol, currency });
        latest.entry((bar.symbol.as_str(), bar.ts.timestamp())).or_insert(bar);
    }
    let mut hours = HourlyExtremes::new();
    for ((symbol, _), bar) in latest {
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(|price| price.get());
        hours.add(listings[symbol], &bar.ts, Prices { open, high, low, close }, bar.volume);
    }
    hours.csv(query.trade_date)
}

/// The result of `sql/coverage.sql`, as Athena writes it, when the lake holds `bars`, in any order: the number of bars of each
/// symbol and day, however often each was collected, and the currency of the newest collection.
pub fn expected_coverage(bars: &[Bar], interval: Interval) -> String {
    let mut symbols = BTreeMap::new();
    for bar in bars.iter().filter(|bar| bar.interval == interval) {
        let newest = (bar.collected_at, &bar.run_id, bar.currency.as_deref().unwrap_or_default());
        let (starts, of) = symbols.entry((bar.trade_date, &bar.symbol)).or_insert_with(|| (BTreeSet::new(), newest));
        starts.insert(bar.ts.timestamp());
        *of = newest.max(*of);
    }
    let mut csv = "\"trade_date\",\"symbol\",\"bars\",\"currency\"\n".to_owned();
    for ((date, symbol), (starts, (_, _, currency))) in symbols {
        csv += &format!("\"{date}\",\"{symbol}\",\"{}\",\"{currency}\"\n", starts.len());
    }
    csv
}
