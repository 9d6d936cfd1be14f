//! Runs of one day: exported, without a session, failed.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{DEFAULT_COMPANIES, Ended, ExportedRun, count_bars, published_day, verify_csv};
use serde_json::json;
use shared::{
    Interval, hourly_extreme,
    payload::{Reason, RunOutcome, SIMULATED_METADATA},
};

use crate::{Context, trials};

trials![
    the_default_companies_are_exported_and_every_row_is_right,
    a_half_day_ends_at_one,
    a_summer_day_has_summer_hours,
    other_intervals_are_exported,
    the_scheduled_time_selects_the_latest_session,
    a_second_run_exports_the_same_bytes_despite_duplicates,
    the_bars_carry_the_name_and_the_start_of_their_execution,
    each_run_keeps_its_files_and_the_last_one_is_published,
    weekends_and_holidays_have_no_session,
    an_unknown_symbol_is_reported_and_the_others_are_exported,
    a_run_of_unknown_symbols_fails,
    ten_symbols_take_few_records_and_at_most_two_batches,
    invalid_input_is_rejected,
    the_report_shows_the_day,
];

/// Runs the default companies, verifies the export, and returns the CSV.
async fn check(context: &Context, date: &str, interval: Interval) -> Result<String> {
    let run = context.stack.export(&json!({"trade_date": date, "interval": interval})).await?;
    let ExportedRun { bars, symbols, csv, .. } = run;
    verify_csv(&context.stack.market, date.parse()?, interval, &DEFAULT_COMPANIES, &csv).await?;
    ensure!(symbols.failed.is_empty() && symbols.collected.len() == 10, "{symbols:?}");
    let counted = count_bars(&hourly_extreme::read(csv.as_bytes())?);
    ensure!(counted == bars, "{counted} bars in the CSV, {bars} collected");
    Ok(csv)
}

async fn the_default_companies_are_exported_and_every_row_is_right(context: Arc<Context>) -> Result<()> {
    let csv = check(&context, "2026-11-17", Interval::FiveMinutes).await?;
    ensure!(csv.lines().count() == 71, "ten companies have seven hours each:\n{csv}");
    Ok(())
}

async fn a_half_day_ends_at_one(context: Arc<Context>) -> Result<()> {
    let csv = check(&context, "2025-11-28", Interval::FiveMinutes).await?;
    let hours: BTreeSet<_> = hourly_extreme::read(csv.as_bytes())?.iter().map(|row| row.hour).collect();
    ensure!(hours == BTreeSet::from([9, 10, 11, 12]), "{hours:?}");
    Ok(())
}

async fn a_summer_day_has_summer_hours(context: Arc<Context>) -> Result<()> {
    let csv = check(&context, "2026-07-15", Interval::FiveMinutes).await?;
    ensure!(csv.contains("2026-07-15T09:30:00-04:00") || csv.contains(",9,2026-07-15T09:"), "{csv}");
    ensure!(!csv.contains("-05:00"), "{csv}");
    Ok(())
}

async fn other_intervals_are_exported(context: Arc<Context>) -> Result<()> {
    let (minutes, quarters) = tokio::try_join!(
        check(&context, "2026-10-06", Interval::OneMinute),
        check(&context, "2026-10-07", Interval::FifteenMinutes)
    )?;
    ensure!(minutes.lines().count() == 71 && quarters.lines().count() == 71);
    Ok(())
}

/// The latest session that has ended by then: before the open of a Monday that is Friday's, and on a half day its own
/// from its early close on.
async fn the_scheduled_time_selects_the_latest_session(context: Arc<Context>) -> Result<()> {
    for (scheduled, day) in [
        ("2026-11-09T14:00:00Z", "2026-11-06"),
        ("2026-11-10T22:30:00Z", "2026-11-10"),
        ("2025-11-28T18:00:00Z", "2025-11-28"),
    ] {
        let input = json!({"scheduled_time": scheduled, "symbols": ["NFLX"]});
        let ExportedRun { trade_date, .. } = context.stack.export(&input).await.context(scheduled)?;
        ensure!(trade_date == day.parse()?, "{scheduled}: {trade_date}");
    }
    Ok(())
}

