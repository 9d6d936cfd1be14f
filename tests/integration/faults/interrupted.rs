//! Functions that end before they receive the reply to a call: killed, disconnected, or timed out. The call has taken
//! effect by then; the run must still end with the right export.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use harness::{
    Call, CallFault, CallFaultRule, ProxiedStack, kill_function, poll, published_day, trading_days, verify_csv,
};
use jiff::civil::date;
use market_sim::FaultDuration;
use serde_json::json;
use shared::{Interval, TradeDate};

use crate::{Context, trials};

trials![interrupted_functions_are_retried];

const COMPANIES: [(&str, &str); 2] = [("Meta Platforms", "META"), ("Netflix", "NFLX")];

/// What keeps a function from receiving the reply.
#[derive(Debug, Clone, Copy)]
enum Interruption {
    /// It is killed with SIGKILL.
    Killed,
    /// Its connections are closed.
    Disconnected,
    /// It waits for the reply until its own timeout.
    TimedOut,
}

/// One after another on a stack of its own, since an interruption affects every run.
async fn interrupted_functions_are_retried(context: Arc<Context>) -> Result<()> {
    use Interruption as I;
    let proxied = ProxiedStack::up(&context.tools).await?;
    proxied.stack.put_list("interrupted", &COMPANIES).await?;
    let mut days = trading_days(date(2022, 1, 3));
    let mut day = || days.next().context("no more days");
    for (call, how) in Call::ALL.into_iter().flat_map(|call| [(call, I::Killed), (call, I::Disconnected)]) {
        run_interrupted(&proxied, call, how, day()?).await.with_context(|| format!("{call}, {how:?}"))?;
    }
    for output in ["StartCrawlerFunction", "RunQueryFunction", "ExportCsvFunction"] {
        proxied.stack.configure(output, &[], Some(2)).await?;
    }
    // Not `collect`: its time limit is minutes, of which it reserves half a minute for Firehose.
    for call in Call::ALL.into_iter().filter(|call| call.function() != "CollectFunction") {
        run_interrupted(&proxied, call, I::TimedOut, day()?).await.with_context(|| format!("{call} timed out"))?;
    }
    Ok(())
}

async fn run_interrupted(proxied: &ProxiedStack, call: Call, how: Interruption, date: TradeDate) -> Result<()> {
    let (begun, ProxiedStack { stack, proxy }) = (Instant::now(), proxied);
    proxy.inject(CallFaultRule { call, date: None, fault: CallFault::Hang, duration: FaultDuration::Times(1) });
    let input = json!({"trade_date": date, "list": "interrupted"});
    let (run, ()) = tokio::try_join!(stack.export(&input), interrupt(proxied, call, how))?;
    let calls = proxy.clear(call, None);
    ensure!(calls > 1, "the call was not made again");
    verify_csv(&stack.market, date, Interval::FiveMinutes, &COMPANIES, &run.csv).await?;
    stack.verify_copies(&published_day("interrupted", date)?).await?;
    println!("{call:<27} {how:<12?} exported, {calls} calls, {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// Waits until the call is made, and interrupts it.
async fn interrupt(proxied: &ProxiedStack, call: Call, how: Interruption) -> Result<()> {
    let ProxiedStack { stack, proxy } = proxied;
    poll("the call", Duration::from_millis(10), async || Ok((proxy.matched(call, None) > 0).then_some(()))).await?;
    // The proxy forwards the call before it hangs.
    tokio::time::sleep(Duration::from_millis(200)).await;
    match how {
        Interruption::Killed => {
            let killed = kill_function(&stack.cloud, stack.cloud.output(call.function())?)?;
            ensure!(killed > 0, "there was no process to kill");
        }
        Interruption::Disconnected => proxy.close_connections(),
        Interruption::TimedOut => {}
    }
    Ok(())
}
