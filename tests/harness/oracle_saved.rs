//! The expected results of the saved queries, computed from everything that the lake holds without SQL.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use shared::{Bar, Interval, Symbol, TradeDate};

use crate::{
    expected_coverage,
    oracle_lake::{Kept, collections, of_one_scale},
};

/// What a saved query is run with.
#[derive(Debug, Clone)]
pub struct SavedQueryInput {
    /// The first and the last trade date; queries of one day take the last.
    pub dates: (TradeDate, TradeDate),
    /// The length of the bars.
    pub interval: Interval,
    /// The symbols, where not all of them.
    pub symbols: Option<BTreeSet<Symbol>>,
}

/// The rows of a saved query, each an object of the columns, when the lake holds `bars`, in any order.
///
/// # Errors
/// When there is no such query.
pub fn expected_rows(name: &str, input: &SavedQueryInput, bars: &[Bar]) -> anyhow::Result<Vec<Value>> {
    let (first, last) = input.dates;
    let of_interval: Vec<_> = bars.iter().filter(|bar| bar.interval == input.interval).collect();
    let range: Vec<_> = of_interval.iter().copied().filter(|bar| (first..=last).contains(&bar.trade_date)).collect();
    match name {
        "coverage" => coverage(&range.into_iter().cloned().collect::<Vec<_>>(), input.interval),
        "restatements" => restatements(&range),
        _ => {
            let is_named = |bar: &&Bar| input.symbols.as_ref().is_none_or(|symbols| symbols.contains(&bar.symbol));
            let day = Day::of(of_interval.into_iter().filter(|bar| bar.trade_date == last).filter(is_named));
            match name {
                "day-bars" => Ok(day.bars().map(DayBar::row).collect()),
                "latest-bars" => latest(&day),
                "movers" => movers(&day),
                "hourly-extremes-so-far" => hourly_extremes(&day),
                other => bail!("{other} is no saved query"),
            }
        }
    }
}

/// The bars of a day by symbol, each once and the earliest first.
struct Day<'a>(BTreeMap<&'a Symbol, Vec<DayBar<'a>>>);

/// A bar of a day with the name and the currency of its symbol's newest collection.
#[derive(Clone, Copy)]
struct DayBar<'a> {
    name: &'a str,
    currency: Option<&'a str>,
    bar: &'a Bar,
}

impl<'a> Day<'a> {
    fn of(bars: impl Iterator<Item = &'a Bar>) -> Self {
        let mut symbols: BTreeMap<_, (&Bar, BTreeMap<_, _>)> = BTreeMap::new();
        for Kept { bar, .. } in of_one_scale(bars).0 {
            let (_, starts) = symbols.entry(&bar.symbol).or_insert_with(|| (bar, BTreeMap::new()));
            starts.entry(bar.ts.timestamp()).or_insert(bar);
        }
        let with_listing = |(symbol, (newest, starts)): (&'a Symbol, (&'a Bar, BTreeMap<_, &'a Bar>))| {
            let (name, currency) = (newest.company_name.as_str(), newest.currency.as_deref());
            (symbol, starts.into_values().map(|bar| DayBar { name, currency, bar }).collect())
        };
        Self(symbols.into_iter().map(with_listing).collect())
    }

    fn bars(&self) -> impl Iterator<Item = &DayBar<'a>> {
        self.0.values().flatten()
    }
}

impl DayBar<'_> {
    fn row(&self) -> Value {
        let Self { name, currency, bar } = self;
        json!({
            "symbol": bar.symbol, "company_name": name, "ts": text(bar, "ts"), "open": bar.open, "high": bar.high,
            "low": bar.low, "close": bar.close, "volume": bar.volume, "currency": currency,
        })
    }
}

/// A field of the bar as the lake's line has it.
fn text(bar: &Bar, field: &str) -> Value {
    serde_json::to_value(bar).map(|bar| bar[field].clone()).unwrap_or_default()
}

fn latest(day: &Day<'_>) -> anyhow::Result<Vec<Value>> {
    let row = |bars: &Vec<DayBar<'_>>| {
        let latest = bars.last().context("a symbol without bars")?;
        let mut row = latest.row();
        row["collected_at"] = text(latest.bar, "collected_at");
        Ok(row)
    };
    day.0.values().map(row).collect()
}

