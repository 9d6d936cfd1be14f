//! Generated lakes: any collections of a day, by any runs, split over any number of files.
//!
//! They are drawn from few prices, times, runs and names, so that ties are frequent.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use harness::{LakeQuery, Prices};
use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, Time, time},
    tz::TimeZone,
};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use shared::{Bar, Interval, MarketSource, RunId, TradeDate};

use super::{Case, collected::Collected};

/// Symbols, with the time zone and the open of their exchange. Two have both in common, so that their bars start at the
/// same times.
const SYMBOLS: [(&str, &str, Time); 7] = [
    ("META", "America/New_York", time(9, 30, 0, 0)),
    ("SHOP", "America/New_York", time(9, 30, 0, 0)),
    ("7203.T", "Asia/Tokyo", time(9, 0, 0, 0)),
    ("TCS.NS", "Asia/Kolkata", time(9, 15, 0, 0)),
    ("BHP.AX", "Australia/Sydney", time(10, 0, 0, 0)),
    ("EURUSD=X", "Europe/London", time(0, 0, 0, 0)),
    ("BTC-USD", "UTC", time(22, 0, 0, 0)),
];
/// The number of bars that a symbol can have in a day; they start five minutes apart.
const BARS: i32 = 24;
const NAMES: [&str; 6] = ["Alpha", "alpha", "Ölwerk, \"Söhne\" & Co.", "Beta", "=1+1", "two\nlines \u{202e}gnol"];
/// The last one stands for the ticks of the open session.
const RUNS: [&str; 4] = ["run-10", "run-9", "run-a", LIVE];
const LIVE: &str = "live";
/// Times of collection, in UTC.
const TIMES: [&str; 3] = ["22:30:00", "22:30:00.5", "22:45:00"];
/// The currencies that a collection can have for a symbol.
const CURRENCIES: [Option<&str>; 5] = [Some("USD"), Some("USD"), Some("USD"), Some("GBp"), None];
/// Most prices of one scale lie within half a percent of each other.
const HIGHS: [f64; 4] = [10.0, 10.0001, 10.04, 10.5];
const LOWS: [f64; 4] = [10.0, 9.9999, 9.97, 9.5];
/// The factors by which the prices of a collection can differ from those above. A product with one is exact.
const SCALES: [f64; 5] = [1.0, 1.0, 1.0, 65_536.0, 1.0 / 16_384.0];
/// The sources that a collection can have for a symbol.
const SOURCES: [Option<MarketSource>; 4] =
    [None, Some(MarketSource::YAHOO), Some(MarketSource::YAHOO), Some(MarketSource::ALPACA)];
/// The factor that the prices of one scale stay below, and those of two scales do not.
pub const WITHIN_A_SCALE: f64 = 1.2;
const VOLUMES: [u64; 4] = [0, 1, 100, 3_000_000_000];

/// A bar of the lake, with indexes into the tables above.
#[derive(Debug, Clone, Copy)]
struct Record {
    run: &'static str,
    time: &'static str,
    interval: Interval,
    symbol: usize,
    listing: Listing,
    bar: i32,
    prices: Prices<f64>,
    volume: u64,
}

/// The company's name, the currency, the scale of the prices and their source.
type Listing = (&'static str, Option<&'static str>, f64, Option<MarketSource>);

/// What a run collected at one time: the interval, and by symbol its listing and some bars with their volume.
type Collection = (Interval, BTreeMap<usize, (Listing, BTreeMap<i32, (Prices<f64>, u64)>)>);

/// A bar opens and closes at its highest or its lowest price.
fn prices() -> impl Strategy<Value = Prices<f64>> {
    let ends = any::<(bool, bool)>();
    (select(&HIGHS), select(&LOWS), ends).prop_map(|(high, low, (opens_high, closes_high))| {
        let end = |is_high| if is_high { high } else { low };
        Prices { open: end(opens_high), high, low, close: end(closes_high) }
    })
}

