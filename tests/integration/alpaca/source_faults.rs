//! Faults that befall every request for a while: the run waits, requests again, and has every bar in the end.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, trading_days};
use jiff::civil::date;
use market_sim::FaultRule;
use shared::Interval;

use super::{input, verify};
use crate::Context;

/// Fault rules, of a symbol where only requests for bars can have the fault. Seconds are a hundredth of minutes on AWS.
const PASSING: [&str; 11] = [
    "*=too-many-requests:2",
    "*=too-many-requests:4s",
    "*=too-many-requests-bare:1",
    "*=internal-error:2",
    "*=unavailable:4s",
    "*=reset:2",
    "META=stalled:1",
    "META=not-json:1",
    "META=null-bars:1",
    "META=repeated-token:1",
    "*=short-pages",
];

/// One after another, since they all use the same market.
pub async fn faults_of_the_whole_source_are_waited_out_or_reported(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("Source", "alpaca")]).await?;
    let mut days = trading_days(date(2024, 9, 3));
    for (rule, day) in PASSING.into_iter().zip(&mut days) {
        let rule: FaultRule = rule.parse()?;
        stack.market.handle.inject(rule.clone());
        let run = stack.export(&input(day, Interval::FiveMinutes)).await.with_context(|| rule.to_string())?;
        stack.market.handle.clear(rule.symbol.as_ref());
        verify(&stack, &run, Interval::FiveMinutes).await.with_context(|| rule.to_string())?;
    }
    // No wait mends a plan that does not permit a request: the run says so in the end.
    stack.market.handle.inject("META=too-recent".parse()?);
    let day = days.next().context("no further day")?;
    let (error, cause) = stack.fail(&input(day, Interval::FiveMinutes)).await?;
    let expected = "subscription does not permit querying recent SIP data";
    ensure!(error == "MarketUnavailable" && cause.contains(expected), "{error}: {cause}");
    Ok(())
}
