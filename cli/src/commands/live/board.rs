//! What the bars of the stream add up to: a row for each symbol. It knows neither a terminal nor AWS.
//!
//! A bar is on the stream several times: every tick writes the newest three of each symbol, and may be repeated. Of a bar's
//! copies the one that was collected last wins, whatever the order in which they arrive.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use jiff::{SignedDuration, Timestamp, Zoned};
use shared::{Bar, Interval, Price, Symbol, TradeDate, format::thousands};

use crate::output::format::pluralize;

/// How many trade dates of a symbol are remembered: of the older one copies may still arrive.
const TRADE_DATES: usize = 2;

/// The bars that have arrived.
#[derive(Debug, Default)]
pub struct Board {
    series: BTreeMap<(Symbol, Interval), Series>,
    copies: usize,
    corrected: usize,
}

/// What a bar has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The first of its symbol, interval and start.
    New,
    /// A later collection has other prices, or another volume, than the one before.
    Corrected,
    /// Nothing.
    Copy,
}

/// The bars of one symbol and interval.
#[derive(Debug, Default)]
struct Series {
    days: BTreeMap<TradeDate, BTreeMap<Timestamp, Held>>,
    /// Of the newest collection.
    company_name: String,
    currency: Option<String>,
    collected_at: Timestamp,
}

/// A bar that is held.
#[derive(Debug, Clone)]
struct Held {
    quote: Quote,
    ts: Zoned,
    collected_at: Timestamp,
    /// When the first copy arrived on the stream.
    arrived: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Quote {
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: u64,
}

impl From<&Bar> for Quote {
    fn from(bar: &Bar) -> Self {
        let Bar { open, high, low, close, volume, .. } = *bar;
        Self { open, high, low, close, volume }
    }
}

/// The newest trade date of a symbol, as far as its bars have arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    pub symbol: &'a Symbol,
    pub company_name: &'a str,
    pub currency: Option<&'a str>,
    pub interval: Interval,
    pub trade_date: TradeDate,
    /// The start of the first bar, on the exchange's clock.
    pub since: &'a Zoned,
    /// The first bar's open.
    pub open: Price,
    /// The newest bar's close.
    pub last: Price,
    /// When the newest bar closed.
    pub closed: Timestamp,
    /// The highest price, and the start of the earliest bar that reached it.
    pub high: (Price, &'a Zoned),
    /// The lowest price, and the start of the earliest bar that reached it.
    pub low: (Price, &'a Zoned),
    pub volume: u64,
    /// The close of each bar, in order.
    pub closes: Vec<f64>,
}

impl Row<'_> {
    /// From the first bar's open to the newest bar's close, in percent.
    pub fn change(&self) -> f64 {
        (self.last.get() / self.open.get() - 1.0) * 100.0
    }

    /// How long ago the newest bar closed.
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.closed)
    }
}

/// Sums over all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub symbols: usize,
    /// The bars of the rows, each once.
    pub bars: usize,
    /// How many bars have arrived that changed nothing.
    pub copies: usize,
    /// How many have arrived that corrected one.
    pub corrected: usize,
}

impl Totals {
    /// `10 symbols, 130 bars; 20 copies, 1 corrected`.
    pub fn describe(&self) -> String {
        self.parts().join("; ")
    }

    /// `10 symbols, 130 bars` and `20 copies, 1 corrected`.
    pub fn parts(&self) -> [String; 2] {
        let Self { symbols, bars, copies, corrected } = *self;
        let (symbols, bars, copies) = (pluralize(symbols, "symbol"), pluralize(bars, "bar"), pluralize(copies, "copy"));
        [format!("{symbols}, {bars}"), format!("{copies}, {} corrected", thousands(corrected))]
    }
}

impl Board {
    /// Adds a bar, which arrived on the stream at `arrived`.
    pub fn add(&mut self, bar: &Bar, arrived: Timestamp) -> Change {
        let series = self.series.entry((bar.symbol.clone(), bar.interval)).or_default();
        let change = series.add(bar, arrived);
        match change {
            Change::New => {}
            Change::Corrected => self.corrected += 1,
            Change::Copy => self.copies += 1,
        }
        change
    }

