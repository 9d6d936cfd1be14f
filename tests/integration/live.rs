//! A session in ticks, of a past day by their scheduled times: what is on the stream and in the lake after each, and the daily run
//! after them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, StreamReader, poll, published_day, verify_csv};
use jiff::{SignedDuration, Timestamp};
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::{Value, json};
use shared::{
    Bar, Interval, RunId, Symbol, TradeDate,
    payload::{LiveOutcome, LiveTick},
};

use crate::{Context, trials};

trials![a_day_in_78_ticks_is_the_day_of_the_daily_run, ticks_that_run_at_once_query_the_market_as_one];

/// A day with a whole session in New York, and its open.
const DATE: &str = "2026-11-19";
const OPEN: &str = "2026-11-19T14:30:00Z";
const TICKS: i32 = 78;

/// Those of a bar that are its key: the symbol, and the start.
type Key = (Symbol, Timestamp);

fn key(bar: &Bar) -> Key {
    (bar.symbol.clone(), bar.ts.timestamp())
}

/// The time of the tick that comes a minute after the close of a bar, by its number.
fn tick_of(bar: i32) -> Result<Timestamp> {
    Ok(OPEN.parse::<Timestamp>()? + SignedDuration::from_mins(5 * i64::from(bar + 1) + 1))
}

fn request(tick: Timestamp, list: &str) -> Value {
    json!({"live": true, "scheduled_time": tick, "list": list, "interval": "5m"})
}

/// Ten companies that have each bar of the day: the simulated market leaves out one in two hundred.
async fn companies_without_gaps(stack: &Stack) -> Result<Vec<(String, String)>> {
    let mut companies = Vec::new();
    for letter in 'A'..='Z' {
        let symbol = format!("LIVE{letter}");
        let series = stack.market.series(&symbol, DATE.parse()?, Interval::FiveMinutes).await?;
        let (times, closes) = (&series["timestamp"], &series["indicators"]["quote"][0]["close"]);
        let open = OPEN.parse::<Timestamp>()?.as_second();
        let session = open..open + 390 * 60;
        let rows = times.as_array().into_iter().flatten().zip(closes.as_array().into_iter().flatten());
        if rows.filter(|(at, close)| close.is_number() && at.as_i64().is_some_and(|at| session.contains(&at))).count()
            == 78
        {
            companies.push((format!("Live {letter}"), symbol));
        }
    }
    companies.truncate(10);
    ensure!(companies.len() == 10, "only {} companies have every bar", companies.len());
    Ok(companies)
}

async fn a_day_in_78_ticks_is_the_day_of_the_daily_run(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("Live", "ENABLED")]).await?;
    let owned = companies_without_gaps(&stack).await?;
    let companies: Vec<_> = owned.iter().map(|(name, symbol)| (name.as_str(), symbol.as_str())).collect();
    stack.put_list("whole", &companies).await?;
    let sample = include_str!("../../functions/collect/events/live.json");
    let sample: LiveTick = stack.invoke("CollectFunction", &serde_json::from_str::<Value>(sample)?).await?;
    ensure!(sample.outcome == LiveOutcome::Collected && sample.bars > 0 && sample.requested == 2, "{sample:?}");
    let (mut stream, mut day) = (StreamReader::new(&stack).await?, Replayed::default());
    stream.records().await?;
    for bar in 0..TICKS {
        let tick = tick_of(bar)?;
        let output = stack.tick_that_succeeds(&request(tick, "whole")).await?;
        let expected = json!({"outcome": "collected", "bars": 10 * (bar + 1).min(3), "requested": 10, "records": 1});
        ensure!(is_part_of(&expected, &output), "{tick}: {output}");
        day.after_tick(&stack, tick, stream.records().await?).await.with_context(|| format!("the tick of {tick}"))?;
    }
    // Three ticks collect each bar but the last two of each of ten companies.
    let copies: Vec<_> = day.copies.values().copied().collect();
    ensure!(copies.len() == 780 && copies.iter().sum::<usize>() == 3 * 780 - 30, "{} bars", copies.len());

    // The daily run lacks two bars in a row of one company, which the ticks have.
    let symbol: Symbol = companies[3].1.parse()?;
    stack.market.handle.inject(FaultRule {
        symbol: Some(symbol.clone()),
        fault: Fault::NullRows,
        duration: FaultDuration::Always,
    });
    let run = stack.succeed(&json!({"trade_date": DATE, "list": "whole", "interval": "5m"})).await?;
    stack.market.handle.clear(Some(&symbol));
    let run = serde_json::to_value(run)?;
    ensure!(run["bars"].as_u64().is_some_and(|bars| bars < 780), "the run's own bars are {}", run["bars"]);
    let date: TradeDate = DATE.parse()?;
    let csv = stack.published_csv(&published_day("whole", date)?).await?.context("nothing is published")?;
    verify_csv(&stack.market, date, Interval::FiveMinutes, &companies, &csv).await
}

