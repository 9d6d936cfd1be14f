//! Every call of every function, in each way a call can go wrong: for a while, and the day is
//! exported as ever; for good, and the run fails by name and leaves the day's export as it was.
//!
//! The state machine's own calls (GetCrawler, GetQueryExecution, Publish) do not leave the local
//! cloud's process, so no proxy can stand in their way.

pub mod interrupted; // functions that do not live to hear the answer to a call

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::{Table, presets};
use futures::{StreamExt, stream};
use harness::{Call, CallFault, CallFaultRule, Ended, ProxiedStack, expected_from_market, trading_days};
use jiff::civil::date;
use market_sim::FaultDuration;
use serde_json::json;
use shared::{Interval, TradeDate};

use crate::{Context, trials};

trials![calls_that_name_their_run, calls_of_firehose, the_call_that_names_none];

/// Rows under way at once: nearly all of their time is waiting.
const CONCURRENCY: usize = 16;

/// Who is collected while a fault passes, and while it stays.
const PASSING: [(&str, &str); 2] = [("Meta Platforms", "META"), ("Netflix", "NFLX")];
const STAYING: [(&str, &str); 2] = [("Shopify", "SHOP"), ("Snap", "SNAP")];

/// All but StartCrawler say for which day they are, in one way or another.
async fn calls_that_name_their_run(context: Arc<Context>) -> Result<()> {
    let proxied = ProxiedStack::up(&context.tools).await?;
    let calls = [Call::Chart, Call::StartQueryExecution, Call::GetResult, Call::PutReport, Call::PutCsv];
    matrix(&proxied, rows(&calls), CONCURRENCY).await
}

/// `collect` sends refused records again until its time is up: here after seconds and not minutes.
async fn calls_of_firehose(context: Arc<Context>) -> Result<()> {
    let proxied = ProxiedStack::up(&context.tools).await?;
    proxied.stack.configure(Call::PutRecordBatch.function(), &[], Some(6)).await?;
    matrix(&proxied, rows(&[Call::PutRecordBatch]), CONCURRENCY).await
}

/// One after another, on a stack of its own.
async fn the_call_that_names_none(context: Arc<Context>) -> Result<()> {
    let proxied = ProxiedStack::up(&context.tools).await?;
    matrix(&proxied, rows(&[Call::StartCrawler]), 1).await
}

/// A fault of a call, on a day of its own.
#[derive(Debug, Clone, Copy)]
struct Row {
    call: Call,
    fault: CallFault,
    date: TradeDate,
    /// Whether the failing run finds an export of its day.
    passes_first: bool,
}

fn rows(calls: &[Call]) -> Vec<Row> {
    let cells = calls.iter().flat_map(|call| faults(*call).into_iter().map(|fault| (*call, fault)));
    let row = |(number, ((call, fault), day))| Row { call, fault, date: day, passes_first: number % 2 == 0 };
    cells.zip(trading_days(date(2023, 1, 3))).enumerate().map(row).collect()
}

/// The faults that a call can have.
fn faults(call: Call) -> Vec<CallFault> {
    use CallFault as F;
    let own: &[_] = match call {
        Call::PutRecordBatch => &[F::Partial, F::CutOff],
        Call::Chart | Call::StartQueryExecution => &[F::CutOff],
        Call::StartCrawler | Call::GetResult => &[F::CutOff, F::TimedOut],
        Call::PutReport | Call::PutCsv => &[F::TimedOut],
    };
    let all = [F::Delay, F::Reset, F::InternalError, F::Unavailable, F::Throttled, F::LostReply];
    [own, &all].concat()
}

impl Row {
    /// How long a call has to fail for the function to give up and the state machine to try again.
    fn passing(&self) -> FaultDuration {
        match (self.call, self.fault) {
            (Call::Chart, CallFault::Throttled) => FaultDuration::Times(1), // each refusal is a wait of minutes
            (Call::Chart, _) => FaultDuration::Times(5),
            (Call::PutRecordBatch, CallFault::Partial | CallFault::LostReply) => {
                FaultDuration::For(Duration::from_secs(9))
            }
            _ => FaultDuration::Times(4), // the SDK asks three times
        }
    }

    /// The name under which the run fails when the fault stays, if it does.
    fn failure(&self) -> Option<&'static str> {
        match (self.call, self.fault) {
            (_, CallFault::Delay) => None,
            (Call::PutRecordBatch, _) => Some("DeliveryFailed"),
            (Call::Chart, CallFault::Throttled) => Some("MarketBlocked"),
            (Call::Chart, _) => Some("MarketUnavailable"),
            _ => Some("ServiceUnavailable"),
        }
    }

    /// A batch has parts only when it has two records, which are more than 500 bars.
    fn interval(&self) -> Interval {
        if self.fault == CallFault::Partial { Interval::OneMinute } else { Interval::FiveMinutes }
    }
}

