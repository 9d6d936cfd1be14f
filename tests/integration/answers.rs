//! The query and the export of a lake whose bars the tests wrote: each CSV is compared, byte for byte, with one that is
//! computed without any SQL.

pub mod collected; // builds the bars of a collection
pub mod engines; // the same queries on a real Trino, where FINSTREAM_TRINO is set
pub mod generated; // lakes that proptest generates
mod reference; // hand-written days with the rows of their CSV, each for one thing that has gone wrong in such systems

use std::{collections::BTreeSet, env, future, sync::Arc, time::SystemTime};

use anyhow::{Error, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use harness::{LakeExport, LakeQuery, expected_coverage, expected_day_bars, expected_from_lake};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use shared::{Bar, Interval, MarketSource, Price, hourly_extreme};

use crate::{Context, trials};
use collected::Collected;

trials![
    reference_days_give_the_recorded_rows,
    a_second_collection_gives_the_same_bytes,
    any_bars_in_any_files_give_the_computed_csv,
    malformed_lines_are_skipped,
    coverage_counts_each_bar_once_and_has_the_newest_currency,
    the_bars_of_a_day_are_each_there_once,
];

/// A query, and the lake's files of its day.
#[derive(Debug)]
pub struct Case {
    pub query: LakeQuery,
    pub files: Vec<Vec<Bar>>,
}

impl Case {
    /// Writes the files to the lake.
    async fn put(&self, context: &Context) -> Result<()> {
        context.stack.put_bars(self.query.trade_date, &self.files).await
    }

    /// Writes one more object to the lake, with lines that a damaged or foreign one may have: no JSON, and an object that
    /// is cut off.
    async fn put_malformed(&self, context: &Context) -> Result<()> {
        let object = context.stack.in_data_bucket(format!("bars/trade_date={}/malformed", self.query.trade_date))?;
        context.stack.put_object(&object, "not JSON\n{\"symbol\": \"META\", \"ts\": \"20".to_owned()).await
    }

    /// Runs the query and the export, and returns what was exported, which must equal what is computed.
    async fn check(&self, context: &Context) -> Result<LakeExport> {
        let bars = self.files.concat();
        let exported = context.stack.query_and_export(&self.query, &bars).await?;
        let expected = expected_from_lake(&self.query, &bars)?;
        let (LakeExport { csv, restated, carried_over }, computed) = (&exported, &expected.csv);
        let difference = csv.lines().zip(computed.lines()).find(|(got, computed)| got != computed);
        ensure!(csv == computed, "exported:\n{csv}computed:\n{computed}first difference: {difference:?}");
        ensure!(restated == &expected.restated, "{restated:?} named as restated, computed: {:?}", expected.restated);
        ensure!(carried_over == &expected.carried_over, "{carried_over:?}, computed: {:?}", expected.carried_over);
        Ok(exported)
    }
}

/// The number of cases at once that keeps the local cloud busy; more would only wait.
const CONCURRENCY: usize = 4;

/// Writes the files of all cases to the lake, and then crawls it once.
pub async fn put_all(context: &Context, cases: impl Iterator<Item = &Case>) -> Result<()> {
    stream::iter(cases).map(|case| case.put(context)).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
    context.stack.crawl().await
}

/// The items that fail the check, with their errors.
async fn failures<T>(items: &[T], check: impl AsyncFn(&T) -> Result<()>) -> Vec<(&T, Error)> {
    let failure = async |item| Some((item, check(item).await.err()?));
    stream::iter(items).map(failure).buffer_unordered(CONCURRENCY).filter_map(future::ready).collect().await
}

async fn reference_days_give_the_recorded_rows(context: Arc<Context>) -> Result<()> {
    let days = reference::days()?;
    put_all(&context, days.iter().map(|day| &day.case)).await?;
    let wrong = failures(&days, async |day| day.check(&context).await).await;
    let text: String = wrong.iter().map(|(day, error)| format!("{}: {error:#}\n", day.title)).collect();
    ensure!(wrong.is_empty(), "{} of {} days have wrong results:\n{text}", wrong.len(), days.len());
    Ok(())
}

async fn a_second_collection_gives_the_same_bytes(context: Arc<Context>) -> Result<()> {
    let collected = |run_id: &str, at: &str| {
        let query = LakeQuery {
            trade_date: "2022-03-22".parse()?,
            interval: Interval::FiveMinutes,
            run_id: run_id.parse()?,
            failed: BTreeSet::new(),
        };
        let (symbol, name, currency) = ("META".to_owned(), "Meta Platforms".to_owned(), Some("USD".to_owned()));
        let zone = TimeZone::get("America/New_York")?;
        let collected =
            Collected { query, at: at.parse()?, zone, symbol, name, currency, previous_close: None, source: None };
        anyhow::Ok((collected.rising("09:30".parse()?, "16:00".parse()?)?, collected.query))
    };
    let (first, query) = collected("first", "2022-03-22T21:30:00Z")?;
    let once = Case { query, files: vec![first.clone()] };
    put_all(&context, [&once].into_iter()).await?;
    let bytes = once.check(&context).await?.csv;
    let (second, query) = collected("second", "2022-03-22T21:45:00Z")?;
    let twice = Case { query, files: vec![first, second] };
    twice.put(&context).await?;
    let again = twice.check(&context).await?.csv;
    ensure!(again == bytes, "first\n{bytes}then\n{again}");
    Ok(())
}

async fn malformed_lines_are_skipped(context: Arc<Context>) -> Result<()> {
    let cases = generated::cases(date(1970, 1, 1), 4, &mut TestRunner::deterministic())?;
    for case in &cases {
        case.put_malformed(&context).await?;
    }
    put_all(&context, cases.iter()).await?;
    for case in &cases {
        case.check(&context).await?;
    }
    Ok(())
}

async fn coverage_counts_each_bar_once_and_has_the_newest_currency(context: Arc<Context>) -> Result<()> {
    let mut runner = TestRunner::new(config(32)?);
    let cases = generated::cases(date(1975, 1, 1), 32, &mut runner)?;
    put_all(&context, cases.iter()).await?;
    let (first, last) = (cases[0].query.trade_date, cases[cases.len() - 1].query.trade_date);
    let executed = context.stack.query_coverage(first, last, Interval::FiveMinutes).await?;
    let result = context.stack.object(&executed.result).await?;
    let bars: Vec<_> = cases.iter().flat_map(|case| case.files.concat()).collect();
    let expected = expected_coverage(&bars, Interval::FiveMinutes);
    let difference = result.lines().zip(expected.lines()).find(|(got, expected)| got != expected);
    for case in &cases {
        context.stack.remove_bars(case.query.trade_date).await?;
    }
    ensure!(result == expected, "{} and {} lines, {difference:?}", result.lines().count(), expected.lines().count());
    Ok(())
}

async fn the_bars_of_a_day_are_each_there_once(context: Arc<Context>) -> Result<()> {
    let cases = generated::cases(date(1976, 1, 1), 24, &mut TestRunner::new(config(24)?))?;
    put_all(&context, cases.iter()).await?;
    let wrong = failures(&cases, async |case| {
        let LakeQuery { trade_date, interval, .. } = case.query;
        let executed = context.stack.query_day_bars(trade_date, interval).await?;
        let result = context.stack.object(&executed.result).await?;
        let bars = case.files.concat();
        let expected = expected_day_bars(&bars, trade_date, interval);
        let found = DayBar::lines(&result)?;
        let difference = found.iter().zip(&expected).find(|(found, expected)| found != expected);
        ensure!(found == expected, "{trade_date}: {} of {}, {difference:?}", found.len(), expected.len());
        Ok(())
    })
    .await;
    ensure!(wrong.is_empty(), "{wrong:?}");
    for case in &cases {
        context.stack.remove_bars(case.query.trade_date).await?;
    }
    Ok(())
}

/// A row of the result of `sql/day_bars.sql`.
#[derive(serde::Deserialize)]
struct DayBar {
    symbol: String,
    company_name: String,
    ts: Timestamp,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: u64,
    currency: String,
}

impl DayBar {
    /// The rows of a result, each as a line.
    fn lines(result: &str) -> Result<Vec<String>> {
        let bars = csv::Reader::from_reader(result.as_bytes()).into_deserialize::<Self>();
        bars.map(|bar| Ok(bar?.line())).collect()
    }

    /// As [`expected_day_bars`] writes it.
    fn line(&self) -> String {
        let Self { symbol, company_name, ts, open, high, low, close, volume, currency } = self;
        format!("{symbol} {company_name} {ts} {:?} {volume} {currency}", [open, high, low, close])
    }
}

/// What the result depends on of a bar, as a line of text; lines sort by symbol and start.
fn line(bar: &Bar) -> String {
    let Bar { symbol, company_name, volume, currency, previous_close, interval, collected_at, run_id, source, .. } =
        bar;
    let (ts, prices) = (bar.ts.datetime(), [bar.open, bar.high, bar.low, bar.close].map(Price::get));
    let price = format!("{prices:?} {}", currency.as_deref().unwrap_or("-"));
    let previous_close = previous_close.map_or(0.0, Price::get);
    let source = source.unwrap_or(MarketSource::YAHOO);
    format!(
        "{symbol} {ts} {price} after {previous_close} {volume}, {interval} by {run_id} at {collected_at} as {company_name} from {source}\n"
    )
}

/// The number of lakes and the seed: `PROPTEST_CASES` and `PROPTEST_RNG_SEED` where they are set, else `cases` new ones.
pub fn config(cases: u32) -> Result<Config> {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if let RngSeed::Random = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(SystemTime::UNIX_EPOCH.elapsed()?.as_secs());
    }
    Ok(config)
}

