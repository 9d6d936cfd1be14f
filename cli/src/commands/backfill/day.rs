//! One day of a backfill: already done, or run to its end.
//!
//! A day is done when its own execution has succeeded and what it published is still there, or when the published
//! CSV, whichever run wrote it, lacks no bar that the calendar expects of any symbol; where a source is requested, by its own
//! execution alone. A run that a busy market left
//! without some symbols is not done, nor is one with simulated prices where the market is Yahoo: to run a day again is
//! harmless, to leave one out is not.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::bail;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use shared::{
    ErrorName, ExportFiles, Interval, ListName, MarketSource, PublishedDay, Symbol, SymbolList, TradeDate,
    payload::{RunOutcome, RunRequest, SymbolOutcomes},
};

use super::{
    outcome::{DayOutcome, DayReport, Exported},
    published::Published,
};
use crate::{
    aws::{
        execution::{self, RunResult, Status},
        export_files,
        history::ExecutionFailure,
        poll::{Poll, poll_until},
        target::Target,
    },
    commands::follow::watch::watch,
    out::OutFolder,
    output::{phases::Phases, progress::ProgressDisplay, timeline::Line},
    trading_day::TradingDay,
};

/// What all days of a backfill share.
pub struct Backfill {
    pub target: Target,
    /// The local folder of each day's files.
    pub out: OutFolder,
    /// None where the symbols were given by hand.
    list: Option<ListName>,
    symbols: SymbolList,
    pub interval: Interval,
    /// The source that is requested; without one it is the stack's.
    source: Option<MarketSource>,
    /// The executions that are being followed, by day.
    running: Mutex<BTreeMap<TradeDate, Running>>,
    /// Whether a run has failed since the market blocks this client. Others would wait for as long, and query it in vain.
    blocked: AtomicBool,
}

/// An execution that is being followed.
#[derive(Debug)]
struct Running {
    execution: String,
    /// What it is doing, in a user's words.
    doing: String,
}

impl Backfill {
    pub fn new(
        target: Target,
        (list, symbols): (Option<ListName>, SymbolList),
        interval: Interval,
        out: OutFolder,
    ) -> Self {
        let (running, blocked) = (Mutex::default(), AtomicBool::default());
        Self { target, out, list, symbols, interval, source: None, running, blocked }
    }

    /// The same with the bars of a source.
    #[must_use]
    pub fn of_source(self, source: Option<MarketSource>) -> Self {
        Self { source, ..self }
    }

    /// The names of the running executions, in the order of their days.
    pub fn running(&self) -> Vec<String> {
        self.lock_running().values().map(|running| running.execution.clone()).collect()
    }

    fn lock_running(&self) -> MutexGuard<'_, BTreeMap<TradeDate, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The report of a day, after its run unless it was already done. An error becomes the failure `NotFollowed`.
    pub async fn finish(&self, date: TradeDate, day: TradingDay, progress: &ProgressDisplay) -> DayReport {
        let mut execution = String::new();
        let outcome = self.run_unless_done(date, &day, &mut execution, progress).await.unwrap_or_else(|error| {
            let failure = ExecutionFailure::new(Some("NotFollowed"), Some(&format!("{error:#}")));
            DayOutcome::Failed { execution, failure }
        });
        DayReport { date, session: day.label(), outcome }
    }

    /// Runs the day unless it is already done. The day's executions, one per attempt, are looked up in order: the first
    /// whose success is final is the outcome; one that is running is followed; the first name not yet used is started,
    /// unless another run has published the whole day, or the market blocks this client. Sets `execution` to the name of the current attempt, so that
    /// the caller can report it when this fails.
    async fn run_unless_done(
        &self,
        date: TradeDate,
        day: &TradingDay,
        execution: &mut String,
        progress: &ProgressDisplay,
    ) -> anyhow::Result<DayOutcome> {
        for attempt in 1.. {
            *execution =
                execution_name((date, self.interval, self.source), (self.list.as_ref(), &self.symbols), attempt);
            match execution::describe(&self.target, execution).await? {
                Some(Status::Running) => break,
                Some(Status::Ended { result, .. }) => {
                    if let Ok(outcome) = *result
                        && let Some(done) = self.done_before(day, outcome).await?
                    {
                        return Ok(done);
                    }
                }
                None => {
                    if let Some(done) = self.published_before(date, day).await? {
                        return Ok(done);
                    }
                    if self.blocked.load(Ordering::Relaxed) {
                        return Ok(DayOutcome::NotRun);
                    }
                    break;
                }
            }
        }
        self.run(date, day, execution, progress).await
    }

