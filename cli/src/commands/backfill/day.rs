//! One day of a backfill: found done, or run to its end.
//!
//! A day is done when its own execution has succeeded and what it published is still there, or when the published
//! CSV, whichever run wrote it, lacks no bar that the calendar expects of any symbol. A run that a busy market left
//! without some symbols is not done: to run a day again is harmless, to leave one out is not.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use anyhow::bail;
use sha2::{Digest, Sha256};
use shared::{
    ErrorName, Interval, S3Uri, Symbol, SymbolList, TradeDate,
    payload::{Reason, RunOutcome, RunRequest, SymbolOutcomes},
};
use tokio::sync::Mutex;

use super::{
    outcome::{DayOutcome, DayReport, Exported},
    published::Published,
};
use crate::{
    aws::{
        execution::{self, Ending, State},
        history::Failure,
        poll::{Poll, poll_until},
        s3,
        target::Target,
    },
    trading_day::TradingDay,
};

/// What every day of a backfill has in common.
pub struct Backfill {
    /// Where the days are run.
    pub target: Target,
    /// The folder that takes a folder for each day.
    pub out: PathBuf,
    symbols: SymbolList,
    interval: Interval,
    running: Mutex<BTreeMap<TradeDate, String>>,
}

impl Backfill {
    /// A backfill of these symbols and bars.
    pub fn new(target: Target, symbols: SymbolList, interval: Interval, out: PathBuf) -> Self {
        Self { target, out, symbols, interval, running: Mutex::default() }
    }

    /// The names of the executions that are under way, in the order of their days.
    pub async fn running(&self) -> Vec<String> {
        self.running.lock().await.values().cloned().collect()
    }

    /// Brings a day to its end.
    pub async fn finish(&self, date: TradeDate, day: TradingDay) -> DayReport {
        let mut execution = String::new();
        let outcome = self.settle(date, &day, &mut execution).await.unwrap_or_else(|error| {
            let failure = Failure::new(Some("NotFollowed"), Some(&format!("{error:#}")));
            DayOutcome::Failed { execution, failure }
        });
        DayReport { date, session: day.label(), outcome }
    }

    /// Looks at the day's executions, one after the other, until one is done or goes on; otherwise starts the next.
    async fn settle(&self, date: TradeDate, day: &TradingDay, execution: &mut String) -> anyhow::Result<DayOutcome> {
        for attempt in 1.. {
            *execution = name(date, self.interval, &self.symbols, attempt);
            match execution::describe(&self.target, execution).await? {
                Some(State::Running) => break,
                Some(State::Ended { ending, .. }) => {
                    if let Ending::Succeeded(outcome) = *ending
                        && let Some(done) = self.done_before(day, outcome).await?
                    {
                        return Ok(done);
                    }
                }
                None => {
                    if let Some(done) = self.published_before(date, day).await? {
                        return Ok(done);
                    }
                    break;
                }
            }
        }
        self.run(date, day, execution).await
    }

    /// The day as its own execution left it; `None` when it has to be run again.
    async fn done_before(&self, day: &TradingDay, outcome: RunOutcome) -> anyhow::Result<Option<DayOutcome>> {
        let RunOutcome::Exported { trade_date, symbols, csv, report, simulated, .. } = outcome else {
            return Ok(Some(DayOutcome::NoSession));
        };
        if symbols.failed.iter().any(|failed| may_come_yet(failed.reason)) {
            return Ok(None);
        }
        let Some(published) = Published::at(&self.target.s3, &csv).await.filter(|export| export.holds(&symbols)) else {
            return Ok(None);
        };
        published.save_to(&self.target.s3, &report, &self.folder(trade_date)).await?;
        Ok(Some(self.exported(day, symbols, simulated, None)))
    }

    /// The day as another run has published it; `None` when a bar is missing there, or might be.
    async fn published_before(&self, date: TradeDate, day: &TradingDay) -> anyhow::Result<Option<DayOutcome>> {
        let Some(expected) = day.expected_bars(self.interval) else { return Ok(None) };
        let bucket = self.target.output("DataBucket")?;
        let uri = |name| S3Uri::new(bucket, format!("exports/trade_date={date}/{name}"));
        let Some(published) = Published::at(&self.target.s3, &uri("hourly_extremes.csv")).await else {
            return Ok(None);
        };
        let Some(symbols) = published.complete(&self.symbols, expected) else { return Ok(None) };
        published.save_to(&self.target.s3, &uri("report.html"), &self.folder(date)).await?;
        Ok(Some(self.exported(day, symbols, published.is_simulated(), None)))
    }

