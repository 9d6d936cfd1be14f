//! The parts of a collection, each for one symbol's session of 78 bars of five minutes: what a run does for each of its symbols.
//!
//! ```text
//! cargo bench -p benches --bench parts
//! ```

// What cannot be measured ends the program: a benchmark cannot fail otherwise.
#![allow(clippy::expect_used)]

use std::hint::black_box;

use anyhow::Context as _;
use benches::chart::{self, Charts};
use collect::{
    DeliveryStream, HttpReply,
    parts::{Day, Decoded, Lines, Packer, Scope, Stream, SymbolDay},
};
use divan::{Bencher, counter::ItemsCount};
use jiff::Timestamp;
use shared::{Bar, Interval, MarketSource, Symbol};

const DATE: &str = "2021-11-30";

fn main() {
    divan::main();
}

/// A reply of the simulated market, and the request that it is about.
struct Requested {
    symbol: Symbol,
    day: Day,
    reply: HttpReply,
}

impl Requested {
    fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Runtime::new()?;
        let charts = runtime.block_on(Charts::serve(1, DATE.parse()?))?;
        let symbol = charts.symbols.first().context("no symbol")?;
        let url = chart::url(&charts.url, symbol, 0, 1);
        let body = runtime.block_on(async { reqwest::get(url).await?.text().await })?;
        let scope = Scope::Whole { now: Timestamp::now() };
        let day = Day { trade_date: DATE.parse()?, interval: Interval::FiveMinutes, scope };
        Ok(Self { symbol: symbol.parse()?, day, reply: HttpReply::new(200, body) })
    }

    fn decoded(&self) -> anyhow::Result<Decoded> {
        Decoded::of(&self.reply).map_err(|failure| anyhow::anyhow!("{failure}"))
    }

    fn symbol_day(&self) -> anyhow::Result<SymbolDay> {
        self.decoded()?.day(&self.symbol, self.day).map_err(|failure| anyhow::anyhow!("{failure}"))
    }

    /// A bar of the lake that has all in common with the day's but what they have.
    fn common(&self, day: &SymbolDay) -> anyhow::Result<Bar> {
        let first = day.bars.first().context("no bars")?;
        Ok(Bar {
            symbol: self.symbol.clone(),
            company_name: "Meta Platforms".to_owned(),
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
    let requested = Requested::new().expect("a reply of the simulated market");
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