    /// The outcome of the day's own execution, and its files; `None` when the day has to be run again.
    async fn done_before(&self, day: &TradingDay, outcome: RunOutcome) -> anyhow::Result<Option<DayOutcome>> {
        let RunOutcome::Exported { trade_date, symbols, csv, report, simulated, restated, .. } = outcome else {
            return Ok(Some(DayOutcome::NoSession));
        };
        if !self.target.may_have_prices(simulated) || symbols.has_temporarily_failed() {
            return Ok(None);
        }
        let of = (self.list.as_ref(), trade_date);
        let symbols = export_files::symbol_outcomes(&self.target.s3, symbols, (&restated, &[]), of).await;
        let Ok(symbols) = symbols else { return Ok(None) };
        let published = match self.published_day(trade_date) {
            Some(day) => Published::of_day(&self.target, &day).await?,
            None => Published::of_files(&self.target, ExportFiles { csv, report }).await,
        };
        let is_of_source = |export: &Published| self.source.is_none_or(|source| export.is_of(source));
        let published = published.filter(|export| export.still_has(&symbols) && is_of_source(export));
        let Some(published) = published else { return Ok(None) };
        published.save_to(&self.folder(trade_date))?;
        Ok(Some(self.exported(day, symbols, simulated, None)))
    }

    /// The day as another run has published it, and its files; `None` when a bar is missing there, or may be, or is of another
    /// source.
    async fn published_before(&self, date: TradeDate, day: &TradingDay) -> anyhow::Result<Option<DayOutcome>> {
        if self.source.is_some() {
            return Ok(None);
        }
        let Some(expected) = day.expected_by_hour(self.interval) else { return Ok(None) };
        let Some(published_day) = self.published_day(date) else { return Ok(None) };
        let Some(published) = Published::of_day(&self.target, &published_day).await? else { return Ok(None) };
        if !self.target.may_have_prices(published.is_simulated()) {
            return Ok(None);
        }
        let Some(symbols) = published.complete(&self.symbols, &expected) else { return Ok(None) };
        published.save_to(&self.folder(date))?;
        Ok(Some(self.exported(day, symbols, published.is_simulated(), None)))
    }

    /// Starts the execution unless it is running, follows it to its end, and downloads its files.
    async fn run(
        &self,
        date: TradeDate,
        day: &TradingDay,
        execution: &str,
        progress: &ProgressDisplay,
    ) -> anyhow::Result<DayOutcome> {
        let running = Running { execution: execution.to_owned(), doing: "starting".to_owned() };
        self.lock_running().insert(date, running);
        let (result, seconds) = self.follow(date, execution, progress).await?;
        self.lock_running().remove(&date);
        match result {
            Err(failure) if failure.error == ErrorName::SessionNotOver.to_string() => Ok(DayOutcome::NotOver),
            Err(failure) => {
                if failure.error == ErrorName::MarketBlocked.to_string() {
                    self.blocked.store(true, Ordering::Relaxed);
                }
                Ok(DayOutcome::Failed { execution: execution.to_owned(), failure })
            }
            Ok(RunOutcome::NoSession { .. }) => Ok(DayOutcome::NoSession),
            Ok(RunOutcome::Exported { symbols, csv, report, simulated, restated, .. }) => {
                let files = ExportFiles { csv, report };
                let of = (self.list.as_ref(), date);
                export_files::download(&self.target.s3, &files, of, &self.folder(date)).await?;
                let symbols = export_files::symbol_outcomes(&self.target.s3, symbols, (&restated, &[]), of).await?;
                Ok(self.exported(day, symbols, simulated, Some(seconds)))
            }
        }
    }

    /// Starts and follows an execution; returns its result, and how long it took, in seconds.
    async fn follow(
        &self,
        date: TradeDate,
        execution: &str,
        progress: &ProgressDisplay,
    ) -> anyhow::Result<(RunResult, f64)> {
        let symbols = self.list.is_none().then(|| self.symbols.clone());
        let (list, interval, source) = (self.list.clone(), Some(self.interval), self.source);
        let request = RunRequest { trade_date: Some(date), list, symbols, interval, source, ..RunRequest::default() };
        execution::start(&self.target, execution, &request).await?;
        let (arn, companies) = (self.target.execution_arn(execution), Some(self.symbols.len()));
        watch(&self.target, &arn, companies, progress.verbosity(), |lines, phases| {
            self.show(date, lines, phases, progress);
        })
        .await?;
        poll_until(self.target.poll_interval, async || match execution::describe(&self.target, execution).await? {
            Some(Status::Ended { result, seconds }) => Ok(Poll::Ready((*result, seconds))),
            Some(Status::Running) => Ok(Poll::Pending),
            None => {
                bail!("{execution} was started, but Step Functions does not list it yet: run the same command again")
            }
        })
        .await
    }