async fn matrix(proxied: &ProxiedStack, rows: Vec<Row>, concurrency: usize) -> Result<()> {
    let begun = Instant::now();
    let cells = stream::iter(&rows).map(async |row| (row, cells(proxied, row).await));
    let mut told: Vec<_> = cells.buffer_unordered(concurrency).collect().await;
    told.sort_by_key(|(row, _)| row.date);
    let wrong: Vec<_> = told.iter().flat_map(|(row, cells)| cells.iter().map(move |cell| (row, cell))).collect();
    let wrong: Vec<_> = wrong.into_iter().filter_map(|(row, cell)| Some((row, cell.as_ref().err()?))).collect();
    println!("{}", table(&told));
    println!("{} cells, {} wrong, in {:.0?}", 2 * rows.len(), wrong.len(), begun.elapsed());
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

fn table(told: &[(&Row, [Result<String>; 2])]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(["call", "fault", "for a while", "for good"]);
    for (row, cells) in told {
        let [passing, staying] = cells.each_ref().map(|cell| cell.as_deref().unwrap_or("WRONG").to_owned());
        table.add_row([row.call.to_string(), row.fault.to_string(), passing, staying]);
    }
    table
}

/// What became of the two runs, in a few words.
async fn cells(proxied: &ProxiedStack, row: &Row) -> [Result<String>; 2] {
    if row.passes_first {
        [passes(proxied, row).await, stays(proxied, row).await]
    } else {
        let staying = stays(proxied, row).await;
        [passes(proxied, row).await, staying]
    }
}

async fn passes(proxied: &ProxiedStack, row: &Row) -> Result<String> {
    let (ended, told) = run(proxied, row, row.passing(), &PASSING).await?;
    ensure!(matches!(ended, Ended::Succeeded(_)), "{ended:?}");
    right(proxied, row, &PASSING).await?;
    Ok(told)
}

async fn stays(proxied: &ProxiedStack, row: &Row) -> Result<String> {
    let before = exported(proxied, row).await?;
    let (ended, told) = run(proxied, row, FaultDuration::Always, &STAYING).await?;
    match (row.failure(), ended) {
        (None, Ended::Succeeded(_)) => right(proxied, row, &STAYING).await?,
        (Some(name), Ended::Failed { error, cause }) => {
            ensure!(error == name, "{error} and not {name}: {cause}");
            if (row.call, row.fault) == (Call::PutCsv, CallFault::LostReply) {
                right(proxied, row, &STAYING).await?;
            } else {
                ensure!(exported(proxied, row).await? == before, "the export has changed");
            }
        }
        (expected, ended) => bail!("{ended:?} and not {expected:?}"),
    }
    Ok(told)
}

/// One run under one rule.
async fn run(
    proxied: &ProxiedStack,
    row: &Row,
    duration: FaultDuration,
    companies: &[(&str, &str)],
) -> Result<(Ended, String)> {
    let (begun, date) = (Instant::now(), (row.call != Call::StartCrawler).then_some(row.date));
    proxied.proxy.set(CallFaultRule { call: row.call, date, fault: row.fault, duration });
    let symbols: Vec<_> = companies.iter().map(|(_, symbol)| symbol).collect();
    let input = json!({"trade_date": row.date, "symbols": symbols, "interval": row.interval()});
    let ended = proxied.stack.execute(&input).await;
    let calls = proxied.proxy.end(row.call, date);
    let ended = ended?;
    ensure!(calls > 0, "no such call was made: {ended:?}");
    let end = if let Ended::Failed { error, .. } = &ended { error } else { "exported" };
    let told = format!("{end}, {calls} calls, {:.1} s", begun.elapsed().as_secs_f32());
    Ok((ended, told))
}

/// The CSV that is published for the row's day, if there is one.
async fn exported(proxied: &ProxiedStack, row: &Row) -> Result<Option<String>> {
    let key = format!("exports/trade_date={}/hourly_extremes.csv", row.date);
    if proxied.stack.keys(&key).await?.is_empty() {
        return Ok(None);
    }
    proxied.stack.object(&proxied.stack.in_data_bucket(key)?).await.map(Some)
}

async fn right(proxied: &ProxiedStack, row: &Row, companies: &[(&str, &str)]) -> Result<()> {
    let csv = exported(proxied, row).await?.context("there is no export")?;
    let expected = expected_from_market(&proxied.stack.market, row.date, row.interval(), companies).await?;
    ensure!(csv == expected, "the export is\n{csv}\nand not\n{expected}");
    Ok(())
}
