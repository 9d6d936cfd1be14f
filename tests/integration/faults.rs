//! Each fault of each call that a function makes. When the fault is temporary the day is exported as usual; when it is
//! permanent the run fails with a named error and leaves the day's published export unchanged.
//!
//! The state machine's own calls (GetCrawler, GetQueryExecution, Publish) do not leave the local cloud's process, so
//! that no proxy can intercept them.

pub mod interrupted; // functions that end before they receive the reply to a call

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::{Table, presets};
use futures::{StreamExt, stream};
use harness::{Call, CallFault, CallFaultRule, Ended, ProxiedStack, published_day, trading_days, verify_csv};
use jiff::civil::date;
use market_sim::FaultDuration;
use serde_json::json;
use shared::{Interval, PublishedDay, TradeDate};

use crate::{Context, trials};

trials![faults_of_calls_that_name_their_date, faults_of_calls_to_firehose, faults_of_calls_that_name_no_date];

/// The number of rows at once: nearly all of their time is waiting.
const CONCURRENCY: usize = 16;

/// The calls whose requests and replies name no trade date.
const NAME_NO_DATE: [Call; 1] = [Call::StartCrawler];

/// The companies of the run with the temporary fault, and of the one with the permanent fault.
const TEMPORARY: [(&str, &str); 2] = [("Meta Platforms", "META"), ("Netflix", "NFLX")];
const PERMANENT: [(&str, &str); 2] = [("Shopify", "SHOP"), ("Snap", "SNAP")];

/// Their requests or replies name the trade date, so that runs of different dates can have different faults at once.
async fn faults_of_calls_that_name_their_date(context: Arc<Context>) -> Result<()> {
    let proxied = ProxiedStack::up(&context.tools).await?;
    let has_its_own_test = |call: &Call| *call == Call::PutRecordBatch || NAME_NO_DATE.contains(call);
    let calls: Vec<_> = Call::ALL.into_iter().filter(|call| !has_its_own_test(call)).collect();
    matrix(&proxied, rows(&calls), CONCURRENCY).await
}

/// `collect` sends rejected records again until its time limit, which is seconds here instead of minutes.
async fn faults_of_calls_to_firehose(context: Arc<Context>) -> Result<()> {
    let proxied = ProxiedStack::up(&context.tools).await?;
    proxied.stack.configure(Call::PutRecordBatch.function(), &[], Some(6)).await?;
    matrix(&proxied, rows(&[Call::PutRecordBatch]), CONCURRENCY).await
}

/// The requests name no run, so the faults are injected one after another on a stack of its own.
async fn faults_of_calls_that_name_no_date(context: Arc<Context>) -> Result<()> {
    let proxied = ProxiedStack::up(&context.tools).await?;
    matrix(&proxied, rows(&NAME_NO_DATE), 1).await
}

/// The list of a run. It has the date in its name, so that a request for it names the date, too.
fn list_of(row: &Row, companies: &[(&str, &str)]) -> String {
    format!("{}-{}", if companies == TEMPORARY { "temporary" } else { "permanent" }, row.date)
}

/// What a run over the list publishes.
fn published(row: &Row, companies: &[(&str, &str)]) -> Result<PublishedDay> {
    Ok(PublishedDay { interval: row.interval(), ..published_day(&list_of(row, companies), row.date)? })
}

/// A fault of a call, with a trade date of its own for the two runs.
#[derive(Debug, Clone, Copy)]
struct Row {
    call: Call,
    fault: CallFault,
    date: TradeDate,
    /// Whether the temporary fault comes first, so that the run with the permanent one finds a published export.
    temporary_first: bool,
}

fn rows(calls: &[Call]) -> Vec<Row> {
    let cells = calls.iter().flat_map(|call| faults(*call).into_iter().map(|fault| (*call, fault)));
    let row = |(number, ((call, fault), day))| Row { call, fault, date: day, temporary_first: number % 2 == 0 };
    cells.zip(trading_days(date(2023, 1, 3))).enumerate().map(row).collect()
}

/// The faults that a call can have.
fn faults(call: Call) -> Vec<CallFault> {
    use CallFault as F;
    let own: &[_] = match call {
        Call::PutRecordBatch => &[F::Partial, F::CutOff],
        Call::Chart | Call::StartQueryExecution => &[F::CutOff],
        Call::GetList | Call::StartCrawler | Call::GetResult | Call::GetManifest | Call::GetCopy => {
            &[F::CutOff, F::TimedOut]
        }
        Call::PutReport | Call::PutCsv | Call::PutManifest | Call::PutCopy => &[F::TimedOut],
    };
    let all = [F::Delay, F::Reset, F::InternalError, F::Unavailable, F::Throttled, F::LostReply];
    [own, &all].concat()
}

impl Row {
    /// How long the call must fail until the function gives up and the state machine retries it.
    fn temporary(&self) -> FaultDuration {
        match (self.call, self.fault) {
            (Call::Chart, CallFault::Throttled) => FaultDuration::Times(1), // minutes pass before the next attempt
            (Call::Chart, _) => FaultDuration::Times(5),
            (Call::PutRecordBatch, CallFault::Partial | CallFault::LostReply) => {
                FaultDuration::For(Duration::from_secs(9))
            }
            (Call::GetList, CallFault::CutOff) => FaultDuration::Times(2), // the SDK does not try again
            _ => FaultDuration::Times(4),                                  // the SDK makes three attempts
        }
    }

