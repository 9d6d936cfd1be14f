//! `finstream daily`: one machine, every day. It brings the local cloud up, runs what is missing of the last sessions, writes a
//! page that lists the days, and ends; a scheduler of the system starts it after each close.

mod index;
mod json;
mod notify;
mod schedule;
mod state;
mod status;

use std::{collections::BTreeMap, path::Path};

use anyhow::bail;
use jiff::{Timestamp, ToSpan};
use local::{
    LocalCloud, UpOptions,
    cloud::{Guard, Market, Storage},
};
use shared::{Interval, ListName, Symbol, TradeDate, trading_calendar::NEW_YORK};

use super::{
    backfill::{
        self,
        day::Backfill,
        outcome::{DayOutcome, DayReport},
        run_days,
    },
    local::base_url,
};
use crate::{
    alpaca_key::alpaca_key,
    args::{DailyArgs, On, TargetArgs, WhatArgs},
    aws::{lists, target::Target},
    exit::Exit,
    interrupt::{Interrupted, unless_interrupted},
    invocation::as_typed,
    out::OutFolder,
    output::{console::Console, format::pluralize, hints, progress::ProgressDisplay},
    trading_day::{TradingDay, may_trade},
    wait_scale::wait_scale,
    workspace,
};
use json::DailyJson;
use schedule::Schedule;
use state::{LastRun, State};

/// How many days are run at once, as by `backfill`.
const CONCURRENCY: usize = 2;

pub async fn daily(args: DailyArgs, console: &Console) -> anyhow::Result<Exit> {
    let home = workspace::local_home().and_then(|home| Ok(std::path::absolute(home)?));
    if args.uninstall {
        return status::uninstall(home.ok().as_deref(), console).await;
    }
    let home = home?;
    if args.status {
        status::status(&home, console).await
    } else if args.install {
        status::install(&args, &workspace::root()?, &home, console).await
    } else {
        let _lock = state::lock(&home)?;
        run_and_notify(&args, &home, console).await
    }
}

/// Whether a run has the home of a local cloud for itself right now.
pub fn is_running(home: &Path) -> bool {
    state::is_locked(home)
}

/// Runs what is missing, and notifies the user of whatever keeps a day from being collected, such as a full disk.
async fn run_and_notify(args: &DailyArgs, home: &Path, console: &Console) -> anyhow::Result<Exit> {
    let (progress, mut reports) = (console.progress(), Vec::new());
    let ended = run(args, home, console, &progress, &mut reports).await;
    if let Some(message) = failure(ended.as_ref().err(), &reports) {
        let failed = reports.iter().filter(|report| matches!(report.outcome, DayOutcome::Failed { .. }));
        let days: Vec<_> = failed.map(|report| report.date).collect();
        notify::notify(&message, &days, args.on_failure.as_deref(), &progress).await;
    }
    ended
}

async fn run(
    args: &DailyArgs,
    home: &Path,
    console: &Console,
    progress: &ProgressDisplay,
    reports: &mut Vec<DayReport>,
) -> anyhow::Result<Exit> {
    let out = folder(args).absolute()?;
    let mut state = State::load(home)?;
    let started = Timestamp::now();
    if args.when_due.is_some_and(|at| state.has_run_since(Schedule { at }.previous(started))) {
        return Ok(Exit::Done);
    }
    let collected = unless_interrupted(collect(args, home, &out, progress, reports)).await;
    progress.clear();
    reports.sort_by_key(|report| report.date);

    let exit = collected.as_ref().map_or_else(Exit::of_error, |_| backfill::exit(reports));
    let last_run = LastRun {
        list: args.list.clone(),
        started,
        ended: Timestamp::now(),
        outcome: exit.into(),
        message: failure(collected.as_ref().err(), reports),
        index: out.index(),
        days: reports.iter().map(|report| report.date).collect(),
    };
    state.record(last_run, reports, &out);
    let saved = state.save(home).and_then(|()| index::write(&state));
    match (collected, saved) {
        (Ok(backfill), Ok(())) => answer(reports, &backfill, args, console, progress).map(|()| exit),
        (Ok(_), Err(unsaved)) => Err(unsaved),
        (Err(error), saved) => {
            if let Err(unsaved) = saved {
                progress.fail(&format!("{unsaved:#}"));
            }
            if error.is::<Interrupted>() {
                progress.report("interrupted: nothing is left running, and the next `finstream daily` resumes");
                return Ok(exit);
            }
            Err(error)
        }
    }
}

/// The folder of the days' files. That of the list `companies` has the same default as everywhere; another list's is apart from it,
/// so that no day of one is replaced by that of another.
pub fn folder(args: &DailyArgs) -> OutFolder {
    if args.out.folder == OutFolder::default() && args.list != ListName::default() {
        OutFolder::from(Path::new("results").join(&*args.list)).for_days()
    } else {
        args.out.folder.clone().for_days()
    }
}

