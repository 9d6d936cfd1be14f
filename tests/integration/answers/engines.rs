//! The queries on a real Trino, where `FINSTREAM_TRINO` is set, beside DuckDB, which the local cloud runs Athena's
//! queries on: the same SQL with the same parameters, of the same objects and partitions. tests/trino/README.md says how.

use std::{fmt, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use harness::{AthenaQuery, LakeExport, LakeQuery, Trino, expected_day_bars, expected_from_lake};
use jiff::civil::date;
use libtest_mimic::Trial;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use shared::{Bar, Interval, S3Uri, TradeDate};
use tokio::runtime::Handle;

use super::{CONCURRENCY, Case, DayBar, config, generated, put_all, reference};
use crate::{Context, trial};

/// Ignored where Trino is not wanted, so that the output of the tests says so.
pub fn trials(runtime: &Handle, context: &Arc<Context>) -> Vec<Trial> {
    let name = concat!(module_path!(), "::trino_duckdb_and_the_computed_csv_agree");
    vec![trial(name, runtime, context, all_agree).with_ignored_flag(!Trino::is_wanted())]
}

/// Numbers of rows.
#[derive(Debug, Default, Clone, Copy)]
struct Rows {
    trino: usize,
    duckdb: usize,
    computed: usize,
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows on Trino, {} on DuckDB, {} computed", self.trino, self.duckdb, self.computed)
    }
}

