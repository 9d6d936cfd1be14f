//! The expected result of a query of the lake, computed from everything that the lake holds: no SQL, and none of
//! the functions' code.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use shared::{Bar, Interval, MarketSource, Price, RunId, Symbol, TradeDate, payload::CarriedOver};

use crate::{
    LakeExport, LakeQuery,
    hourly_extremes::{HourlyExtremes, Listing, Prices},
};

/// What must be exported for `query` when the lake holds `bars`, in any order.
///
/// Of the copies of a bar the last write wins: the one with the latest `collected_at`, and of those at the same time
/// the one with the greatest run id; one of the open session's ticks only where there is no other. The same holds for the company's name and the currency. What is of another scale
/// or currency than a symbol's newest collection is left out. Of a symbol for which the run got nothing the rows are those
/// of earlier runs.
///
/// # Errors
/// When an hour cannot be written as a row of the CSV.
pub fn expected_from_lake(query: &LakeQuery, bars: &[Bar]) -> anyhow::Result<LakeExport> {
    let of_run = bars.iter().filter(|bar| query.matches(bar) && bar.run_id == query.run_id);
    let own: BTreeSet<_> = of_run.map(|bar| &bar.symbol).collect();
    let is_queried = |symbol: &Symbol| own.contains(symbol) || query.failed.contains(symbol);
    let queried = bars.iter().filter(|bar| query.matches(bar) && is_queried(&bar.symbol));
    let (bars, restated) = of_one_scale(queried);
    let (mut listings, mut latest, mut carried_over) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for Kept { bar, rank, collected_at } in bars {
        if !own.contains(&bar.symbol) {
            carried_over.entry(&bar.symbol).or_insert(collected_at);
        }
        let (name, symbol, currency) = (bar.company_name.as_str(), bar.symbol.as_str(), bar.currency.as_deref());
        let previous_close = bar.previous_close.map(Price::get);
        let listing = listings.entry(symbol).or_insert(Listing { name, symbol, currency, previous_close });
        if rank == 0 {
            listing.previous_close = listing.previous_close.or(previous_close);
        }
        latest.entry((bar.symbol.as_str(), bar.ts.timestamp())).or_insert(bar);
    }
    let mut hours = HourlyExtremes::new();
    for ((symbol, _), bar) in latest {
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(|price| price.get());
        hours.add(listings[symbol], &bar.ts, Prices { open, high, low, close }, bar.volume);
    }
    let restated = restated.into_iter().map(|(_, symbol)| symbol.clone()).collect();
    let carried_over = carried_over
        .into_iter()
        .map(|(symbol, collected_at)| CarriedOver { symbol: symbol.clone(), collected_at })
        .collect();
    Ok(LakeExport { csv: hours.csv(query.trade_date)?, restated, carried_over })
}

/// A bar that is kept, with the collection that it is of.
pub(crate) struct Kept<'a> {
    pub(crate) bar: &'a Bar,
    /// The place of the collection among those of the symbol and day: 0 for the newest.
    pub(crate) rank: usize,
    /// When that was made; of ticks when the last of them was.
    collected_at: Timestamp,
}

/// The bars of one collection, by their start.
pub(crate) type Collection<'a> = BTreeMap<Timestamp, &'a Bar>;

/// The source of a bar, which those of before it was written do not name.
fn source(bar: &Bar) -> MarketSource {
    bar.source.unwrap_or(MarketSource::YAHOO)
}

/// The collections of one symbol's day from the source of the newest one, which comes first, each with its time. What the ticks of
/// the open session wrote is one for each currency and source, has of each bar the last write, and comes last.
pub(crate) fn collections<'a>(bars: &[&'a Bar]) -> Vec<(Timestamp, Collection<'a>)> {
    type Key<'a> = (bool, Reverse<Timestamp>, Reverse<&'a RunId>, Option<&'a str>, Option<MarketSource>);
    let mut collections: BTreeMap<Key<'_>, Collection<'_>> = BTreeMap::new();
    let is_live = |bar: &Bar| bar.run_id.is_live(bar.trade_date);
    for bar in bars {
        let same = |other: &&&Bar| is_live(other) && other.currency == bar.currency && source(other) == source(bar);
        let last_tick = bars.iter().filter(same).map(|other| other.collected_at).max();
        let at = last_tick.filter(|_| is_live(bar)).unwrap_or(bar.collected_at);
        let currency = bar.currency.as_deref().filter(|_| is_live(bar));
        let source = is_live(bar).then(|| source(bar));
        let key = (is_live(bar), Reverse(at), Reverse(&bar.run_id), currency, source);
        let collection = collections.entry(key).or_default();
        let copy = collection.entry(bar.ts.timestamp()).or_insert(bar);
        if copy.collected_at < bar.collected_at {
            *copy = bar;
        }
    }
    let source_of = |bars: &Collection<'_>| bars.values().next().map(|bar| source(bar));
    let newest = collections.values().next().and_then(source_of);
    let of_one_source = collections.into_iter().filter(|(_, bars)| source_of(bars) == newest);
    of_one_source.map(|((_, Reverse(at), ..), bars)| (at, bars)).collect()
}

