//! `finstream backfill`: one run for each trading day of a range that is still missing, oldest first, a few at once.

mod day;
mod export;
mod report;
mod table;

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use anyhow::Context;
use jiff::Timestamp;
use local::market::NEW_YORK;
use shared::{Interval, Symbol, TradeDate, market};
use tokio::task::JoinSet;

use crate::{
    answers::counted,
    args::{BackfillArgs, BadRequest, dates},
    companies,
    days::{Day, is_weekend},
    run::{INTERRUPTED, interrupted},
    screen::{Screen, print},
    show,
    target::Target,
};
use day::Job;
use report::{Outcome, Report};

/// `finstream backfill`.
pub async fn backfill(args: BackfillArgs) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    let range = args.period.range(now)?;
    let symbols = args.period.symbols.clone().map_or_else(companies::symbols, Ok)?;
    let target = Target::find(args.place.stack.as_deref()).await?;
    if target.asks_yahoo() {
        still_kept(args.period.from, args.period.interval, now)?;
    }
    let plan = Plan::of(dates(&range), &symbols, now);
    let screen = Screen::counting(plan.runs.len());
    screen.tell(&format!("{} of {} to {} on {}", plan.in_words(), range.start(), range.end(), target.name));
    for date in &plan.not_over {
        screen.tell(&format!("{date}  left out: its session has not ended"));
    }
    let job = Arc::new(Job::new(target, symbols, args.period.interval, args.out));
    let Plan { runs, mut rest, .. } = plan;
    let Some(done) = run_all(&job, runs, usize::from(args.concurrency), &screen).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    screen.clear();
    rest.extend(done);
    rest.sort_by_key(|report| report.date);
    conclude(&rest, &job)
}

/// Refuses a range whose first day Yahoo has forgotten.
fn still_kept(from: TradeDate, interval: Interval, now: Timestamp) -> Result<(), BadRequest> {
    let (kept, earliest) = (market::days_kept(interval), market::earliest(interval, now, &NEW_YORK.zone));
    if from >= earliest {
        return Ok(());
    }
    let problem = format!("Yahoo has {interval} bars of the last {kept} days only, and {from} is older");
    Err(BadRequest(format!("{problem}: use --from {earliest} or later")))
}

/// What is to be done about each day of a range.
#[derive(Debug, Default)]
struct Plan {
    /// The days to run, oldest first.
    runs: Vec<(TradeDate, Day)>,
    /// The holidays, as they will be shown. Weekends go without saying.
    rest: Vec<Report>,
    /// The days whose bars are not final yet.
    not_over: Vec<TradeDate>,
}

impl Plan {
    fn of(dates: impl Iterator<Item = TradeDate>, symbols: &[Symbol], now: Timestamp) -> Self {
        let mut plan = Self::default();
        for date in dates {
            match Day::of(date, symbols) {
                Day::Closed if is_weekend(date) => {}
                Day::Closed => {
                    plan.rest.push(Report { date, session: Day::Closed.in_a_word(), outcome: Outcome::Closed })
                }
                Day::Open(session) if !session.has_ended(now) => plan.not_over.push(date),
                day => plan.runs.push((date, day)),
            }
        }
        plan
    }

    fn in_words(&self) -> String {
        let what = if self.runs.iter().any(|(_, day)| *day == Day::Unknown) { "day" } else { "trading day" };
        counted(self.runs.len(), what)
    }
}

/// Brings every day to its end; `None` when that was interrupted.
async fn run_all(
    job: &Arc<Job>,
    runs: Vec<(TradeDate, Day)>,
    concurrency: usize,
    screen: &Screen,
) -> anyhow::Result<Option<Vec<Report>>> {
    let (mut waiting, mut at_work) = (runs.into_iter(), JoinSet::new());
    let (mut reports, mut under_way) = (Vec::new(), BTreeSet::new());
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    loop {
        for (date, day) in waiting.by_ref().take(concurrency - at_work.len()) {
            under_way.insert(date);
            let job = Arc::clone(job);
            at_work.spawn(async move { job.finish(date, day).await });
        }
        screen.again(&under_way.iter().map(TradeDate::to_string).collect::<Vec<_>>().join(", "));
        tokio::select! {
            ended = at_work.join_next() => {
                let Some(ended) = ended else { return Ok(Some(reports)) };
                let report = ended.context("a day was left in the middle: give the same command again")?;
                under_way.remove(&report.date);
                screen.tell(&report.in_a_line());
                screen.count();
                reports.push(report);
            }
            () = &mut interrupted => {
                screen.clear();
                screen.tell(&goes_on(&job.running().await, &job.target));
                return Ok(None);
            }
        }
    }
}

/// What an interrupt does not end.
fn goes_on(running: &[String], target: &Target) -> String {
    let executions = match running {
        [] => "no execution is under way".to_owned(),
        names => {
            let names: Vec<_> = names.iter().map(|name| format!("\n  {}", target.how_to_look(name))).collect();
            format!("no further day is started, and what was started goes on:{}", names.concat())
        }
    };
    format!("interrupted: {executions}\nthe same command goes on where this one stopped")
}

/// Shows the days, what they lack, and what failed.
fn conclude(reports: &[Report], job: &Job) -> anyhow::Result<ExitCode> {
    if !reports.is_empty() {
        print(&table::of(reports, None))?;
    }
    print(&table::total(reports))?;
    if let Some(simulated) = table::simulated(reports) {
        print(show::prices(simulated))?;
        print(&format!("files   {}", job.out.join("<trade date>").display()))?;
    }
    let mut code = ExitCode::SUCCESS;
    for report in reports {
        if let Outcome::Failed { execution, failure } = &report.outcome {
            let headline = format!("{} failed", report.date);
            print(&show::failed(&headline, failure, &job.target.how_to_look(execution)))?;
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests;