async fn a_second_run_exports_the_same_bytes_despite_duplicates(context: Arc<Context>) -> Result<()> {
    let date = "2026-11-12";
    let first = check(&context, date, Interval::FiveMinutes).await?;
    let once = context.stack.lake(date).await?.concat();
    let second = check(&context, date, Interval::FiveMinutes).await?;
    let twice = context.stack.lake(date).await?.concat();
    ensure!(first == second, "the second run exported\n{second}\nafter\n{first}");
    ensure!(!once.is_empty() && twice.len() == 2 * once.len(), "{} bars, then {}", once.len(), twice.len());
    Ok(())
}

async fn each_run_keeps_its_files_and_the_last_one_is_published(context: Arc<Context>) -> Result<()> {
    let (stack, date) = (&context.stack, "2026-11-11".parse()?);
    let day = published_day("days", date)?;
    let mut runs = Vec::new();
    for symbols in [&["META", "SHOP", "SNAP"][..], &["SHOP"]] {
        let companies: Vec<_> = symbols.iter().map(|symbol| (*symbol, *symbol)).collect();
        stack.put_list("days", &companies).await?;
        let run = stack.export(&json!({"trade_date": date, "list": "days"})).await?;
        let rows = hourly_extreme::read(run.csv.as_bytes())?;
        let own = rows.iter().all(|row| symbols.contains(&row.symbol.as_str()));
        ensure!(rows.len() == 7 * symbols.len() && own, "{rows:?}");
        let manifest = stack.published(&day).await?.context("nothing is published")?;
        ensure!(manifest.files.report == run.report, "{manifest:?} and not {}", run.report);
        stack.verify_copies(&day).await?;
        runs.push((manifest, run.csv));
    }
    let [(first, csv), (second, _)] = runs.as_slice() else { bail!("two runs") };
    ensure!(second.replaces(first) && !first.replaces(second), "{first:?}, then {second:?}");
    ensure!(stack.object(&first.files.csv).await? == *csv, "the second run has replaced the first one's CSV");
    Ok(())
}

/// An execution's name alone can be used again after 90 days.
async fn the_bars_carry_the_name_and_the_start_of_their_execution(context: Arc<Context>) -> Result<()> {
    let (stack, date) = (&context.stack, "2026-10-14");
    let (name, ended) = stack.follow(&json!({"trade_date": date, "symbols": ["META"]})).await?;
    ensure!(matches!(ended, Ended::Succeeded(_)), "{ended:?}");
    let ids: BTreeSet<_> = stack.lake(date).await?.concat().into_iter().map(|bar| bar.run_id.to_string()).collect();
    let [id] = &*Vec::from_iter(ids) else { bail!("not one run id") };
    ensure!(
        id.strip_prefix(&name).is_some_and(|start| start.starts_with(".20") && start.ends_with('Z')),
        "{name}: {id}"
    );
    Ok(())
}

async fn weekends_and_holidays_have_no_session(context: Arc<Context>) -> Result<()> {
    for date in ["2026-11-21", "2026-11-22", "2025-11-27", "2026-04-03", "2026-07-03"] {
        match context.stack.succeed(&json!({"trade_date": date})).await? {
            RunOutcome::NoSession { trade_date, symbols, simulated: true } => {
                let symbols = context.stack.outcomes(&symbols).await?;
                ensure!(trade_date == date.parse()? && symbols.collected.is_empty());
                ensure!(symbols.failed.iter().all(|symbol| symbol.reason == Reason::NoSession), "{symbols:?}");
            }
            other => bail!("{date}: {other:?}"),
        }
        ensure!(
            context.stack.lake(date).await?.is_empty()
                && context.stack.keys(&published_day("companies", date.parse()?)?.to_string()).await?.is_empty()
        );
    }
    Ok(())
}