/// The bars that are of the source, the currency and the scale of the newest collection of their symbol and day, those of newer collections
/// and writes first, and the symbols and days of which others from that source are left out. An older collection is of the same scale if more than half of the
/// bars that both have closed within half a percent of each other; of its bars that fill a gap, those are that reach neither to a
/// fifth nor to five times the average close of the newest.
pub(crate) fn of_one_scale<'a>(
    bars: impl Iterator<Item = &'a Bar>,
) -> (Vec<Kept<'a>>, BTreeSet<(TradeDate, &'a Symbol)>) {
    let mut days: BTreeMap<(TradeDate, &Symbol), Vec<&Bar>> = BTreeMap::new();
    for bar in bars {
        days.entry((bar.trade_date, &bar.symbol)).or_default().push(bar);
    }
    let (mut kept, mut restated) = (Vec::new(), BTreeSet::new());
    for (day, bars) in days {
        let collections = collections(&bars);
        let Some((_, newest)) = collections.first() else { continue };
        for (rank, (collected_at, older)) in collections.iter().enumerate() {
            let both: Vec<_> = older.iter().filter_map(|(ts, bar)| Some((*bar, *newest.get(ts)?))).collect();
            let same = both.iter().filter(|(older, newest)| {
                let (older_close, close) = (older.close.get(), newest.close.get());
                older.currency == newest.currency && (older_close - close).abs() <= 0.005 * close
            });
            let agrees = 2 * same.count() > both.len();
            let average = newest.values().map(|bar| bar.close.get()).sum::<f64>() / newest.len() as f64;
            let is_of_scale = |bar: &Bar| 5.0 * bar.low.get() > average && bar.high.get() < 5.0 * average;
            let fits = |bar: &Bar| newest.contains_key(&bar.ts.timestamp()) || is_of_scale(bar);
            let (fitting, others): (Vec<&Bar>, Vec<&Bar>) =
                older.values().copied().partition(|bar| agrees && fits(bar));
            kept.extend(fitting.into_iter().map(|bar| Kept { bar, rank, collected_at: *collected_at }));
            if !others.is_empty() {
                restated.insert(day);
            }
        }
    }
    kept.sort_by_key(|Kept { bar, rank, .. }| (*rank, Reverse(bar.collected_at), bar.ts.timestamp()));
    (kept, restated)
}

/// The result of `sql/day_bars.sql`, as lines of text, when the lake holds `bars`, in any order: each bar of the day once, as the
/// last of its collections has it, without what is of another scale or currency than the symbol's newest, with the name and
/// the currency of that one.
pub fn expected_day_bars(bars: &[Bar], date: TradeDate, interval: Interval) -> Vec<String> {
    let (bars, _) = of_one_scale(bars.iter().filter(|bar| bar.trade_date == date && bar.interval == interval));
    let (mut listings, mut latest) = (BTreeMap::new(), BTreeMap::new());
    for Kept { bar, .. } in bars {
        listings.entry(&bar.symbol).or_insert((&bar.company_name, bar.currency.as_deref().unwrap_or_default()));
        latest.entry((&bar.symbol, bar.ts.timestamp())).or_insert(bar);
    }
    let line = |bar: &Bar| {
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.get());
        let (name, currency) = listings[&bar.symbol];
        format!("{} {name} {} {prices:?} {} {currency}", bar.symbol, bar.ts.timestamp(), bar.volume)
    };
    latest.into_values().map(line).collect()
}

/// The result of `sql/coverage.sql`, as Athena writes it, when the lake holds `bars`, in any order: the number of bars of each
/// symbol and day, however often each was collected, the same by hour, the currency of the newest collection, and whether collections of another
/// scale or currency are left out.
pub fn expected_coverage(bars: &[Bar], interval: Interval) -> String {
    let (bars, restated) = of_one_scale(bars.iter().filter(|bar| bar.interval == interval));
    let mut symbols = BTreeMap::new();
    for Kept { bar, .. } in bars {
        let currency = bar.currency.as_deref().unwrap_or_default();
        let (starts, _) = symbols.entry((bar.trade_date, &bar.symbol)).or_insert_with(|| (BTreeSet::new(), currency));
        starts.insert((bar.ts.hour(), bar.ts.timestamp()));
    }
    let mut csv = "\"trade_date\",\"symbol\",\"bars\",\"bars_by_hour\",\"currency\",\"restated\"\n".to_owned();
    for ((date, symbol), (starts, currency)) in symbols {
        let is_restated = restated.contains(&(date, symbol));
        let hours: BTreeSet<_> = starts.iter().map(|(hour, _)| *hour).collect();
        let of_hour = |hour: &i8| format!("{hour:02} {}", starts.iter().filter(|(of, _)| of == hour).count());
        let by_hour = hours.iter().map(of_hour).collect::<Vec<_>>().join(",");
        let bars = starts.len();
        csv += &format!("\"{date}\",\"{symbol}\",\"{bars}\",\"{by_hour}\",\"{currency}\",\"{is_restated}\"\n");
    }
    csv
}
