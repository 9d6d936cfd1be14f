//! A market that refuses this client, or is not there at all: what is asked, and what comes of it.
//!
//! On a stack of its own, whose market these tests shut for everybody.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::Stack;
use market_sim::{Fault, FaultDuration, FaultRule, LoggedRequest};
use serde_json::json;
use shared::{Interval, payload::SymbolOutcomes};

use crate::{
    Context,
    days::{exported, right},
    trials,
};

trials![a_market_that_does_not_answer];

/// One after another, since each shuts the same market.
async fn a_market_that_does_not_answer(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    refuses_from_the_start(&stack).await.context("a market that refuses for the first minutes")?;
    refuses_half_way(&stack).await.context("a market that refuses half-way")?;
    is_silent(&stack).await.context("a market that has lost its data")?;
    runs_out_of_time(&context, &stack).await.context("a market that is queried more slowly than a function may run")
}

/// Waits last a hundredth here, so eight seconds are the first thirteen minutes: the waits of 5 and 15 minutes.
async fn refuses_from_the_start(stack: &Stack) -> Result<()> {
    let before = stack.market.handle.requests().len();
    refuse(stack, 8);
    let (symbols, csv) = run(stack, "2026-09-15").await?;
    let requests = stack.market.handle.requests().split_off(before);
    let refused = requests.iter().filter(|request| request.status == 429).count();
    ensure!((2..=3).contains(&refused), "one request a wait is enough to know: {refused} were refused");
    queried_once_each(&requests, &symbols)?;
    right(stack, "2026-09-15".parse()?, Interval::FiveMinutes, &csv).await
}

/// Some symbols have their bars already, and are not asked for again.
async fn refuses_half_way(stack: &Stack) -> Result<()> {
    let before = stack.market.handle.requests().len();
    let shut = async {
        while stack.market.handle.requests().len() < before + 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        refuse(stack, 2);
        anyhow::Ok(())
    };
    let ((), (symbols, csv)) = tokio::try_join!(shut, run(stack, "2026-09-16"))?;
    let requests = stack.market.handle.requests().split_off(before);
    let refused = requests.iter().filter(|request| request.status == 429).count();
    ensure!((1..=2).contains(&refused), "no more than were under way: {refused} were refused");
    queried_once_each(&requests, &symbols)?;
    right(stack, "2026-09-16".parse()?, Interval::FiveMinutes, &csv).await
}

/// Every symbol is unknown, even the one that always trades: that is an outage, not ten delistings.
async fn is_silent(stack: &Stack) -> Result<()> {
    stack.market.handle.inject(FaultRule { symbol: None, fault: Fault::NotFound, duration: FaultDuration::Always });
    let failed = stack.fail(&json!({"trade_date": "2026-09-17"})).await;
    stack.market.handle.clear(None);
    let (error, cause) = failed?;
    ensure!(error == "MarketUnavailable" && cause.contains("No data found"), "{error}: {cause}");
    Ok(())
}

/// With three seconds to ask in and two requests a second the ten symbols take several invocations.
async fn runs_out_of_time(context: &Context, stack: &Stack) -> Result<()> {
    let function = stack.cloud.output("CollectFunction")?;
    let slow = [("MARKET_BURST", "1"), ("MARKET_REQUESTS_PER_SECOND", "2")];
    stack.configure("CollectFunction", &slow, Some(4)).await?;
    let before = stack.market.handle.requests().len();
    let (symbols, csv) = run(stack, "2026-09-18").await?;
    queried_once_each(&stack.market.handle.requests().split_off(before), &symbols)?;
    let log = [
        "logs",
        "filter-log-events",
        "--log-group-name",
        &format!("/aws/lambda/{function}"),
        "--filter-pattern",
        "OutOfTime",
    ];
    let log = context.tools.aws(&stack.cloud, &log).await?;
    ensure!(log.contains("2026-09-18"), "no invocation ran out of time");
    right(stack, "2026-09-18".parse()?, Interval::FiveMinutes, &csv).await
}

fn refuse(stack: &Stack, seconds: u64) {
    let duration = FaultDuration::For(Duration::from_secs(seconds));
    stack.market.handle.inject(FaultRule { symbol: None, fault: Fault::TooManyRequests, duration });
}

async fn run(stack: &Stack, date: &str) -> Result<(SymbolOutcomes, String)> {
    let (_, symbols, csv, _) = exported(stack.succeed(&json!({"trade_date": date})).await?)?;
    Ok((symbols, stack.object(&csv).await?))
}

/// Each symbol was answered as often as the output says: once, or twice where bars were missing.
fn queried_once_each(requests: &[LoggedRequest], symbols: &SymbolOutcomes) -> Result<()> {
    ensure!(symbols.failed.is_empty() && symbols.collected.len() == 10, "{symbols:?}");
    for collected in &symbols.collected {
        let answers =
            requests.iter().filter(|request| request.symbol == collected.symbol.as_str() && request.status == 200);
        let answers = answers.count();
        let most = if collected.is_short() { 2 } else { 1 };
        ensure!(answers == collected.attempts as usize && answers == most, "{answers} answers: {collected:?}");
    }
    let answered = requests.iter().filter(|request| request.status == 200).count();
    let said: u32 = symbols.collected.iter().map(|collected| collected.attempts).sum();
    ensure!(answered == said as usize, "{answered} answers, and the output says {said}");
    Ok(())
}