async fn an_unknown_symbol_is_reported_and_the_others_are_exported(context: Arc<Context>) -> Result<()> {
    let symbols = ["META", "SHOP", "BYND", "NFLX", "PINS", "ZZNONE", "TTD", "OKTA", "SNAP", "DDOG"];
    let run = context.stack.export(&json!({"trade_date": "2026-11-16", "symbols": symbols})).await?;
    let ExportedRun { symbols, csv, .. } = run;
    ensure!(csv.lines().count() == 64 && !csv.contains("ZZNONE"), "{csv}");
    let [failed] = symbols.failed.as_slice() else { bail!("{symbols:?}") };
    ensure!(failed.symbol.as_str() == "ZZNONE" && failed.reason == Reason::UnknownSymbol);
    ensure!(failed.detail == "No data found, symbol may be delisted", "{failed:?}");
    Ok(())
}

async fn a_run_of_unknown_symbols_fails(context: Arc<Context>) -> Result<()> {
    let (error, cause) =
        context.stack.fail(&json!({"trade_date": "2026-11-16", "symbols": ["ZZONE", "ZZTWO"]})).await?;
    ensure!(error == "NoBars", "{error}: {cause}");
    ensure!(cause.contains("ZZONE (No data found") && cause.contains("ZZTWO (No data found"), "{cause}");
    Ok(())
}

async fn ten_symbols_take_few_records_and_at_most_two_batches(context: Arc<Context>) -> Result<()> {
    check(&context, "2026-11-05", Interval::FiveMinutes).await?;
    // The local cloud writes an object for each record.
    let records = context.stack.lake("2026-11-05").await?;
    let lines: Vec<_> = records.iter().map(Vec::len).collect();
    ensure!((1..10).contains(&records.len()) && lines.iter().sum::<usize>() > 700, "lines of each record: {lines:?}");
    let group = format!("/aws/lambda/{}", context.stack.cloud.output("CollectFunction")?);
    let mut sent = context.tools.log_messages(&context.stack.cloud, &group, Some("batch sent")).await?;
    sent.retain(|message| message.contains("batch sent") && message.contains("2026-11-05"));
    // One for all ten symbols, and one for those that were requested again because bars were missing.
    ensure!((1..=2).contains(&sent.len()), "{} calls of PutRecordBatch: {sent:?}", sent.len());
    Ok(())
}

async fn invalid_input_is_rejected(context: Arc<Context>) -> Result<()> {
    for (input, expected) in [
        (json!({"trade_date": "2021-13-45"}), "\"2021-13-45\" is not a trade date"),
        (json!({"trade_date": "2999-01-04"}), "lies in the future"),
        (json!({"symbols": []}), "the list of symbols is empty"),
        (json!({"symbols": ["../x"]}), "\"../x\" is not a symbol"),
        (json!({"interval": "7m"}), "\"7m\" is not an interval"),
        (json!({"date": "2026-11-20"}), "unknown field `date`"),
        (json!({"symbols": 5}), "expected a sequence"),
    ] {
        let (error, cause) = context.stack.fail(&input).await?;
        ensure!(error == "InvalidInput" && cause.contains(expected), "{input}: {error}: {cause}");
    }
    Ok(())
}

async fn the_report_shows_the_day(context: Arc<Context>) -> Result<()> {
    let input = json!({"trade_date": "2026-11-13", "symbols": ["META", "ZZNONE"]});
    let ExportedRun { report, .. } = context.stack.export(&input).await?;
    ensure!(context.stack.metadata(&report).await?.get(SIMULATED_METADATA).is_some_and(|it| it == "true"), "{report}");
    let report = context.stack.object(&report).await?;
    for text in ["2026-11-13", "Meta Platforms", "ZZNONE", "No data found, symbol may be delisted", "<svg"] {
        ensure!(report.contains(text), "the report lacks {text:?}");
    }
    ensure!(report.to_lowercase().contains("simulated"), "the report does not say that prices are simulated");
    Ok(())
}