/// No symbol has prices of two scales, in one hour or in two: written without the rule that the SQL and the computed CSV
/// follow.
fn is_of_one_scale(csv: &str) -> Result<()> {
    for day in hourly_extreme::read(csv.as_bytes())?.chunk_by(|a, b| a.symbol == b.symbol) {
        let low = day.iter().map(|row| row.lowest_hourly_price.get()).fold(f64::INFINITY, f64::min);
        let high = day.iter().map(|row| row.highest_hourly_price.get()).fold(0.0, f64::max);
        ensure!(high < low * generated::WITHIN_A_SCALE, "prices of two scales: {day:?}");
    }
    Ok(())
}

async fn any_bars_in_any_files_give_the_computed_csv(context: Arc<Context>) -> Result<()> {
    let config = config(128)?;
    let repeat = format!("PROPTEST_CASES={} PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    let cases = generated::cases(date(1990, 1, 1), config.cases as usize, &mut TestRunner::new(config))?;
    let mut wrong = Vec::new();
    // The local cloud copies the whole lake for each query, so it is kept small.
    for cases in cases.chunks(32) {
        put_all(&context, cases.iter()).await?;
        wrong.extend(failures(cases, async |case| is_of_one_scale(&case.check(&context).await?.csv)).await);
        for case in cases {
            context.stack.remove_bars(case.query.trade_date).await?;
        }
    }
    let bars = |case: &Case| case.files.iter().map(Vec::len).sum::<usize>();
    if let Some((smallest, error)) = wrong.iter().min_by_key(|(case, _)| bars(case)) {
        let (wrong, all, held) = (wrong.len(), cases.len(), cases.iter().map(bars).sum::<usize>());
        let lake: BTreeSet<_> = smallest.files.iter().flatten().map(line).collect();
        let (lake, chosen) = (lake.into_iter().collect::<String>(), &smallest.query);
        bail!(
            "{wrong} of {all} lakes with {held} bars have wrong results; to repeat them set {repeat}. \
             The smallest, for {chosen:?}:\n{lake}{error:#}"
        );
    }
    Ok(())
}
