//! Sixty executions at once: fifty of different days and ten of one.
//!
//! On a stack of its own, so that their time and the memory of `collect` can be told.

use std::{fs, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::{TryStreamExt, stream::FuturesUnordered};
use harness::{Stack, expected_csv};
use jiff::{ToSpan, civil::date};
use local::market::calendar;
use serde_json::json;
use shared::{Interval, TradeDate, payload::RunOutcome};

use crate::{Context, days::COMPANIES, trials};

trials![sixty_executions_at_once_all_end_right];

const DAYS: usize = 50;
const SAME_DAY: usize = 10;

async fn sixty_executions_at_once_all_end_right(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.programs).await?;
    let trading = date(2022, 3, 1).series(1.day()).filter(|day| calendar::session(*day).is_some());
    let mut dates: Vec<TradeDate> = trading.take(DAYS + 1).map(TradeDate::from).collect();
    let same = dates.pop().context("no days")?;
    dates.extend([same; SAME_DAY]);
    let begun = Instant::now();
    dates.iter().map(|date| export(&stack, *date)).collect::<FuturesUnordered<_>>().try_collect::<()>().await?;
    let took = begun.elapsed().as_secs_f64();
    // What the bucket holds in the end is what each run was answered.
    dates.dedup();
    for date in &dates {
        let csv = format!("s3://{}/exports/trade_date={date}/hourly_extremes.csv", stack.cloud.output("DataBucket")?);
        right(&stack, *date, &stack.object(&csv).await?).await?;
    }
    let (processes, peak) = peak_memory(&stack)?;
    println!(
        "{} executions at once took {took:.0} s; collect: {processes} processes, at most {:.1} MB each",
        DAYS + SAME_DAY,
        peak as f64 / 1024.0
    );
    ensure!(peak < 100 * 1024, "collect took {peak} KiB");
    Ok(())
}

async fn export(stack: &Stack, date: TradeDate) -> Result<()> {
    match stack.succeed(&json!({"trade_date": date})).await? {
        RunOutcome::Exported { csv, symbols, .. } => {
            ensure!(symbols.collected.len() == 10, "{symbols:?}");
            right(stack, date, &stack.object(&csv).await?).await
        }
        other => bail!("{date}: {other:?}"),
    }
}

async fn right(stack: &Stack, date: TradeDate, csv: &str) -> Result<()> {
    let expected = expected_csv(&stack.market, date, Interval::FiveMinutes, &COMPANIES).await?;
    ensure!(csv == expected, "{date}\ngot:\n{csv}\nexpected:\n{expected}");
    Ok(())
}

/// The processes of `collect` that this stack started, and the most memory that one of them has held, in KiB.
fn peak_memory(stack: &Stack) -> Result<(usize, u64)> {
    let (mut processes, mut peak) = (0, 0);
    for process in fs::read_dir("/proc")?.flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        let is_ours = environment
            .contains(&format!("AWS_LAMBDA_FUNCTION_NAME={}\0", stack.cloud.output("CollectFunction")?))
            && environment.contains(stack.market.url.as_str());
        if let Some(held) = is_ours.then(|| high_water(&process.path().join("status"))).flatten() {
            processes += 1;
            peak = peak.max(held);
        }
    }
    ensure!(processes > 0, "no process of collect was found");
    Ok((processes, peak))
}

fn high_water(status: &std::path::Path) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
