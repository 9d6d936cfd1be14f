//! The parts of a collection, each for one symbol's session of 78 bars of five minutes: what a run does for each of its symbols.
//! And those of an export, for a hundred of them.
//!
//! ```text
//! cargo bench -p benches --bench parts
//! ```

// What cannot be measured ends the program: a benchmark cannot fail otherwise.
#![allow(clippy::expect_used)]

use std::hint::black_box;

use anyhow::Context as _;
use benches::{
    chart::{self, Charts},
    query_result,
};
use collect::{
    DeliveryStream, HttpReply,
    parts::{Day, Decoded, Lines, Packer, Scope, Stream, SymbolDay},
};
use divan::{Bencher, counter::ItemsCount};
use export_csv::parts::{self as export, Parser};
use jiff::{SignedDuration, Timestamp};
use shared::{
    Bar, Interval, MarketSource, S3Uri, Symbol,
    payload::{CollectOutcome, CollectedSymbol, Collection, SymbolOutcome, SymbolOutcomes, SymbolSummary},
};

const DATE: &str = "2021-11-30";

fn main() {
    divan::main();
}

/// The symbols of an export: as many as the report shows each.
const EXPORTED: usize = 100;

/// A reply of the simulated market, and the request that it is about.
struct Requested {
    symbol: Symbol,
    day: Day,
    reply: HttpReply,
}

impl Requested {
    /// Each of so many symbols.
    fn all(symbols: usize) -> anyhow::Result<Vec<Self>> {
        let runtime = tokio::runtime::Runtime::new()?;
        let charts = runtime.block_on(Charts::serve(symbols, DATE.parse()?))?;
        let scope = Scope::Whole { now: Timestamp::now() };
        let day = Day { trade_date: DATE.parse()?, interval: Interval::FiveMinutes, scope };
        let requested = |symbol: &String| {
            let url = chart::url(&charts.url, symbol, 0, 1);
            let body = runtime.block_on(async { reqwest::get(url).await?.text().await })?;
            Ok(Self { symbol: symbol.parse()?, day, reply: HttpReply::new(200, body) })
        };
        charts.symbols.iter().map(requested).collect()
    }

    fn decoded(&self) -> anyhow::Result<Decoded> {
        Decoded::of(&self.reply).map_err(|failure| anyhow::anyhow!("{failure}"))
    }

    fn symbol_day(&self) -> anyhow::Result<SymbolDay> {
        self.decoded()?.day(&self.symbol, self.day).map_err(|failure| anyhow::anyhow!("{failure}"))
    }

    /// The lines of the lake.
    fn lines(&self, day: &SymbolDay) -> anyhow::Result<Vec<u8>> {
        let (mut lines, mut all) = (Lines::default(), vec![]);
        lines.begin(&self.common(day)?)?;
        for bar in &day.bars {
            all.extend_from_slice(lines.line(bar)?);
        }
        Ok(all)
    }

    /// A bar of the lake that has all in common with the day's but what they have.
    fn common(&self, day: &SymbolDay) -> anyhow::Result<Bar> {
        let first = day.bars.first().context("no bars")?;
        Ok(Bar {
            symbol: self.symbol.clone(),
            company_name: format!("{} Incorporated", self.symbol),
            trade_date: self.day.trade_date,
            ts: first.start.to_zoned(day.session.zone.clone()),
            open: first.open,
            high: first.high,
            low: first.low,
            close: first.close,
            volume: first.volume,
            currency: day.currency.clone(),
            interval: self.day.interval,
            collected_at: Timestamp::now(),
            run_id: "benchmark".parse()?,
            previous_close: day.previous_close,
            source: Some(MarketSource::YAHOO),
            feed: None,
        })
    }
}

/// What is measured, with the number of its bars. What fails could be measured just as well, so it is tried first.
fn requested() -> (Requested, SymbolDay, ItemsCount) {
    let requested = Requested::all(1).expect("a reply of the simulated market").pop().expect("a symbol");
    let day = requested.symbol_day().expect("a session");
    let bars = ItemsCount::new(day.bars.len());
    (requested, day, bars)
}