    /// A row for each symbol, by symbol; one for each of its intervals, where its bars have several.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.series.iter().filter_map(|((symbol, interval), series)| series.row(symbol, *interval))
    }

    pub fn totals(&self) -> Totals {
        let symbols = self.series.keys().map(|(symbol, _)| symbol);
        let symbols = symbols.collect::<BTreeSet<_>>().len();
        let bars = self.series.values().filter_map(|series| Some(series.newest()?.1.len())).sum();
        Totals { symbols, bars, copies: self.copies, corrected: self.corrected }
    }

    /// Of each bar of the rows that closed at `from` or later, how long after its close it was on the stream; the shortest
    /// first. Of earlier bars the first copy may not have been read.
    pub fn delays(&self, from: Timestamp) -> Vec<SignedDuration> {
        let newest = self.series.iter().filter_map(|((_, interval), series)| Some((interval, series.newest()?.1)));
        let bars = newest.flat_map(|(interval, day)| day.values().map(|held| (held.closed(*interval), held.arrived)));
        let bars = bars.filter(|(closed, _)| *closed >= from);
        let mut delays: Vec<_> = bars.map(|(closed, arrived)| arrived.duration_since(closed)).collect();
        delays.sort_unstable();
        delays
    }
}

impl Series {
    fn add(&mut self, bar: &Bar, arrived: Timestamp) -> Change {
        if self.days.len() == TRADE_DATES && self.days.keys().next().is_some_and(|oldest| bar.trade_date < *oldest) {
            return Change::Copy; // of a day long gone
        }
        if self.company_name.is_empty() || bar.collected_at > self.collected_at {
            self.company_name.clone_from(&bar.company_name);
            self.currency.clone_from(&bar.currency);
            self.collected_at = bar.collected_at;
        }
        let day = self.days.entry(bar.trade_date).or_default();
        let change = match day.entry(bar.ts.timestamp()) {
            Entry::Vacant(entry) => {
                let (quote, ts) = (Quote::from(bar), bar.ts.clone());
                entry.insert(Held { quote, ts, collected_at: bar.collected_at, arrived });
                Change::New
            }
            Entry::Occupied(mut entry) => entry.get_mut().merge(bar, arrived),
        };
        while self.days.len() > TRADE_DATES {
            self.days.pop_first();
        }
        change
    }

    fn newest(&self) -> Option<(TradeDate, &BTreeMap<Timestamp, Held>)> {
        self.days.last_key_value().map(|(date, bars)| (*date, bars))
    }

    fn row<'a>(&'a self, symbol: &'a Symbol, interval: Interval) -> Option<Row<'a>> {
        let (trade_date, bars) = self.newest()?;
        let ((_, first), (_, last)) = (bars.first_key_value()?, bars.last_key_value()?);
        // Of equal prices the earliest bar's: a later one has to be higher, or lower.
        let high = bars.values().fold(first, |best, bar| if bar.quote.high > best.quote.high { bar } else { best });
        let low = bars.values().fold(first, |best, bar| if bar.quote.low < best.quote.low { bar } else { best });
        Some(Row {
            symbol,
            company_name: &self.company_name,
            currency: self.currency.as_deref(),
            interval,
            trade_date,
            since: &first.ts,
            open: first.quote.open,
            last: last.quote.close,
            closed: last.closed(interval),
            high: (high.quote.high, &high.ts),
            low: (low.quote.low, &low.ts),
            volume: bars.values().map(|bar| bar.quote.volume).sum(),
            closes: bars.values().map(|bar| bar.quote.close.get()).collect(),
        })
    }
}

impl Held {
    fn merge(&mut self, bar: &Bar, arrived: Timestamp) -> Change {
        self.arrived = self.arrived.min(arrived);
        if bar.collected_at <= self.collected_at {
            return Change::Copy;
        }
        self.collected_at = bar.collected_at;
        let quote = Quote::from(bar);
        if quote == self.quote {
            return Change::Copy;
        }
        self.quote = quote;
        Change::Corrected
    }

    fn closed(&self, interval: Interval) -> Timestamp {
        self.ts.timestamp().checked_add(interval.duration()).unwrap_or(self.ts.timestamp())
    }
}

#[cfg(test)]
pub mod tests;
