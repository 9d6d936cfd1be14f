//! Sixty executions at once: fifty of different days and ten of one day.
//!
//! On a stack of its own, so that their time and the memory of `collect` can be measured.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{TryStreamExt, stream::FuturesUnordered};
use harness::{DEFAULT_COMPANIES, Stack, peak_memory, published_day, trading_days, verify_csv};
use jiff::civil::date;
use serde_json::json;
use shared::{Interval, TradeDate};

use crate::{Context, trials};

trials![sixty_executions_at_once_export_the_right_csv];

const DAYS: usize = 50;
const SAME_DAY: usize = 10;

async fn sixty_executions_at_once_export_the_right_csv(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let mut dates: Vec<TradeDate> = trading_days(date(2022, 3, 1)).take(DAYS + 1).collect();
    let same = dates.pop().context("no days")?;
    dates.extend([same; SAME_DAY]);
    let begun = Instant::now();
    dates.iter().map(|date| export(&stack, *date)).collect::<FuturesUnordered<_>>().try_collect::<()>().await?;
    let took = begun.elapsed().as_secs_f64();
    // What is published in the end is right, too, also where ten runs published the same day.
    dates.dedup();
    for date in &dates {
        let day = published_day("companies", *date)?;
        let csv = stack.published_csv(&day).await?.with_context(|| format!("no CSV is published for {date}"))?;
        verify_csv(&stack.market, *date, Interval::FiveMinutes, &DEFAULT_COMPANIES, &csv).await?;
        stack.verify_copies(&day).await?;
    }
    let memory = peak_memory(&stack.cloud, stack.cloud.output("CollectFunction")?)?;
    let peak = memory.iter().copied().max().context("no process of collect was found")?;
    println!(
        "{} executions at once took {took:.0} s; collect: {} processes, at most {:.1} MB each",
        DAYS + SAME_DAY,
        memory.len(),
        peak as f64 / 1024.0
    );
    ensure!(peak < 100 * 1024, "collect used {peak} KiB");
    Ok(())
}

async fn export(stack: &Stack, date: TradeDate) -> Result<()> {
    let run = stack.export(&json!({"trade_date": date})).await?;
    ensure!(run.symbols.collected.len() == 10, "{:?}", run.symbols);
    verify_csv(&stack.market, date, Interval::FiveMinutes, &DEFAULT_COMPANIES, &run.csv).await
}
