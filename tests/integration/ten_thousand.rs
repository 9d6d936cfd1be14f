//! Ten thousand symbols from the market to the CSV, over both sources of the simulated market, unpaced. It takes minutes, so it runs
//! only where `FINSTREAM_TEN_THOUSAND` is set.

use std::{
    env,
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use harness::{Ended, Stack, expected_over, poll_for};
use libtest_mimic::Trial;
use market_sim::FaultRule;
use serde_json::json;
use shared::{
    Interval, MarketSource, S3Uri,
    payload::{Reason, RunOutcome},
};
use tokio::runtime::Handle;

use crate::{Context, trial};

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

/// A run over all symbols.
struct Case {
    source: MarketSource,
    date: &'static str,
    /// Rules of faults, by symbol.
    faults: &'static [&'static str],
    /// The symbols that have no bars in the end, beside the unknown ones.
    failed: &'static [&'static str],
}

/// Of the faults the first befalls the request of a symbol, and so of its batch, until it is sent the fifth time; the other one
/// always.
const FAULTS: &[&str] = &["QXBAD=internal-error:4", "QXCAB=internal-error"];
const CASES: [Case; 4] = [
    Case { source: MarketSource::YAHOO, date: "2026-11-20", faults: &[], failed: &[] },
    Case { source: MarketSource::ALPACA, date: "2026-11-19", faults: &[], failed: &[] },
    Case { source: MarketSource::YAHOO, date: "2026-11-18", faults: FAULTS, failed: &["QXCAB"] },
    Case { source: MarketSource::ALPACA, date: "2026-11-17", faults: FAULTS, failed: &["QXCAB"] },
];

/// A symbol of letters, as both sources have them: `QXAAA`, `QXAAB`, …
fn symbol(n: usize) -> String {
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).unwrap_or_default());
    format!("QX{}{}{}", letter(n / 676), letter(n / 26), letter(n))
}

async fn every_row_is_the_plain_answer(context: Arc<Context>) -> Result<()> {
    let unpaced = [("MarketRequestsPerSecond", "1000"), ("MarketBurst", "1000"), ("MarketConcurrency", "16")];
    let stack = Stack::up_with(&context.tools, &unpaced).await?;
    let symbols: Vec<_> = (0..LISTED).map(symbol).collect();
    let unknown = (0..UNKNOWN).map(|n| format!("ZZ{}", &symbol(n)[2..]));
    let list = symbols.iter().cloned().chain(unknown).try_fold(String::new(), |mut list, symbol| {
        write!(list, "[[company]]\nsymbol = \"{symbol}\"\nname = \"{symbol} Inc.\"\n")?;
        Ok::<_, std::fmt::Error>(list)
    })?;
    let uri = S3Uri::new(stack.cloud.output("DataBucket")?, format!("lists/{LIST}.toml"));
    stack.put_object(&uri, list).await?;
    for case in &CASES {
        case.play(&stack, &symbols).await.with_context(|| format!("{} on {}", case.source, case.date))?;
    }
    a_key_that_is_refused_half_way_ends_the_run(&stack).await
}

impl Case {
    async fn play(&self, stack: &Stack, symbols: &[String]) -> Result<()> {
        let Self { source, date, faults, failed } = self;
        let rules = faults.iter().map(|rule| rule.parse::<FaultRule>()).collect::<Result<Vec<_>, _>>()?;
        for rule in &rules {
            stack.market.handle.inject(rule.clone());
        }
        let began = Instant::now();
        let execution =
            stack.start(&json!({"trade_date": date, "interval": "1h", "list": LIST, "source": source})).await?;
        let outcome = match ended(stack, &execution).await? {
            Ended::Succeeded(outcome) => *outcome,
            Ended::Failed { error, cause } => bail!("{error}: {cause}"),
        };
        println!("{source} with {} faults: {} s", faults.len(), began.elapsed().as_secs());
        for rule in &rules {
            stack.market.handle.clear(rule.symbol.as_ref());
        }
        let RunOutcome::Exported { carried_over_count: 0, restated_count: 0, .. } = &outcome else {
            bail!("{outcome:?}")
        };
        payloads_are_small(stack, &execution).await?;

        let run = stack.exported(outcome).await?;
        let (unknown, others): (Vec<_>, Vec<_>) =
            run.symbols.failed.iter().partition(|failed| failed.reason == Reason::UnknownSymbol);
        let others: Vec<_> = others.iter().map(|other| other.symbol.as_str()).collect();
        ensure!(unknown.len() == UNKNOWN && others == *failed, "{} unknown, {others:?}", unknown.len());
        ensure!(run.symbols.collected.len() == LISTED - failed.len(), "{} collected", run.symbols.collected.len());
        let with_bars = symbols.iter().filter(|symbol| !failed.contains(&symbol.as_str()));
        let companies: Vec<_> = with_bars.map(|symbol| (format!("{symbol} Inc."), symbol.as_str())).collect();
        let companies: Vec<_> = companies.iter().map(|(name, symbol)| (name.as_str(), *symbol)).collect();
        let expected = expected_over(*source, &stack.market, date.parse()?, Interval::OneHour, &companies).await?;
        let difference = run.csv.lines().zip(expected.lines()).find(|(row, expected)| row != expected);
        ensure!(
            run.csv == expected,
            "{} rows of {}: {difference:?}",
            run.csv.lines().count(),
            expected.lines().count()
        );
        ensure!(run.csv.lines().count() == 1 + 7 * companies.len(), "{} lines", run.csv.lines().count());
        Ok(())
    }
}

/// After fifty requests for bars the key is no longer accepted: the run ends at once, without a wait and without an export.
async fn a_key_that_is_refused_half_way_ends_the_run(stack: &Stack) -> Result<()> {
    stack.market.handle.inject("*=forbidden:50..".parse()?);
    let input = json!({"trade_date": "2026-11-16", "interval": "1h", "list": LIST, "source": MarketSource::ALPACA});
    let execution = stack.start(&input).await?;
    let ended = ended(stack, &execution).await?;
    stack.market.handle.clear(None);
    let Ended::Failed { error, cause } = ended else { bail!("{ended:?}") };
    ensure!(error == "SourceUnauthorized", "{error}: {cause}");
    payloads_are_small(stack, &execution).await?;
    let events = stack.history(&execution).await?;
    let waits = events.iter().filter(|event| event.r#type() == &HistoryEventType::WaitStateEntered).count();
    ensure!(waits == 0, "{waits} waits");
    Ok(())
}

async fn ended(stack: &Stack, execution: &str) -> Result<Ended<RunOutcome>> {
    poll_for(TIME_LIMIT, execution, Duration::from_millis(500), async || stack.ended(execution).await).await
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