    /// The error name with which a run fails when the fault is permanent; `None` if it succeeds.
    fn failure(&self) -> Option<&'static str> {
        match (self.call, self.fault) {
            (_, CallFault::Delay) => None,
            (Call::PutRecordBatch, _) => Some("DeliveryFailed"),
            (Call::Chart, CallFault::Throttled) => Some("MarketBlocked"),
            (Call::Chart, _) => Some("MarketUnavailable"),
            _ => Some("ServiceUnavailable"),
        }
    }

    /// Whether the manifest may have been written before, or by, a call with the permanent fault.
    fn may_be_published(&self) -> bool {
        match self.call {
            Call::PutManifest => self.fault == CallFault::LostReply,
            Call::GetManifest | Call::PutCopy | Call::GetCopy => true,
            _ => false,
        }
    }

    /// Half a batch can be rejected only if it has at least two records, which takes more than 500 bars.
    fn interval(&self) -> Interval {
        if self.fault == CallFault::Partial { Interval::OneMinute } else { Interval::FiveMinutes }
    }
}

async fn matrix(proxied: &ProxiedStack, rows: Vec<Row>, concurrency: usize) -> Result<()> {
    let begun = Instant::now();
    let cells = stream::iter(&rows).map(async |row| (row, cells(proxied, row).await));
    let mut results: Vec<_> = cells.buffer_unordered(concurrency).collect().await;
    results.sort_by_key(|(row, _)| row.date);
    let wrong: Vec<_> = results.iter().flat_map(|(row, cells)| cells.iter().map(move |cell| (row, cell))).collect();
    let wrong: Vec<_> = wrong.into_iter().filter_map(|(row, cell)| Some((row, cell.as_ref().err()?))).collect();
    println!("{}", table(&results));
    println!("{} cells, {} wrong, in {:.0?}", 2 * rows.len(), wrong.len(), begun.elapsed());
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

fn table(results: &[(&Row, [Result<String>; 2])]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(["call", "fault", "temporary", "permanent"]);
    for (row, cells) in results {
        let [temporary, permanent] = cells.each_ref().map(|cell| cell.as_deref().unwrap_or("WRONG").to_owned());
        table.add_row([row.call.to_string(), row.fault.to_string(), temporary, permanent]);
    }
    table
}

/// The results of the two runs, in a few words each.
async fn cells(proxied: &ProxiedStack, row: &Row) -> [Result<String>; 2] {
    if row.temporary_first {
        [with_temporary_fault(proxied, row).await, with_permanent_fault(proxied, row).await]
    } else {
        let permanent = with_permanent_fault(proxied, row).await;
        [with_temporary_fault(proxied, row).await, permanent]
    }
}

async fn with_temporary_fault(proxied: &ProxiedStack, row: &Row) -> Result<String> {
    let (ended, summary) = run(proxied, row, row.temporary(), &TEMPORARY).await?;
    ensure!(matches!(ended, Ended::Succeeded(_)), "{ended:?}");
    verify_published(proxied, row, &TEMPORARY).await?;
    proxied.stack.verify_copies(&published(row, &TEMPORARY)?).await?;
    Ok(summary)
}

async fn with_permanent_fault(proxied: &ProxiedStack, row: &Row) -> Result<String> {
    let day = published(row, &PERMANENT)?;
    let before = proxied.stack.published_csv(&day).await?;
    let (ended, summary) = run(proxied, row, FaultDuration::Always, &PERMANENT).await?;
    match (row.failure(), ended) {
        (None, Ended::Succeeded(_)) => verify_published(proxied, row, &PERMANENT).await?,
        (Some(name), Ended::Failed { error, cause }) => {
            ensure!(error == name, "{error} and not {name}: {cause}");
            // Where the fault comes after the manifest is written, the run is published, though its copies may not be.
            let after = proxied.stack.published_csv(&day).await?;
            if row.may_be_published() && after != before {
                verify_published(proxied, row, &PERMANENT).await?;
            } else {
                ensure!(after == before, "the published export has changed");
            }
        }
        (expected, ended) => bail!("{ended:?} and not {expected:?}"),
    }
    Ok(summary)
}

/// One run with one fault rule, and a summary of its result.
async fn run(
    proxied: &ProxiedStack,
    row: &Row,
    duration: FaultDuration,
    companies: &[(&str, &str)],
) -> Result<(Ended, String)> {
    let (begun, date) = (Instant::now(), (!NAME_NO_DATE.contains(&row.call)).then_some(row.date));
    let list = list_of(row, companies);
    proxied.stack.put_list(&list, companies).await?;
    proxied.proxy.inject(CallFaultRule { call: row.call, date, fault: row.fault, duration });
    let input = json!({"trade_date": row.date, "list": list, "interval": row.interval()});
    let ended = proxied.stack.execute(&input).await;
    let calls = proxied.proxy.clear(row.call, date);
    let ended = ended?;
    ensure!(calls > 0, "no such call was made: {ended:?}");
    let end = if let Ended::Failed { error, .. } = &ended { error } else { "exported" };
    let summary = format!("{end}, {calls} calls, {:.1} s", begun.elapsed().as_secs_f32());
    Ok((ended, summary))
}

async fn verify_published(proxied: &ProxiedStack, row: &Row, companies: &[(&str, &str)]) -> Result<()> {
    let csv = proxied.stack.published_csv(&published(row, companies)?).await?.context("no CSV is published")?;
    verify_csv(&proxied.stack.market, row.date, row.interval(), companies, &csv).await
}
