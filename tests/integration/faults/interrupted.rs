//! Functions that do not live to hear the answer to a call: killed, cut off, or out of time. Each
//! call has arrived and done its work by then; the run is to end with the right export all the same.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Call, CallFault, CallFaultRule, ProxiedStack, expected_from_market, kill_function, trading_days};
use jiff::civil::date;
use market_sim::FaultDuration;
use serde_json::json;
use shared::{Interval, TradeDate, payload::RunOutcome};

use crate::{Context, trials};

trials![functions_that_do_not_hear_the_answer];

const CALLS: [Call; 7] = [
    Call::Chart,
    Call::PutRecordBatch,
    Call::StartCrawler,
    Call::StartQueryExecution,
    Call::GetResult,
    Call::PutReport,
    Call::PutCsv,
];
const COMPANIES: [(&str, &str); 2] = [("Meta Platforms", "META"), ("Netflix", "NFLX")];

/// What keeps a function from the answer.
#[derive(Debug, Clone, Copy)]
enum Interruption {
    /// `kill -9`.
    Killed,
    /// Its connections are closed.
    CutOff,
    /// Nothing but its own timeout.
    TimedOut,
}

/// On a stack of its own, one after another: an interruption is for every run.
async fn functions_that_do_not_hear_the_answer(context: Arc<Context>) -> Result<()> {
    use Interruption as I;
    let proxied = ProxiedStack::up(&context.tools).await?;
    let mut days = trading_days(date(2022, 1, 3));
    let mut day = || days.next().context("no more days");
    for (call, how) in CALLS.into_iter().flat_map(|call| [(call, I::Killed), (call, I::CutOff)]) {
        interrupted(&proxied, call, how, day()?).await.with_context(|| format!("{call}, {how:?}"))?;
    }
    for output in ["StartCrawlerFunction", "RunQueryFunction", "ExportCsvFunction"] {
        proxied.stack.configure(output, &[], Some(2)).await?;
    }
    // `collect` has minutes, and keeps half a minute for Firehose.
    for call in CALLS.into_iter().filter(|call| call.function() != "CollectFunction") {
        interrupted(&proxied, call, I::TimedOut, day()?).await.with_context(|| format!("{call} timed out"))?;
    }
    Ok(())
}

async fn interrupted(proxied: &ProxiedStack, call: Call, how: Interruption, date: TradeDate) -> Result<()> {
    let (begun, ProxiedStack { stack, proxy }) = (Instant::now(), proxied);
    proxy.set(CallFaultRule { call, date: None, fault: CallFault::Hang, duration: FaultDuration::Times(1) });
    let input = json!({"trade_date": date, "symbols": COMPANIES.map(|(_, symbol)| symbol)});
    let (outcome, ()) = tokio::try_join!(stack.succeed(&input), interrupt(proxied, call, how))?;
    let calls = proxy.end(call, None);
    ensure!(calls > 1, "the call was not made again");
    let RunOutcome::Exported { csv, .. } = outcome else { bail!("{outcome:?}") };
    let csv = stack.object(&csv).await?;
    let expected = expected_from_market(&stack.market, date, Interval::FiveMinutes, &COMPANIES).await?;
    ensure!(csv == expected, "got:\n{csv}\nexpected:\n{expected}");
    println!("{call:<27} {how:<9?} exported, {calls} calls, {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// Waits until the call has come, and takes the answer away.
async fn interrupt(proxied: &ProxiedStack, call: Call, how: Interruption) -> Result<()> {
    let ProxiedStack { stack, proxy } = proxied;
    while proxy.met(call, None) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The proxy passes the call on before it hangs.
    tokio::time::sleep(Duration::from_millis(200)).await;
    match how {
        Interruption::Killed => {
            let killed = kill_function(&stack.cloud, stack.cloud.output(call.function())?)?;
            ensure!(killed > 0, "there was nothing to kill");
        }
        Interruption::CutOff => proxy.cut(),
        Interruption::TimedOut => {}
    }
    Ok(())
}