    /// Shows what became of a day's run since the last time: the lines of a log, or what each run is doing beside the bar.
    fn show(&self, date: TradeDate, lines: &[Line], phases: &Phases, progress: &ProgressDisplay) {
        for line in lines {
            progress.show_of(&date, line);
        }
        if let Some(doing) = phases.describe(Timestamp::now())
            && let Some(running) = self.lock_running().get_mut(&date)
        {
            running.doing = doing;
        }
        let running = self.lock_running();
        let running = running.iter().map(|(date, Running { doing, .. })| format!("  {date}  {doing}"));
        progress.overwrite(&running.collect::<Vec<_>>().join("\n"));
    }

    fn exported(&self, day: &TradingDay, symbols: SymbolOutcomes, simulated: bool, seconds: Option<f64>) -> DayOutcome {
        let by_calendar = day.expected_bars(self.interval);
        let of_collected = symbols.collected.iter().map(|symbol| symbol.expected.unwrap_or(symbol.bars)).sum::<usize>();
        let is_known = by_calendar.is_some() || symbols.collected.iter().any(|symbol| symbol.expected.is_some());
        let expected = of_collected + by_calendar.unwrap_or_default() * symbols.failed.len();
        let expected = is_known.then_some(expected);
        let restated = symbols.restated();
        DayOutcome::Exported(Exported { symbols, restated, expected, simulated, seconds })
    }

    /// Where the day is published; none where the symbols were given by hand.
    fn published_day(&self, trade_date: TradeDate) -> Option<PublishedDay> {
        self.list.clone().map(|list| PublishedDay { list, interval: self.interval, trade_date })
    }

    /// The local folder of a day's files.
    pub fn folder(&self, date: TradeDate) -> PathBuf {
        self.out.of(date)
    }
}

/// The name of an attempt at a day: the same for the same request, so that a later command finds it.
/// Step Functions reserves a name for 90 days.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>
fn execution_name(
    (date, interval, source): (TradeDate, Interval, Option<MarketSource>),
    (list, symbols): (Option<&ListName>, &[Symbol]),
    attempt: u32,
) -> String {
    let mut names: Vec<_> = symbols.iter().map(Symbol::as_str).collect();
    names.sort_unstable();
    // No symbol holds a colon or a slash.
    let list = list.map(|list| format!("{list}:")).unwrap_or_default();
    let source = source.map(|source| format!("{source}/")).unwrap_or_default();
    let digest = Sha256::digest(source + &list + &names.join(","));
    let mut name = format!("backfill-{date}-{interval}-");
    for byte in digest.iter().take(4) {
        let _ = write!(name, "{byte:02x}"); // to a String, which takes everything
    }
    if attempt == 1 { name } else { format!("{name}-{attempt}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_after_its_request() -> Result<(), Box<dyn std::error::Error>> {
        let date = "2025-11-28".parse()?;
        let symbols = |names: [&str; 2]| names.map(str::parse).into_iter().collect::<Result<Vec<Symbol>, _>>();
        let five = |names, attempt| {
            let symbols = symbols(names)?;
            Ok::<_, shared::symbol::InvalidSymbol>(execution_name(
                (date, Interval::FiveMinutes, None),
                (None, &symbols),
                attempt,
            ))
        };
        let first = five(["META", "SHOP"], 1)?;
        assert_eq!(first, "backfill-2025-11-28-5m-fb13a387");
        assert_eq!(five(["SHOP", "META"], 1)?, first);
        assert_eq!(five(["META", "SHOP"], 3)?, format!("{first}-3"));
        assert_ne!(five(["META", "SNAP"], 1)?, first);
        let symbols = symbols(["META", "SHOP"])?;
        assert_ne!(execution_name((date, Interval::OneHour, None), (None, &symbols), 1), first);
        let list = ListName::default();
        assert_ne!(execution_name((date, Interval::FiveMinutes, None), (Some(&list), &symbols), 1), first);
        let alpacas = (date, Interval::FiveMinutes, Some(MarketSource::ALPACA));
        assert_ne!(execution_name(alpacas, (None, &symbols), 1), first);
        Ok(())
    }
}