fn movers(day: &Day<'_>) -> anyhow::Result<Vec<Value>> {
    let mut rows = Vec::new();
    for bars in day.0.values() {
        let (first, last) = bars.first().zip(bars.last()).context("a symbol without bars")?;
        let change = 100.0 * (last.bar.close.get() / first.bar.open.get() - 1.0);
        let change = (100.0 * change).round() / 100.0;
        let mut row = last.row();
        row["change_percent"] = change.into();
        row["open"] = json!(first.bar.open);
        row["high"] = bars.iter().map(|it| it.bar.high.get()).fold(0.0, f64::max).into();
        row["low"] = bars.iter().map(|it| it.bar.low.get()).fold(f64::INFINITY, f64::min).into();
        row["volume"] = bars.iter().map(|it| it.bar.volume).sum::<u64>().into();
        rows.push((change, row));
    }
    // Symbols are in order already, and stay so where the changes are equal.
    rows.sort_by(|(one, _), (other, _)| other.abs().total_cmp(&one.abs()));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn hourly_extremes(day: &Day<'_>) -> anyhow::Result<Vec<Value>> {
    let mut hours: BTreeMap<_, Vec<DayBar<'_>>> = BTreeMap::new();
    for bar in day.bars() {
        hours.entry((bar.name, &bar.bar.symbol, bar.bar.ts.hour())).or_default().push(*bar);
    }
    let row = |((name, symbol, hour), bars): ((&str, &Symbol, i8), Vec<DayBar<'_>>)| {
        let (first, last) = bars.first().zip(bars.last()).context("an hour without bars")?;
        let (mut high, mut low) = (first.bar, first.bar);
        for DayBar { bar, .. } in &bars {
            high = if bar.high > high.high { bar } else { high };
            low = if bar.low < low.low { bar } else { low };
        }
        Ok(json!({
            "company_name": name, "symbol": symbol, "hour": hour,
            "datetime_high": text(high, "ts"), "highest_hourly_price": high.high,
            "datetime_low": text(low, "ts"), "lowest_hourly_price": low.low,
            "bars": bars.len(), "volume": bars.iter().map(|it| it.bar.volume).sum::<u64>(), "currency": first.currency,
            "open": first.bar.open, "close": last.bar.close,
        }))
    };
    hours.into_iter().map(row).collect()
}

/// The rows of [`expected_coverage`] as objects.
fn coverage(bars: &[Bar], interval: Interval) -> anyhow::Result<Vec<Value>> {
    let csv = expected_coverage(bars, interval);
    let rows = csv::Reader::from_reader(csv.as_bytes()).into_deserialize();
    let row = |row: csv::Result<(String, String, u64, String, String, bool)>| {
        let (date, symbol, bars, by_hour, currency, restated) = row?;
        Ok(json!({
            "trade_date": date, "symbol": symbol, "bars": bars, "bars_by_hour": by_hour, "currency": currency,
            "restated": restated,
        }))
    };
    rows.map(row).collect()
}

/// A row for each collection of which bars are left out: the oldest of a symbol's day first.
fn restatements(bars: &[&Bar]) -> anyhow::Result<Vec<Value>> {
    let mut days: BTreeMap<_, Vec<&Bar>> = BTreeMap::new();
    for bar in bars {
        days.entry((bar.trade_date, &bar.symbol)).or_default().push(bar);
    }
    let average = |bars: &[&Bar]| bars.iter().map(|bar| bar.close.get()).sum::<f64>() / bars.len() as f64;
    let mut rows = Vec::new();
    for ((date, symbol), bars) in days {
        let (kept, _) = of_one_scale(bars.iter().copied());
        let kept: BTreeSet<_> = kept.iter().map(|kept| (kept.rank, kept.bar.ts.timestamp())).collect();
        let collections = collections(&bars);
        let (_, newest) = collections.first().context("a day without bars")?;
        let newest: Vec<_> = newest.values().copied().collect();
        for (rank, (_, collection)) in collections.iter().enumerate().rev() {
            let left_out = collection.iter().filter(|(ts, _)| !kept.contains(&(rank, **ts)));
            let left_out: Vec<_> = left_out.map(|(_, bar)| *bar).collect();
            let Some(last_written) = left_out.iter().max_by_key(|bar| bar.collected_at) else { continue };
            rows.push(json!({
                "trade_date": date, "symbol": symbol, "run_id": last_written.run_id,
                "collected_at": text(last_written, "collected_at"), "bars": left_out.len(),
                "currency": last_written.currency, "average_close": average(&left_out),
                "newest_currency": newest.first().and_then(|bar| bar.currency.clone()), "newest_average_close": average(&newest),
            }));
        }
    }
    Ok(rows)
}
