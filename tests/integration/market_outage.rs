//! A market that blocks this client, has no data, or takes longer than an invocation may last: which requests are made,
//! and how the run ends.
//!
//! On a stack of its own, since the faults affect every symbol of its market.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{DEFAULT_COMPANIES, Stack, poll, verify_csv};
use market_sim::{Fault, FaultDuration, FaultRule, LoggedRequest};
use serde_json::json;
use shared::{Interval, payload::SymbolOutcomes};

use crate::{Context, trials};

trials![market_outages_are_waited_out_or_reported];

/// One after another, since they all use the same market.
async fn market_outages_are_waited_out_or_reported(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    blocks_from_the_start(&stack).await.context("a market that blocks for the first minutes")?;
    blocks_half_way(&stack).await.context("a market that blocks half-way")?;
    has_no_data(&stack).await.context("a market that has no data")?;
    runs_out_of_time(&context, &stack).await.context("a market that is queried more slowly than a function may run")
}

/// Waits last a hundredth of those on AWS, so eight seconds stand for the first thirteen minutes, in which the waits of
/// 5 and 15 minutes begin.
async fn blocks_from_the_start(stack: &Stack) -> Result<()> {
    block(stack, 8);
    let blocked = count_blocked(&run_is_exported(stack, "2026-09-15").await?);
    ensure!((2..=3).contains(&blocked), "one request after each wait is enough: {blocked} were blocked");
    Ok(())
}

/// The symbols that have their bars already are not requested again. At four requests a second the block begins well before
/// the last of them, however busy this machine is.
async fn blocks_half_way(stack: &Stack) -> Result<()> {
    let paced = [("MARKET_BURST", "1"), ("MARKET_REQUESTS_PER_SECOND", "4")];
    stack.configure("CollectFunction", &paced, None).await?;
    let before = stack.market.handle.requests().len();
    let block_after_four = async {
        let requests = async || Ok((stack.market.handle.requests().len() >= before + 4).then_some(()));
        poll("four requests", Duration::from_millis(1), requests).await?;
        block(stack, 2);
        Ok(())
    };
    let ((), requests) = tokio::try_join!(block_after_four, run_is_exported(stack, "2026-09-16"))?;
    let blocked = count_blocked(&requests);
    ensure!(
        (1..=3).contains(&blocked),
        "at most two requests are in flight, and the reference symbol is one: {blocked} were blocked"
    );
    Ok(())
}

/// Every symbol is unknown, even the one that always trades: that is an outage, not ten delistings.
async fn has_no_data(stack: &Stack) -> Result<()> {
    stack.market.handle.inject(FaultRule { symbol: None, fault: Fault::NotFound, duration: FaultDuration::Always });
    let failed = stack.fail(&json!({"trade_date": "2026-09-17"})).await;
    stack.market.handle.clear(None);
    let (error, cause) = failed?;
    ensure!(error == "MarketUnavailable" && cause.contains("No data found"), "{error}: {cause}");
    Ok(())
}

/// With a timeout of four seconds and two requests a second the ten symbols take several invocations.
async fn runs_out_of_time(context: &Context, stack: &Stack) -> Result<()> {
    let function = stack.cloud.output("CollectFunction")?;
    let slow = [("MARKET_BURST", "1"), ("MARKET_REQUESTS_PER_SECOND", "2")];
    stack.configure("CollectFunction", &slow, Some(4)).await?;
    run_is_exported(stack, "2026-09-18").await?;
    let group = format!("/aws/lambda/{function}");
    let log = context.tools.log_messages(&stack.cloud, &group, Some("OutOfTime")).await?;
    ensure!(log.iter().any(|message| message.contains("2026-09-18")), "no invocation ran out of time: {log:?}");
    Ok(())
}

/// Blocks every request from now on.
fn block(stack: &Stack, seconds: u64) {
    let duration = FaultDuration::For(Duration::from_secs(seconds));
    stack.market.handle.inject(FaultRule { symbol: None, fault: Fault::TooManyRequests, duration });
}

fn count_blocked(requests: &[LoggedRequest]) -> usize {
    requests.iter().filter(|request| request.status == 429).count()
}

/// A run of the default companies exports all of them, and its output has the right number of attempts. Returns the
/// requests that it made.
async fn run_is_exported(stack: &Stack, date: &str) -> Result<Vec<LoggedRequest>> {
    let before = stack.market.handle.requests().len();
    let run = stack.export(&json!({"trade_date": date})).await?;
    let requests = stack.market.handle.requests().split_off(before);
    attempts_are_as_reported(&requests, &run.symbols)?;
    verify_csv(&stack.market, date.parse()?, Interval::FiveMinutes, &DEFAULT_COMPANIES, &run.csv).await?;
    Ok(requests)
}

/// The market replied for each symbol as often as the output reports: once, or twice where bars were missing; and once for
/// the reference symbol after each block that it ended.
fn attempts_are_as_reported(requests: &[LoggedRequest], symbols: &SymbolOutcomes) -> Result<()> {
    ensure!(symbols.failed.is_empty() && symbols.collected.len() == 10, "{symbols:?}");
    for collected in &symbols.collected {
        let of_symbol = |request: &&LoggedRequest| request.symbol == collected.symbol.as_str() && request.status == 200;
        let replies = requests.iter().filter(of_symbol).count();
        let expected = if collected.is_short() { 2 } else { 1 };
        ensure!(replies == collected.attempts as usize && replies == expected, "{replies} replies: {collected:?}");
    }
    let replies = requests.iter().filter(|request| request.status == 200 && request.symbol != "SPY").count();
    let reported: u32 = symbols.collected.iter().map(|collected| collected.attempts).sum();
    ensure!(replies == reported as usize, "{replies} replies, and the output reports {reported}");
    let of_reference = requests.iter().filter(|request| request.status == 200 && request.symbol == "SPY").count();
    ensure!(of_reference <= 1, "the reference symbol was answered {of_reference} times");
    Ok(())
}