/// Brings the local cloud up, unless it is, runs what is missing, and takes it down if it was not up before, also when this is
/// dropped. What became of each day is in `reports`.
async fn collect(
    args: &DailyArgs,
    home: &Path,
    out: &OutFolder,
    progress: &ProgressDisplay,
    reports: &mut Vec<DayReport>,
) -> anyhow::Result<Backfill> {
    out.check(None)?;
    let market = Market::Url(base_url(&args.market_url));
    let options = UpOptions {
        root: workspace::root()?,
        home: home.to_owned(),
        alpaca_key: alpaca_key(&market, shared::MarketSource::YAHOO)?,
        market,
        wait_scale: wait_scale(Some(&args.market_url), None)?,
        parameters: BTreeMap::new(),
        storage: Storage::Persistent,
    };
    let cloud = bring_up(args, options, progress).await?;
    let target = Target::find(&TargetArgs { on: Some(On::Local), stack: None }, progress).await?;
    let what = WhatArgs { list: Some(args.list.clone()), symbols: None };
    let symbols = lists::symbols(&target, &what).await?;
    let sessions = newest_sessions(usize::from(args.sessions), &symbols, Timestamp::now());
    progress.set_total(sessions.len());
    progress.report(&format!("the last {} of the list {}", pluralize(sessions.len(), "session"), args.list));
    let backfill = Backfill::new(target, (Some(args.list.clone()), symbols), Interval::default(), out.clone());
    run_days(&backfill, sessions, CONCURRENCY, progress, reports).await;
    drop(cloud);
    Ok(backfill)
}

/// Brings the local cloud up; `None` where one with that market is up already, which is left up.
async fn bring_up(args: &DailyArgs, options: UpOptions, progress: &ProgressDisplay) -> anyhow::Result<Option<Guard>> {
    let market_url = base_url(&args.market_url);
    match LocalCloud::find(&options.home) {
        None => LocalCloud::up(options, progress).await?.guard().map(Some),
        Some(cloud) if cloud.market_url == market_url => Ok(None),
        Some(cloud) => bail!(
            "a local cloud with the market {} is up, and not with {market_url}: stop it with `cargo finstream local down`",
            cloud.market_url
        ),
    }
}

/// The last sessions that have ended, oldest first. Where no calendar is known, these are the last days on which one of the
/// symbols may have traded.
fn newest_sessions(count: usize, symbols: &[Symbol], now: Timestamp) -> Vec<(TradeDate, TradingDay)> {
    let dates = NEW_YORK.date_of(now).series(-1.day()).map(TradeDate::from);
    let days = dates.map(|date| (date, TradingDay::of(date, symbols)));
    let has_traded = |(date, day): &(TradeDate, TradingDay)| match day {
        TradingDay::Open(session) => session.has_ended(now),
        TradingDay::Closed => false,
        TradingDay::Unknown => symbols.iter().any(|symbol| may_trade(symbol, *date)),
    };
    let mut sessions: Vec<_> = days.filter(has_traded).take(count).collect();
    sessions.reverse();
    sessions
}

/// What failed, why, and what to do, in a line for each day; `None` where nothing did, or only an interrupt ended it.
fn failure(error: Option<&anyhow::Error>, reports: &[DayReport]) -> Option<String> {
    if error.is_some_and(anyhow::Error::is::<Interrupted>) {
        return None;
    }
    let of_day = |DayReport { date, outcome, .. }: &DayReport| match outcome {
        DayOutcome::Failed { failure, .. } => {
            let cause = failure.cause.lines().next().unwrap_or_default();
            Some(format!("{date} failed with {}: {cause}; {}", failure.error, hints::hint(&failure.error)))
        }
        DayOutcome::NotRun => Some(format!("{date} was not run, since the market blocks this machine")),
        _ => None,
    };
    let failures: Vec<_> =
        error.map(|error| format!("{error:#}")).into_iter().chain(reports.iter().filter_map(of_day)).collect();
    (!failures.is_empty()).then(|| as_typed(&failures.join("\n")).into_owned())
}

/// Prints the table of the days and where the page is, and every failure to standard error.
fn answer(
    reports: &[DayReport],
    backfill: &Backfill,
    args: &DailyArgs,
    console: &Console,
    progress: &ProgressDisplay,
) -> anyhow::Result<()> {
    let index = backfill.out.index();
    let text = format!("{}\nindex   {}", backfill::text(reports, backfill), index.display());
    console.answer(&text, &DailyJson::of(backfill, &args.list, &index, reports))?;
    backfill::print_failures(reports, progress, |execution| {
        format!(
            "{} (while the local cloud is up: cargo finstream local up --market-url {})",
            backfill.target.follow_hint(execution),
            base_url(&args.market_url)
        )
    });
    Ok(())
}

#[cfg(test)]
mod tests;
