//! `finstream backfill`: runs each trading day of a range that is still missing, oldest first, a few at once.

pub mod day;
pub mod json;
pub mod outcome;
mod published;
pub mod table;

use futures::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use shared::{Interval, MarketSource, Symbol, TradeDate, trading_calendar::NEW_YORK};

use crate::{
    args::{BackfillArgs, BadRequest, dates},
    aws::{lists, target::Target},
    exit::Exit,
    interrupt::{interrupted, unless_interrupted},
    output::{console::Console, format::pluralize, progress::ProgressDisplay, tables},
    trading_day::{TradingDay, is_weekend},
};
use day::Backfill;
use json::{BackfillJson, DayJson};
use outcome::{DayOutcome, DayReport};

pub async fn backfill(args: BackfillArgs, console: &Console) -> anyhow::Result<Exit> {
    let now = Timestamp::now();
    let range = args.period.range(now)?;
    let out = args.out.folder.for_days();
    out.check(None)?;
    let progress = console.progress();
    let target = unless_interrupted(Target::find(&args.target, &progress)).await?;
    if let Some(source) = target.source(args.source.source) {
        check_retention(source, args.period.from, args.period.interval, now)?;
    }
    let symbols = unless_interrupted(lists::symbols(&target, &args.period.what)).await?;
    let plan = Plan::of(dates(&range), &symbols, now);
    progress.set_total(plan.runs.len());
    progress.report(&format!("{} of {} to {}", plan.describe(), range.start(), range.end()));
    for date in &plan.not_over {
        progress.report(&format!("{date}  left out: its session has not ended"));
    }
    let backfill = Backfill::new(target, (args.period.what.list(), symbols), args.period.interval, out);
    let backfill = backfill.of_source(args.source.source);
    let Plan { runs, holidays, .. } = plan;
    let mut reports = Vec::new();
    tokio::select! {
        () = run_days(&backfill, runs, usize::from(args.concurrency), &progress, &mut reports) => progress.clear(),
        () = interrupted() => {
            progress.clear();
            progress.report(&still_running(&backfill.running(), &backfill.target));
            return Ok(Exit::Interrupted);
        }
    }
    reports.extend(holidays);
    reports.sort_by_key(|report| report.date);
    print_reports(&reports, &backfill, console, &progress)
}

/// Rejects a range whose first day is older than the bars that the source keeps.
fn check_retention(
    source: &MarketSource,
    from: TradeDate,
    interval: Interval,
    now: Timestamp,
) -> Result<(), BadRequest> {
    let earliest = source.earliest(interval, now, &NEW_YORK.zone);
    if from >= earliest {
        return Ok(());
    }
    let problem = format!("{} {}, and {from} is older", source.label, source.describe_history(interval));
    Err(BadRequest(format!("{problem}: use --from {earliest} or later")))
}

/// The days of a range, by what is to be done about them.
#[derive(Debug, Default)]
struct Plan {
    /// The days to run, oldest first.
    runs: Vec<(TradeDate, TradingDay)>,
    /// The holidays, which are reported but not run. Weekends are not even reported.
    holidays: Vec<DayReport>,
    /// The days whose bars are not final yet.
    not_over: Vec<TradeDate>,
}

impl Plan {
    fn of(dates: impl Iterator<Item = TradeDate>, symbols: &[Symbol], now: Timestamp) -> Self {
        let mut plan = Self::default();
        for date in dates {
            match TradingDay::of(date, symbols) {
                TradingDay::Closed if is_weekend(date) => {}
                TradingDay::Closed => plan.holidays.push(DayReport {
                    date,
                    session: TradingDay::Closed.label(),
                    outcome: DayOutcome::Closed,
                }),
                TradingDay::Open(session) if !session.has_ended(now) => plan.not_over.push(date),
                day => plan.runs.push((date, day)),
            }
        }
        plan
    }

    fn describe(&self) -> String {
        let what = if self.runs.iter().any(|(_, day)| *day == TradingDay::Unknown) { "day" } else { "trading day" };
        pluralize(self.runs.len(), what)
    }
}

/// Runs every day, at most `concurrency` at once, and adds each to `reports` as it ends: those of the days that have ended are
/// there also when this is dropped.
pub async fn run_days(
    backfill: &Backfill,
    runs: Vec<(TradeDate, TradingDay)>,
    concurrency: usize,
    progress: &ProgressDisplay,
    reports: &mut Vec<DayReport>,
) {
    let (mut waiting, mut running) = (runs.into_iter(), FuturesUnordered::new());
    loop {
        for (date, day) in waiting.by_ref().take(concurrency - running.len()) {
            running.push(backfill.finish(date, day, progress));
        }
        let Some(report) = running.next().await else { return };
        progress.report(&report.summary());
        progress.increment();
        reports.push(report);
    }
}

/// The message after an interrupt, which does not stop the executions.
fn still_running(running: &[String], target: &Target) -> String {
    let executions = match running {
        [] => "no execution is running".to_owned(),
        names => {
            let names: Vec<_> = names.iter().map(|name| format!("\n  {}", target.follow_hint(name))).collect();
            format!("no further day is started; these executions are still running:{}", names.concat())
        }
    };
    format!("interrupted: {executions}\nthe same command resumes where this one stopped")
}

/// Prints the table of the days and their sum, and every failure to standard error.
fn print_reports(
    reports: &[DayReport],
    backfill: &Backfill,
    console: &Console,
    progress: &ProgressDisplay,
) -> anyhow::Result<Exit> {
    let days = reports.iter().map(|report| DayJson::of(report, &backfill.folder(report.date))).collect();
    let json = BackfillJson { place: backfill.target.place(), interval: backfill.interval, days };
    console.answer(&text(reports, backfill), &json)?;
    print_failures(reports, progress, |execution| backfill.target.follow_hint(execution));
    Ok(exit(reports))
}

/// Prints every failure to standard error, each with how `show` says to look at its execution.
pub fn print_failures(reports: &[DayReport], progress: &ProgressDisplay, show: impl Fn(&str) -> String) {
    for DayReport { date, outcome, .. } in reports {
        if let DayOutcome::Failed { execution, failure } = outcome {
            progress.fail(&tables::failed(&format!("{date} failed"), failure, &show(execution)));
        }
    }
}

/// The table of the days, their sum, and where the prices and the files are.
pub fn text(reports: &[DayReport], backfill: &Backfill) -> String {
    let table = (!reports.is_empty()).then(|| table::of(reports, None));
    let source = table::simulated(reports)
        .map(|simulated| format!("{}\nfiles   {}", tables::price_source(simulated, None), backfill.out));
    table.into_iter().chain([table::total(reports)]).chain(source).collect::<Vec<_>>().join("\n")
}

/// How a command that ran these days ends: the worst that became of any day counts.
pub fn exit(reports: &[DayReport]) -> Exit {
    let any = |wanted: fn(&DayOutcome) -> bool| reports.iter().any(|report| wanted(&report.outcome));
    if any(|outcome| matches!(outcome, DayOutcome::Failed { .. })) {
        Exit::Failed
    } else if any(|outcome| matches!(outcome, DayOutcome::Exported(day) if !day.symbols.is_complete())) {
        Exit::Incomplete
    } else if any(|outcome| matches!(outcome, DayOutcome::Exported(_))) {
        Exit::Done
    } else {
        Exit::NoSession
    }
}

#[cfg(test)]
mod tests;
