//! What the query and the export make of a lake that holds this or that. The bars are put there by
//! hand, and each CSV is compared, byte for byte, with one that is computed without any SQL.

mod any; // lakes that nobody thought of
mod collected; // the bars of a collection
mod reference; // days with one thing each that has gone wrong before

use std::{collections::BTreeSet, env, future, sync::Arc, time::SystemTime};

use anyhow::{Error, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use harness::{LakeQuery, expected_from_lake};
use jiff::tz::TimeZone;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use shared::{Bar, Interval};

use crate::{Context, trials};
use collected::Collected;

trials![
    reference_days_are_answered_as_written_down,
    a_second_collection_leaves_the_same_bytes,
    any_bars_in_any_files_are_answered_as_computed,
];

/// A query, and the lake's files of its day.
#[derive(Debug)]
struct Case {
    query: LakeQuery,
    files: Vec<Vec<Bar>>,
}

impl Case {
    async fn put(&self, context: &Context) -> Result<()> {
        context.stack.put_bars(self.query.trade_date, &self.files).await
    }

    /// The CSV, which must be the computed one.
    async fn check(&self, context: &Context) -> Result<String> {
        let bars = self.files.concat();
        let csv = context.stack.answer(&self.query, &bars).await?;
        let plain = expected_from_lake(&self.query, &bars)?;
        let wrong = csv.lines().zip(plain.lines()).find(|(got, right)| got != right);
        ensure!(csv == plain, "exported:\n{csv}computed:\n{plain}first difference: {wrong:?}");
        Ok(csv)
    }
}

/// So many at once keep the server busy; more would only wait.
const AT_ONCE: usize = 4;

/// Puts all cases into the lake, which is then crawled once.
async fn put_all(context: &Context, cases: impl Iterator<Item = &Case>) -> Result<()> {
    stream::iter(cases).map(|case| case.put(context)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    context.stack.crawl().await
}

/// Those that fail the check, and how.
async fn failures<T>(all: &[T], check: impl AsyncFn(&T) -> Result<()>) -> Vec<(&T, Error)> {
    let failure = async |one| Some((one, check(one).await.err()?));
    stream::iter(all).map(failure).buffer_unordered(AT_ONCE).filter_map(future::ready).collect().await
}

async fn reference_days_are_answered_as_written_down(context: Arc<Context>) -> Result<()> {
    let days = reference::days()?;
    put_all(&context, days.iter().map(|day| &day.case)).await?;
    let wrong = failures(&days, async |day| day.check(&context).await).await;
    let text: String = wrong.iter().map(|(day, error)| format!("{}: {error:#}\n", day.title)).collect();
    ensure!(wrong.is_empty(), "{} of {} days are answered wrong:\n{text}", wrong.len(), days.len());
    Ok(())
}

async fn a_second_collection_leaves_the_same_bytes(context: Arc<Context>) -> Result<()> {
    let collected = |run_id: &str, at: &str| {
        let query =
            LakeQuery { trade_date: "2022-03-22".parse()?, interval: Interval::FiveMinutes, run_id: run_id.parse()? };
        let (symbol, name) = ("META".to_owned(), "Meta Platforms".to_owned());
        let collected = Collected { query, at: at.parse()?, zone: TimeZone::get("America/New_York")?, symbol, name };
        anyhow::Ok((collected.rising("09:30".parse()?, "16:00".parse()?)?, collected.query))
    };
    let (first, query) = collected("first", "2022-03-22T21:30:00Z")?;
    let once = Case { query, files: vec![first.clone()] };
    put_all(&context, [&once].into_iter()).await?;
    let bytes = once.check(&context).await?;
    let (second, query) = collected("second", "2022-03-22T21:45:00Z")?;
    let twice = Case { query, files: vec![first, second] };
    twice.put(&context).await?;
    let again = twice.check(&context).await?;
    ensure!(again == bytes, "first\n{bytes}then\n{again}");
    Ok(())
}

/// A bar as far as the answer depends on it; as text they sort by symbol and start.
fn line(bar: &Bar) -> String {
    let Bar { symbol, company_name, high, low, volume, interval, collected_at, run_id, .. } = bar;
    let (ts, high, low) = (bar.ts.datetime(), high.get(), low.get());
    format!("{symbol} {ts} {high} {low} {volume}, {interval} by {run_id} at {collected_at} as {company_name}\n")
}

/// How many lakes, and which: what `PROPTEST_CASES` and `PROPTEST_RNG_SEED` say, else 128 new ones.
fn config() -> Result<Config> {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 128;
    }
    if let RngSeed::Random = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(SystemTime::UNIX_EPOCH.elapsed()?.as_secs());
    }
    Ok(config)
}

async fn any_bars_in_any_files_are_answered_as_computed(context: Arc<Context>) -> Result<()> {
    let config = config()?;
    let repeat = format!("PROPTEST_CASES={} PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    let cases = any::cases(config.cases as usize, &mut TestRunner::new(config))?;
    let mut wrong = Vec::new();
    // The local cloud copies the whole lake for each query, so it is kept small.
    for cases in cases.chunks(32) {
        put_all(&context, cases.iter()).await?;
        wrong.extend(failures(cases, async |case| case.check(&context).await.map(drop)).await);
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
            "{wrong} of {all} lakes with {held} bars are answered wrong; for the same ones set {repeat}. \
             In the smallest {chosen:?} asks of\n{lake}{error:#}"
        );
    }
    Ok(())
}