    /// Starts the execution unless it is under way, follows it to its end, and fetches its files.
    async fn run(&self, date: TradeDate, day: &TradingDay, execution: &str) -> anyhow::Result<DayOutcome> {
        self.running.lock().await.insert(date, execution.to_owned());
        let (ending, seconds) = self.follow(date, execution).await?;
        self.running.lock().await.remove(&date);
        match ending {
            Ending::Failed(failure) if failure.error == ErrorName::SessionNotOver.to_string() => {
                Ok(DayOutcome::NotOver)
            }
            Ending::Failed(failure) => Ok(DayOutcome::Failed { execution: execution.to_owned(), failure }),
            Ending::Succeeded(RunOutcome::NoSession { .. }) => Ok(DayOutcome::NoSession),
            Ending::Succeeded(RunOutcome::Exported { symbols, csv, report, versions, simulated, .. }) => {
                let folder = self.folder(date);
                s3::fetch(&self.target.s3, &csv, versions.csv.as_deref(), &folder).await?;
                s3::fetch(&self.target.s3, &report, versions.report.as_deref(), &folder).await?;
                Ok(self.exported(day, symbols, simulated, Some(seconds)))
            }
        }
    }

    /// How the execution ended, and after how many seconds.
    async fn follow(&self, date: TradeDate, execution: &str) -> anyhow::Result<(Ending, f64)> {
        let (symbols, interval) = (Some(self.symbols.clone()), Some(self.interval));
        let request = RunRequest { trade_date: Some(date), symbols, interval, ..RunRequest::default() };
        execution::start(&self.target, execution, &request).await?;
        poll_until(self.target.poll_interval, async || match execution::describe(&self.target, execution).await? {
            Some(State::Ended { ending, seconds }) => Ok(Poll::Ready((*ending, seconds))),
            Some(State::Running) => Ok(Poll::Pending),
            None => bail!("{execution} was started, and Step Functions does not know it yet: give the command again"),
        })
        .await
    }

    fn exported(&self, day: &TradingDay, symbols: SymbolOutcomes, simulated: bool, seconds: Option<f64>) -> DayOutcome {
        let by_the_calendar = day.expected_bars(self.interval).map(|bars| bars * self.symbols.len());
        let expected = by_the_calendar.unwrap_or_else(|| symbols.collected.iter().map(|symbol| symbol.expected).sum());
        DayOutcome::Exported(Exported { symbols, expected, simulated, seconds })
    }

    fn folder(&self, date: TradeDate) -> PathBuf {
        self.out.join(date.to_string())
    }
}

/// The name of an attempt at a day: the same for the same request, so that a later command finds it.
/// Step Functions keeps a name for 90 days.
fn name(date: TradeDate, interval: Interval, symbols: &[Symbol], attempt: u32) -> String {
    let mut names: Vec<_> = symbols.iter().map(Symbol::as_str).collect();
    names.sort_unstable();
    let digest = Sha256::digest(names.join(","));
    let mut name = format!("backfill-{date}-{interval}-");
    for byte in digest.iter().take(4) {
        let _ = write!(name, "{byte:02x}"); // to a String, which takes everything
    }
    if attempt == 1 { name } else { format!("{name}-{attempt}") }
}

/// Whether a symbol that had no bars for this reason may have some when it is asked for again.
fn may_come_yet(reason: Reason) -> bool {
    matches!(reason, Reason::SessionNotOver | Reason::Blocked | Reason::Unavailable | Reason::NotAttempted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_after_what_it_was_asked_for() -> Result<(), Box<dyn std::error::Error>> {
        let date = "2025-11-28".parse()?;
        let symbols = |names: [&str; 2]| names.map(str::parse).into_iter().collect::<Result<Vec<Symbol>, _>>();
        let five = |names, attempt| {
            let symbols = symbols(names)?;
            Ok::<_, shared::symbol::InvalidSymbol>(name(date, Interval::FiveMinutes, &symbols, attempt))
        };
        let first = five(["META", "SHOP"], 1)?;
        assert_eq!(first, "backfill-2025-11-28-5m-fb13a387");
        assert_eq!(five(["SHOP", "META"], 1)?, first);
        assert_eq!(five(["META", "SHOP"], 3)?, format!("{first}-3"));
        assert_ne!(five(["META", "SNAP"], 1)?, first);
        assert_ne!(name(date, Interval::OneHour, &symbols(["META", "SHOP"])?, 1), first);
        Ok(())
    }

    #[test]
    fn only_what_was_not_answered_for_good_may_come_yet() {
        for (reason, yet) in [
            (Reason::Blocked, true),
            (Reason::NotAttempted, true),
            (Reason::Unavailable, true),
            (Reason::UnknownSymbol, false),
            (Reason::NoTrades, false),
        ] {
            assert_eq!(may_come_yet(reason), yet, "{reason:?}");
        }
    }
}