/// From the reply's text to its rows.
#[divan::bench]
fn decode(bencher: Bencher) {
    let (requested, _, bars) = requested();
    bencher.counter(bars).bench(|| Decoded::of(black_box(&requested.reply)));
}

/// From the rows to the bars of the session.
#[divan::bench]
fn filter(bencher: Bencher) {
    let (requested, _, bars) = requested();
    let decoded = || requested.decoded().expect("a series");
    bencher.counter(bars).with_inputs(decoded).bench_values(|decoded| decoded.day(&requested.symbol, requested.day));
}

/// From the bars to the records of a call.
#[divan::bench]
fn pack(bencher: Bencher) {
    let (requested, day, bars) = requested();
    let common = requested.common(&day).expect("a bar");
    let (mut lines, mut packer) = (Lines::default(), Packer::new(DeliveryStream::LIMITS));
    bencher.counter(bars).bench_local(|| -> serde_json::Result<()> {
        lines.begin(black_box(&common))?;
        for bar in &day.bars {
            black_box(packer.push(lines.line(bar)?));
        }
        Ok(())
    });
}

/// A collection that was queried.
struct Queried {
    collection: Collection,
    outcomes: SymbolOutcomes,
    result: String,
}

impl Queried {
    fn new() -> anyhow::Result<Self> {
        let (mut lines, mut outcomes) = (vec![], vec![]);
        for requested in Requested::all(EXPORTED)? {
            let day = requested.symbol_day()?;
            lines.extend(requested.lines(&day)?);
            let expected = day.expected.as_ref().map(Vec::len);
            let collected = CollectedSymbol::new(requested.symbol.clone(), day.bars.len(), expected);
            outcomes.push(SymbolOutcome::Collected(CollectedSymbol { gaps: Some(vec![]), ..collected }));
        }
        let uri = S3Uri { bucket: "benchmark".to_owned(), key: "symbols.jsonl".to_owned() };
        let summary = SymbolSummary::of(uri, &outcomes);
        let now = Timestamp::now();
        let collection = Collection {
            outcome: CollectOutcome::Collected,
            trade_date: DATE.parse()?,
            interval: Interval::FiveMinutes,
            run_id: "benchmark".parse()?,
            list: None,
            source: MarketSource::YAHOO,
            collected_at: now,
            written_at: now + SignedDuration::from_mins(1),
            bars: summary.bars.total(),
            records: 1,
            symbols: summary,
            simulated: true,
            waits_until: None,
            session_wait: None,
        };
        Ok(Self { collection, outcomes: outcomes.into_iter().collect(), result: query_result::of(&lines)? })
    }

    /// The day of the result, with its rows in the CSV.
    fn day(&self) -> anyhow::Result<export::Day<'_>> {
        let mut day = export::Day::new(&self.outcomes, self.collection.interval)?;
        let mut parser = Parser::new(self.collection.trade_date, self.collection.simulated);
        let (passed, last) = (parser.push(self.result.as_bytes())?, parser.finish()?);
        passed.into_iter().chain(last).try_for_each(|company| day.add(company))?;
        Ok(day)
    }

    fn report(&self, day: &export::Day<'_>) -> anyhow::Result<String> {
        Ok(export::render(&self.collection, &self.outcomes, &day.summary, &[], &[])?)
    }
}

/// What is measured, with the number of the CSV's rows. What fails could be measured just as well, so it is tried first.
fn queried() -> (Queried, ItemsCount) {
    let queried = Queried::new().expect("a result of the query");
    let day = queried.day().expect("a result that is right");
    queried.report(&day).expect("a report");
    let rows = ItemsCount::new(day.rows);
    drop(day);
    (queried, rows)
}

/// From the query's result to the CSV.
#[divan::bench]
fn csv(bencher: Bencher) {
    let (queried, rows) = queried();
    bencher.counter(rows).bench(|| queried.day().and_then(|day| Ok(day.finish()?)));
}

/// From the rows of the CSV to the report.
#[divan::bench]
fn report(bencher: Bencher) {
    let (queried, rows) = queried();
    let day = queried.day().expect("a result that is right");
    bencher.counter(rows).bench(|| queried.report(black_box(&day)));
}