async fn all_agree(context: Arc<Context>) -> Result<()> {
    let trino = Trino::start(&context.tools, &context.stack.cloud).await?;
    let days: Vec<_> = reference::days()?.into_iter().map(|day| day.case).collect();
    put_all(&context, days.iter()).await?;
    let of_days = compare_all(&context, &trino, &days).await?;

    let config = config(32)?;
    let repeat = format!("PROPTEST_CASES={} PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    // No other test has these dates.
    let lakes = generated::cases(date(1980, 1, 1), config.cases as usize, &mut TestRunner::new(config))?;
    let (mut of_lakes, mut covered) = (Rows::default(), 0);
    for lakes in lakes.chunks(32) {
        for lake in lakes {
            lake.put_malformed(&context).await?;
        }
        put_all(&context, lakes.iter()).await?;
        of_lakes = of_lakes.plus(compare_all(&context, &trino, lakes).await.context(repeat.clone())?);
        covered += compare_coverage(&context, &trino, lakes).await.context(repeat.clone())?;
        for lake in lakes {
            context.stack.remove_bars(lake.query.trade_date).await?;
        }
    }
    println!(
        "the same bytes, {}: {of_days} for {} reference days; {of_lakes} for {} generated lakes ({repeat}); \
         {covered} rows of coverage.sql on Trino and on DuckDB",
        trino.version().await?,
        days.len(),
        lakes.len(),
    );
    Ok(())
}

impl Rows {
    fn plus(self, other: Self) -> Self {
        Self {
            trino: self.trino + other.trino,
            duckdb: self.duckdb + other.duckdb,
            computed: self.computed + other.computed,
        }
    }
}

/// Compares the exports of each case.
async fn compare_all(context: &Context, trino: &Trino, cases: &[Case]) -> Result<Rows> {
    let compared = stream::iter(cases).map(|case| compare(context, trino, case)).buffer_unordered(CONCURRENCY);
    compared.try_fold(Rows::default(), async |sum, rows| Ok(sum.plus(rows))).await
}

/// Compares what is exported of Trino's rows with what is of DuckDB's and with what is computed, byte for byte.
async fn compare(context: &Context, trino: &Trino, Case { query, files }: &Case) -> Result<Rows> {
    let bars = files.concat();
    let computed = expected_from_lake(query, &bars)?;
    let executed = context.stack.run_query(query).await?;
    let on_duckdb = context.stack.export_result(query, &bars, &executed.result).await?;
    let AthenaQuery { sql, parameters, result } = executed;
    let rows = trino.query(&sql, &parameters).await.with_context(|| format!("{query:?} on Trino"))?;
    // Beside DuckDB's, where export-csv may read.
    let result = S3Uri::new(result.bucket, result.key + "-trino.csv");
    context.stack.put_object(&result, rows.athena_csv()).await?;
    let on_trino = context.stack.export_result(query, &bars, &result).await?;
    ensure!(
        on_trino == computed && on_duckdb == computed,
        "{query:?}\non Trino: {on_trino:#?}\non DuckDB: {on_duckdb:#?}\ncomputed: {computed:#?}"
    );
    let plan = trino.explain_io(&sql, &parameters).await?;
    ensure!(reads_only(&plan, query.trade_date), "more than {} is read: {plan}", query.trade_date);
    let scans = trino.count_scans(&sql, &parameters).await?;
    ensure!(scans == 2, "the day is read {scans} times");
    compare_day_bars(context, trino, query, &bars).await?;
    compare_saved(context, trino, query).await?;
    let count = |export: &LakeExport| export.csv.lines().count() - 1;
    Ok(Rows { trino: count(&on_trino), duckdb: count(&on_duckdb), computed: count(&computed) })
}

/// Compares the results of `day_bars.sql` with the bars that are computed.
async fn compare_day_bars(context: &Context, trino: &Trino, query: &LakeQuery, bars: &[Bar]) -> Result<()> {
    let executed = context.stack.query_day_bars(query.trade_date, query.interval).await?;
    let AthenaQuery { sql, parameters, result } = executed;
    let computed = expected_day_bars(bars, query.trade_date, query.interval);
    for (engine, result) in [
        ("DuckDB", context.stack.object(&result).await?),
        ("Trino", trino.query(&sql, &parameters).await?.athena_csv()),
    ] {
        let found = DayBar::lines(&result)?;
        let difference = found.iter().zip(&computed).find(|(found, computed)| found != computed);
        ensure!(found == computed, "the first difference of day_bars.sql on {engine}: {difference:?}");
    }
    let scans = trino.count_scans(&sql, &parameters).await?;
    ensure!(scans == 1, "the day is read {scans} times");
    Ok(())
}

/// Whether each table that the plan reads is restricted to the partition of `date`.
fn reads_only(plan: &Value, date: TradeDate) -> bool {
    let bound = json!({"value": date.to_string(), "bound": "EXACTLY"});
    let partition = json!({"nullsAllowed": false, "ranges": [{"low": bound, "high": bound}]});
    let restricted = |table: &Value| {
        let columns = table.pointer("/constraint/columnConstraints").and_then(Value::as_array);
        columns.is_some_and(|columns| {
            columns.iter().any(|column| column["columnName"] == "trade_date" && column["domain"] == partition)
        })
    };
    let tables = plan["inputTableColumnInfos"].as_array();
    tables.is_some_and(|tables| !tables.is_empty() && tables.iter().all(restricted))
}

/// Compares the results of `coverage.sql` over all dates of the cases, byte for byte; returns the number of rows.
async fn compare_coverage(context: &Context, trino: &Trino, cases: &[Case]) -> Result<usize> {
    let dates = || cases.iter().map(|case| case.query.trade_date);
    let (first, last) = (dates().min().context("no case")?, dates().max().context("no case")?);
    let AthenaQuery { sql, parameters, result } =
        context.stack.query_coverage(first, last, Interval::FiveMinutes).await?;
    let on_duckdb = context.stack.object(&result).await?;
    let rows = trino.query(&sql, &parameters).await?;
    let scans = trino.count_scans(&sql, &parameters).await?;
    ensure!(scans == 1, "the days are read {scans} times");
    let on_trino = rows.athena_csv();
    let difference = on_trino.lines().zip(on_duckdb.lines()).find(|(trino, duckdb)| trino != duckdb);
    ensure!(on_trino == on_duckdb, "the first difference of coverage.sql on Trino and on DuckDB: {difference:?}");
    Ok(rows.rows.len())
}

/// Compares the results of the saved queries that have no test of their own here: the same rows on Trino and on DuckDB.
async fn compare_saved(context: &Context, trino: &Trino, query: &LakeQuery) -> Result<()> {
    let (date, interval) = (query.trade_date.to_string(), query.interval.to_string());
    let of_day = [date.clone(), interval.clone(), "*".to_owned()];
    let of_symbols = [date.clone(), interval.clone(), "META,SHOP".to_owned()];
    let of_range = [date.clone(), date, interval];
    for (name, sql, parameters) in [
        ("hourly_extremes_so_far", include_str!("../../../sql/hourly_extremes_so_far.sql"), &of_day),
        ("latest_bars", include_str!("../../../sql/latest_bars.sql"), &of_symbols),
        ("movers", include_str!("../../../sql/movers.sql"), &of_day),
        ("restatements", include_str!("../../../sql/restatements.sql"), &of_range),
    ] {
        let AthenaQuery { parameters, result, .. } = context.stack.query_athena(sql, parameters).await?;
        let on_duckdb = context.stack.object(&result).await?;
        let on_trino = trino.query(sql, &parameters).await.with_context(|| name.to_owned())?.athena_csv();
        ensure!(
            rounded(&on_trino)? == rounded(&on_duckdb)?,
            "{query:?}, {name}.sql on Trino:\n{on_trino}on DuckDB:\n{on_duckdb}"
        );
        let scans = trino.count_scans(sql, &parameters).await?;
        ensure!(scans == 1, "{name}.sql reads the day {scans} times");
    }
    Ok(())
}

/// The values of a CSV, numbers with nine digits: an average depends on the order of what it is made of.
fn rounded(csv: &str) -> Result<Vec<Vec<String>>> {
    let value = |value: &str| value.parse().map_or_else(|_| value.to_owned(), |number: f64| format!("{number:.9e}"));
    let rows = csv::Reader::from_reader(csv.as_bytes()).into_records();
    rows.map(|row| Ok(row?.iter().map(value).collect())).collect()
}