/// What was found after each tick so far.
#[derive(Default)]
struct Replayed {
    /// The number of copies of each bar on the stream.
    copies: BTreeMap<Key, usize>,
    /// The objects of the lake that were read, and the bars in them.
    objects: BTreeSet<String>,
    lake: BTreeSet<Key>,
}

impl Replayed {
    /// Checks the stream and the lake: each bar that has closed is there, and none that has not; each is written once by a tick.
    async fn after_tick(&mut self, stack: &Stack, tick: Timestamp, records: Vec<Vec<Bar>>) -> Result<()> {
        let (date, interval): (TradeDate, _) = (DATE.parse()?, Interval::FiveMinutes.duration());
        let written: Vec<_> = records.concat();
        let keys: BTreeSet<_> = written.iter().map(key).collect();
        ensure!(keys.len() == written.len(), "a tick wrote a bar twice");
        ensure!(written.iter().all(|bar| bar.run_id == RunId::live(date) && bar.ts.timestamp() + interval <= tick));
        for key in keys {
            *self.copies.entry(key).or_default() += 1;
        }
        let closed = usize::try_from(OPEN.parse::<Timestamp>()?.duration_until(tick).as_mins() / 5)?;
        ensure!(self.copies.len() == 10 * closed, "{} bars on the stream, of {}", self.copies.len(), 10 * closed);
        poll("the delivery of a tick", Duration::from_millis(50), async || {
            for key in stack.keys(&format!("bars/trade_date={date}/")).await? {
                if self.objects.insert(key.clone()) {
                    self.lake.extend(stack.bars_of_object(&key).await?.iter().map(self::key));
                }
            }
            Ok((self.lake.len() >= 10 * closed).then_some(()))
        })
        .await?;
        ensure!(self.lake.iter().eq(self.copies.keys()), "the lake holds other bars than the stream");
        if closed % 13 == 0 {
            let query = stack.query_day_bars(date, Interval::FiveMinutes).await?;
            let rows = stack.object(&query.result).await?.lines().count() - 1;
            ensure!(rows == 10 * closed, "a query sees {rows} bars");
        }
        Ok(())
    }
}

/// Whether each field of `part` is the same in `whole`.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    part.as_object().is_some_and(|fields| fields.iter().all(|(name, value)| whole[name] == *value))
}

/// A tick that meets a market which refuses waits, and those of the next minutes end without a request; what closed meanwhile is
/// collected afterwards.
async fn ticks_that_run_at_once_query_the_market_as_one(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("Live", "ENABLED")]).await?;
    let requests = || stack.market.handle.requests().len();
    let (tick, before) = (tick_of(10)?, requests());
    let both =
        [stack.start_tick(&request(tick, "companies")).await?, stack.start_tick(&request(tick, "companies")).await?];
    let mut outcomes = Vec::new();
    for execution in &both {
        outcomes.push(stack.end_of_tick(execution).await?["outcome"].clone());
    }
    outcomes.sort_by_key(Value::to_string);
    ensure!(outcomes == ["collected", "other_tick"], "{outcomes:?}");
    ensure!(requests() - before == 11, "{} requests", requests() - before);

    let (fault, before) = (Fault::TooManyRequests, requests());
    stack.market.handle.inject(FaultRule { symbol: None, fault, duration: FaultDuration::Always });
    let waiting = stack.start_tick(&request(tick_of(11)?, "companies")).await?;
    poll("the refusal", Duration::from_millis(20), async || Ok((requests() > before).then_some(()))).await?;
    let other = stack.tick_that_succeeds(&request(tick_of(12)?, "companies")).await?;
    ensure!(other["outcome"] == "other_tick", "{other}");
    stack.market.handle.clear(None);
    let waited = stack.end_of_tick(&waiting).await?;
    // It resumes long after that day, so with all bars from its window on to the close: 69 of ten companies, but for a few gaps.
    let expected = json!({"outcome": "collected", "scheduled_time": tick_of(11)?, "trade_dates": [DATE]});
    ensure!(is_part_of(&expected, &waited) && waited["bars"].as_u64().is_some_and(|bars| bars > 650), "{waited}");
    ensure!(requests() - before <= 13, "{} requests", requests() - before);
    Ok(())
}
