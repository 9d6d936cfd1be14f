//! `finstream daily`: one machine, every day. It brings the local cloud up, runs what is missing of the last sessions, writes a
//! page that lists the days, and ends; a scheduler of the system starts it after each close.

mod index;
mod json;
mod notify;
mod schedule;
mod state;
mod status;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::bail;
use jiff::{Timestamp, ToSpan};
use local::{
    LocalCloud, UpOptions,
    cloud::{Guard, MarketSource, Storage},
};
use shared::{Interval, Symbol, TradeDate, trading_calendar::NEW_YORK};

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
    args::{DailyArgs, On, TargetArgs, WhatArgs},
    aws::{lists, target::Target},
    exit::Exit,
    interrupt::{Interrupted, unless_interrupted},
    out::OutFolder,
    output::{console::Console, format::pluralize, hints, progress::ProgressDisplay, tables},
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
    let root = workspace::root()?;
    let home = std::path::absolute(workspace::local_home(&root))?;
    if args.status {
        status::status(&home, console).await
    } else if args.uninstall {
        status::uninstall(&home, console).await
    } else if args.install {
        status::install(&args, &root, &home, console).await
    } else {
        run(&args, root, home, console).await
    }
}

async fn run(args: &DailyArgs, root: PathBuf, home: PathBuf, console: &Console) -> anyhow::Result<Exit> {
    let out = args.out.folder.clone().for_days().absolute()?;
    out.check(None)?;
    let options = UpOptions {
        root,
        home: home.clone(),
        market: MarketSource::Url(base_url(&args.market_url)),
        wait_scale: wait_scale(Some(&args.market_url), None)?,
        parameters: BTreeMap::new(),
        storage: Storage::Persistent,
    };
    let _lock = state::lock(&home)?;
    let mut state = State::load(&home)?;
    let started = Timestamp::now();
    if args.when_due.is_some_and(|at| state.has_run_since(Schedule { at }.previous(started))) {
        return Ok(Exit::Done);
    }
    let progress = console.progress();
    let mut reports = Vec::new();
    let collected = unless_interrupted(collect(args, options, &out, &progress, &mut reports)).await;
    progress.clear();
    reports.sort_by_key(|report| report.date);

    let exit = collected.as_ref().map_or_else(Exit::of_error, |_| backfill::exit(&reports));
    let failure = (!matches!(exit, Exit::Interrupted)).then(|| failure(collected.as_ref().err(), &reports)).flatten();
    let last_run = LastRun {
        list: args.list.clone(),
        started,
        ended: Timestamp::now(),
        outcome: exit.into(),
        message: failure,
        index: out.index(),
        days: reports.iter().map(|report| report.date).collect(),
    };
    state.record(last_run, &reports, &out);
    let saved = state.save(&home).and_then(|()| index::write(&state));
    let ended = match (collected, saved) {
        (Ok(backfill), Ok(())) => answer(&reports, &backfill, args, console, &progress).map(|()| exit),
        (Err(error), Ok(())) if error.is::<Interrupted>() => Ok(exit),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Err(error), Err(unsaved)) => Err(error.context(format!("{unsaved:#}"))),
    };
    let message = match &ended {
        Ok(_) => state.last_run.and_then(|last| last.message),
        Err(error) => Some(format!("{error:#}")),
    };
    if let Some(message) = message {
        let failed = reports.iter().filter(|report| matches!(report.outcome, DayOutcome::Failed { .. }));
        let days: Vec<_> = failed.map(|report| report.date).collect();
        notify::notify(&message, &days, args.on_failure.as_deref(), &progress).await;
    }
    ended
}

/// Brings the local cloud up, unless it is, runs what is missing, and takes it down if it was not up before, also when this is
/// dropped. What became of each day is in `reports`.
async fn collect(
    args: &DailyArgs,
    options: UpOptions,
    out: &OutFolder,
    progress: &ProgressDisplay,
    reports: &mut Vec<DayReport>,
) -> anyhow::Result<Backfill> {
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

/// What failed, in a line for each day; `None` where nothing did.
fn failure(error: Option<&anyhow::Error>, reports: &[DayReport]) -> Option<String> {
    let of_day = |report: &DayReport| match &report.outcome {
        DayOutcome::Failed { failure, .. } => {
            Some(format!("{} failed with {}: {}", report.date, failure.error, hints::hint(&failure.error)))
        }
        _ => None,
    };
    let failures: Vec<_> =
        error.map(|error| format!("{error:#}")).into_iter().chain(reports.iter().filter_map(of_day)).collect();
    (!failures.is_empty()).then(|| failures.join("\n"))
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
    for report in reports {
        if let DayOutcome::Failed { execution, failure } = &report.outcome {
            let show = format!(
                "{} (while the local cloud is up: cargo finstream local up --market-url {})",
                backfill.target.follow_hint(execution),
                base_url(&args.market_url)
            );
            progress.fail(&tables::failed(&format!("{} failed", report.date), failure, &show));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
