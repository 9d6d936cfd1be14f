//! Ten thousand symbols from the market to the CSV, over the simulated Yahoo, unpaced. It takes a minute, so it runs only where
//! `FINSTREAM_TEN_THOUSAND` is set.

use std::{env, fmt::Write, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_sfn::types::HistoryEvent;
use harness::{Ended, Stack, poll_for, verify_csv};
use libtest_mimic::Trial;
use serde_json::json;
use shared::{
    Interval, S3Uri,
    payload::{Reason, RunOutcome},
};
use tokio::runtime::Handle;

use crate::{Context, trial};

const DATE: &str = "2026-11-20";
const LIST: &str = "ten-thousand";
const LISTED: usize = 10_000;
/// Symbols that the market does not know, beside those.
const UNKNOWN: usize = 100;

/// The most bytes of what a state is given, keeps or passes on.
const MAX_PAYLOAD: usize = 64 * 1024;
/// The most events of the execution.
const MAX_EVENTS: usize = 5_000;
/// How long the run may take.
const TIME_LIMIT: Duration = Duration::from_secs(900);

pub fn trials(runtime: &Handle, context: &Arc<Context>) -> Vec<Trial> {
    let name = concat!(module_path!(), "::every_row_of_ten_thousand_symbols_is_the_plain_answer");
    let is_wanted = env::var_os("FINSTREAM_TEN_THOUSAND").is_some();
    vec![trial(name, runtime, context, every_row_is_the_plain_answer).with_ignored_flag(!is_wanted)]
}

async fn every_row_is_the_plain_answer(context: Arc<Context>) -> Result<()> {
    let unpaced = [("MarketRequestsPerSecond", "1000"), ("MarketBurst", "1000"), ("MarketConcurrency", "16")];
    let stack = Stack::up_with(&context.tools, &unpaced).await?;
    let symbols: Vec<_> = (0..LISTED).map(|n| format!("S{n:05}")).collect();
    let unknown = (0..UNKNOWN).map(|n| format!("ZZ{n:03}"));
    let list = symbols.iter().cloned().chain(unknown).try_fold(String::new(), |mut list, symbol| {
        write!(list, "[[company]]\nsymbol = \"{symbol}\"\nname = \"{symbol} Inc.\"\n")?;
        Ok::<_, std::fmt::Error>(list)
    })?;
    let uri = S3Uri::new(stack.cloud.output("DataBucket")?, format!("lists/{LIST}.toml"));
    stack.put_object(&uri, list).await?;

    let execution = stack.start(&json!({"trade_date": DATE, "interval": "1h", "list": LIST})).await?;
    let ended = poll_for(TIME_LIMIT, &execution, Duration::from_millis(500), async || stack.ended(&execution).await);
    let outcome = match ended.await? {
        Ended::Succeeded(outcome) => *outcome,
        Ended::Failed { error, cause } => bail!("{error}: {cause}"),
    };
    let RunOutcome::Exported { carried_over_count: 0, restated_count: 0, .. } = &outcome else { bail!("{outcome:?}") };
    payloads_are_small(&stack, &execution).await?;

    let run = stack.exported(outcome).await?;
    let failed = run.symbols.failed.iter().filter(|failed| failed.reason == Reason::UnknownSymbol).count();
    ensure!((run.symbols.collected.len(), failed, run.symbols.failed.len()) == (LISTED, UNKNOWN, UNKNOWN));
    ensure!(run.csv.lines().count() == 1 + 7 * LISTED, "{} lines", run.csv.lines().count());
    let companies: Vec<_> = symbols.iter().map(|symbol| (format!("{symbol} Inc."), symbol.as_str())).collect();
    let companies: Vec<_> = companies.iter().map(|(name, symbol)| (name.as_str(), *symbol)).collect();
    verify_csv(&stack.market, DATE.parse()?, Interval::OneHour, &companies, &run.csv).await
}

/// What each event of the history holds, as the limits of Step Functions count it.
async fn payloads_are_small(stack: &Stack, execution: &str) -> Result<()> {
    let events = stack.history(execution).await?;
    let largest = events.iter().flat_map(|event| payloads(event).map(move |payload| (payload.len(), event.id())));
    let largest = largest.max().context("no event has a payload")?;
    println!("{} events, the largest payload has {} bytes", events.len(), largest.0);
    ensure!(events.len() < MAX_EVENTS, "{} events", events.len());
    ensure!(largest.0 < MAX_PAYLOAD, "event {} holds {} bytes", largest.1, largest.0);
    Ok(())
}

fn payloads(event: &HistoryEvent) -> impl Iterator<Item = &str> {
    [
        event.execution_started_event_details().and_then(|details| details.input()),
        event.execution_succeeded_event_details().and_then(|details| details.output()),
        event.state_entered_event_details().and_then(|details| details.input()),
        event.state_exited_event_details().and_then(|details| details.output()),
        event.task_scheduled_event_details().map(|details| details.parameters()),
        event.task_succeeded_event_details().and_then(|details| details.output()),
    ]
    .into_iter()
    .flatten()
}