fn collection() -> impl Strategy<Value = Collection> {
    let interval = prop_oneof![3 => Just(Interval::FiveMinutes), 1 => Just(Interval::OneMinute)];
    let bar = (prices(), select(&VOLUMES));
    let symbol = (
        (select(&NAMES), select(&CURRENCIES), select(&SCALES), select(&SOURCES)),
        btree_map(0..BARS, bar, 1..=BARS as usize),
    );
    (interval, btree_map(0..SYMBOLS.len(), symbol, 1..=SYMBOLS.len()))
}

fn records(((run, time), (interval, symbols)): (&(&'static str, &'static str), &Collection)) -> Vec<Record> {
    let records = symbols
        .iter()
        .flat_map(|(&symbol, (listing, bars))| bars.iter().map(move |(&bar, &traded)| (symbol, *listing, bar, traded)));
    records
        .map(|(symbol, (name, currency, scale, source), bar, (prices, volume))| Record {
            run,
            time,
            interval: *interval,
            symbol,
            // Ticks are of one scale.
            listing: (name, currency, if *run == LIVE { 1.0 } else { scale }, source),
            bar,
            prices,
            volume,
        })
        .collect()
}

/// A bar, whose run and interval are to be queried; all bars in any order, some of them twice; and the number of files
/// to split them over.
fn lake() -> impl Strategy<Value = (Record, Vec<Record>, usize)> {
    let collections = btree_map((select(&RUNS), select(&TIMES)), collection(), 1..=6);
    let repeated = vec(any::<Index>(), 0..5);
    (collections, any::<Index>(), repeated, 1..=8_usize).prop_flat_map(|(collections, chosen, repeated, files)| {
        let once: Vec<_> = collections.iter().flat_map(records).collect();
        let again = repeated.iter().map(|index| *index.get(&once)).collect();
        (Just(*chosen.get(&once)), Just([once, again].concat()).prop_shuffle(), Just(files))
    })
}

/// Generates `count` lakes, each with a date of its own, `first` and those that follow it.
pub fn cases(first: Date, count: usize, runner: &mut TestRunner) -> Result<Vec<Case>> {
    let dates = first.series(1.day()).map(TradeDate::from);
    let case = |date| {
        let lake = lake().new_tree(runner).map_err(|reason| anyhow!("no lake: {reason}"))?;
        let (chosen, records, files) = lake.current();
        let bars = records.into_iter().map(|record| record.bar(date)).collect::<Result<Vec<_>>>()?;
        let file = |number| bars.iter().skip(number).step_by(files).cloned().collect();
        // Every other run has requested all symbols.
        let failed = bars.iter().filter(|_| bars.len() % 2 == 0).map(|bar| bar.symbol.clone()).collect();
        let query = LakeQuery { failed, ..chosen.query(date)? };
        Ok(Case { query, files: (0..files).map(file).collect() })
    };
    dates.take(count).map(case).collect()
}

impl Record {
    fn query(&self, trade_date: TradeDate) -> Result<LakeQuery> {
        let run_id = if self.run == LIVE { RunId::live(trade_date) } else { self.run.parse()? };
        Ok(LakeQuery { trade_date, interval: self.interval, run_id, failed: BTreeSet::new() })
    }

    fn bar(self, date: TradeDate) -> Result<Bar> {
        let (symbol, zone, open) = SYMBOLS[self.symbol];
        let collected = Collected {
            query: self.query(date)?,
            at: format!("{date}T{}Z", self.time).parse()?,
            zone: TimeZone::get(zone)?,
            symbol: symbol.to_owned(),
            name: self.listing.0.to_owned(),
            currency: self.listing.1.map(ToOwned::to_owned),
            // One of the collection, and in some collections none.
            previous_close: (self.time != TIMES[1]).then_some(self.run.len() as f64 * self.listing.2),
            source: self.listing.3,
        };
        let [open_price, high, low, close] = [self.prices.open, self.prices.high, self.prices.low, self.prices.close]
            .map(|price| price * self.listing.2);
        let prices = Prices { open: open_price, high, low, close };
        collected.bar(open.checked_add(SignedDuration::from_mins(5) * self.bar)?, prices, self.volume)
    }
}
