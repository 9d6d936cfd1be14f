//! The expected result of a query of the lake, computed from everything that the lake holds: no SQL, and none of
//! the functions' code.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use shared::Bar;

use crate::{LakeQuery, hourly_extremes::HourlyExtremes};

/// The CSV that must be exported for `query` when the lake holds `bars`, in any order.
///
/// Of the copies of a bar the last write wins: the one with the latest `collected_at`, and of those at the same time
/// the one with the greatest run id. The same holds for the company's name.
///
/// # Errors
/// When an hour cannot be written as a row of the CSV.
pub fn expected_from_lake(query: &LakeQuery, bars: &[Bar]) -> anyhow::Result<String> {
    let mut bars: Vec<_> = bars.iter().filter(|bar| query.matches(bar)).collect();
    let symbols: BTreeSet<_> =
        bars.iter().filter(|bar| bar.run_id == query.run_id).map(|bar| bar.symbol.as_str()).collect();
    bars.sort_by_key(|bar| Reverse((bar.collected_at, &bar.run_id)));
    let (mut names, mut latest) = (BTreeMap::new(), BTreeMap::new());
    for bar in bars.into_iter().filter(|bar| symbols.contains(bar.symbol.as_str())) {
        names.entry(bar.symbol.as_str()).or_insert(bar.company_name.as_str());
        latest.entry((bar.symbol.as_str(), bar.ts.timestamp())).or_insert(bar);
    }
    let mut hours = HourlyExtremes::new();
    for ((symbol, _), bar) in latest {
        hours.add((names[symbol], symbol), &bar.ts, (bar.high.get(), bar.low.get()), bar.volume);
    }
    hours.csv(query.trade_date)
}
