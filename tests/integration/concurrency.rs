//! Sixty executions at once: fifty of different days and ten of one.
//!
//! On a stack of its own, so that their time and the memory of `collect` can be told.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{TryStreamExt, stream::FuturesUnordered};
use harness::{Stack, peak_memory, trading_days};
use jiff::civil::date;
use serde_json::json;
use shared::{Interval, TradeDate};

use crate::{
    Context,
    days::{exported, right},
    trials,
};

trials![sixty_executions_at_once_all_end_right];

const DAYS: usize = 50;
const SAME_DAY: usize = 10;

async fn sixty_executions_at_once_all_end_right(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let mut dates: Vec<TradeDate> = trading_days(date(2022, 3, 1)).take(DAYS + 1).collect();
    let same = dates.pop().context("no days")?;
    dates.extend([same; SAME_DAY]);
    let begun = Instant::now();
    dates.iter().map(|date| export(&stack, *date)).collect::<FuturesUnordered<_>>().try_collect::<()>().await?;
    let took = begun.elapsed().as_secs_f64();
    // What the bucket holds in the end is what each run was answered.
    dates.dedup();
    for date in &dates {
        let csv = stack.object(&stack.published_csv(*date)?).await?;
        right(&stack, *date, Interval::FiveMinutes, &csv).await?;
    }
    let memory = peak_memory(&stack.cloud, stack.cloud.output("CollectFunction")?)?;
    let peak = memory.iter().copied().max().context("no process of collect was found")?;
    println!(
        "{} executions at once took {took:.0} s; collect: {} processes, at most {:.1} MB each",
        DAYS + SAME_DAY,
        memory.len(),
        peak as f64 / 1024.0
    );
    ensure!(peak < 100 * 1024, "collect took {peak} KiB");
    Ok(())
}

async fn export(stack: &Stack, date: TradeDate) -> Result<()> {
    let (_, symbols, csv, _) = exported(stack.succeed(&json!({"trade_date": date})).await?)?;
    ensure!(symbols.collected.len() == 10, "{symbols:?}");
    right(stack, date, Interval::FiveMinutes, &stack.object(&csv).await?).await
}
