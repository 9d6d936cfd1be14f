//! `finstream follow`: shows the progress and the result of an execution, and downloads its files. `run` and `demo`
//! do the same once they have started theirs.

mod run_json;
pub mod watch;

use std::fs;

use anyhow::Context;
use jiff::Timestamp;
use shared::{
    ExportFiles, Interval, TradeDate, hourly_extreme,
    payload::{RunOutcome, RunRequest},
};

use crate::{
    args::{FollowArgs, ResultArgs},
    aws::{
        execution::{self, RunResult, Status},
        export_files,
        poll::{Poll, poll_until},
        target::Target,
    },
    exit::Exit,
    interrupt::{interrupted, unless_interrupted},
    output::{
        browser,
        console::Console,
        hints, json,
        progress::ProgressDisplay,
        result::ExportedRun,
        tables,
        terminal::{Styled, Terminal},
        timeline::Timeline,
    },
};
use run_json::{FilesJson, RunJson, RunResultJson};
use watch::watch;

pub async fn follow(args: FollowArgs, console: &Console) -> anyhow::Result<Exit> {
    args.result.out.folder.check(None)?;
    let progress = console.progress();
    let target = unless_interrupted(Target::find(&args.target, &progress)).await?;
    unless_interrupted(check_that_it_exists(&target, &args.execution)).await?;
    let followed = follow_to_end(&target, &args.execution, &args.result, console, &progress);
    until_interrupted(&target, &args.execution, followed, &progress).await
}

/// # Errors
/// When there is no execution of that name; the error names the newest ones.
async fn check_that_it_exists(target: &Target, name: &str) -> anyhow::Result<()> {
    const SHOWN: usize = 5;
    if execution::describe(target, name).await?.is_some() {
        return Ok(());
    }
    let newest: Vec<_> = execution::newest(target, SHOWN).await?.into_iter().map(|execution| execution.name).collect();
    let what_is_there = match newest.as_slice() {
        [] => "nothing has run there yet: start one with `cargo finstream run`".to_owned(),
        names => format!("the newest are {}; `cargo finstream list` shows more", names.join(", ")),
    };
    anyhow::bail!("there is no execution {name} on {}, or it ended more than 90 days ago: {what_is_there}", target.name)
}

/// Starts or follows an execution until it has ended or Ctrl-C is pressed, which leaves it running.
pub async fn until_interrupted(
    target: &Target,
    name: &str,
    followed: impl Future<Output = anyhow::Result<Exit>>,
    progress: &ProgressDisplay,
) -> anyhow::Result<Exit> {
    tokio::select! {
        exit = followed => exit,
        () = interrupted() => {
            let follow = target.follow_hint(name);
            progress.report(&format!("the execution is still running; follow it again with {follow}"));
            Ok(Exit::Interrupted)
        }
    }
}

/// Follows an execution to its end, downloads its files and shows its result.
pub async fn follow_to_end(
    target: &Target,
    name: &str,
    delivery: &ResultArgs,
    console: &Console,
    progress: &ProgressDisplay,
) -> anyhow::Result<Exit> {
    progress.report(&format!("execution {name}"));
    let request = request_of(target, name).await?;
    let timeline = follow_history(target, name, &request, progress).await?;
    let (result, seconds) = result_of(target, name).await?;
    let form = |result| RunJson { place: target.place(), execution: name, seconds: json::seconds(seconds), result };
    match result {
        Ok(RunOutcome::Exported {
            list,
            trade_date,
            bars,
            symbols,
            csv,
            report,
            simulated,
            restated,
            carried_over,
            ..
        }) => {
            let folder = delivery.out.folder.of(trade_date);
            let files = ExportFiles { csv, report };
            let are_of_the_day = files.csv.key.starts_with("exports/");
            progress.start_step("downloading the CSV and the report");
            let of = (list.as_ref(), trade_date);
            let [csv, report] = export_files::download(&target.s3, &files, of, &folder).await?;
            let lists = (&restated[..], &carried_over[..]);
            let symbols = export_files::symbol_outcomes(&target.s3, symbols, lists, of).await?;
            let (restated, carried_over) = (symbols.restated(), symbols.carried_over());
            progress.clear();
            let rows = hourly_extreme::read(&fs::read(&csv)?)
                .with_context(|| format!("{} is not a result of this version", csv.display()))?;
            let run = ExportedRun {
                trade_date,
                rows: &rows,
                symbols: &symbols,
                restated: &restated,
                carried_over: &carried_over,
                simulated,
                all_companies: &all_companies(target, &request, trade_date),
            };
            let mut text = run.describe(Terminal::stdout());
            text.push(&format!("csv     {}\nreport  {}", csv.display(), report.display()));
            let complete = symbols.is_complete();
            let result = RunResultJson::Exported {
                list: list.as_ref(),
                trade_date,
                bars,
                complete,
                simulated,
                symbols: &symbols,
                restated: &restated,
                carried_over: &carried_over,
                csv: &files.csv,
                report: &files.report,
                files: FilesJson { csv: json::path(&csv), report: json::path(&report) },
            };
            console.answer(text, &form(result))?;
            if are_of_the_day {
                progress.report(
                    "this execution kept no files of its own: the CSV and the report are those of the day's newest run",
                );
            }
            if delivery.open {
                browser::open(&report, progress);
            }
            Ok(if complete { Exit::Done } else { Exit::Incomplete })
        }
        Ok(RunOutcome::NoSession { trade_date, symbols, simulated }) => {
            let symbols = export_files::symbol_outcomes(&target.s3, symbols, (&[], &[]), (None, trade_date)).await?;
            progress.clear();
            let text = tables::no_session(trade_date, &symbols.failed, simulated, Terminal::stdout());
            console.answer(&text, &form(RunResultJson::NoSession { trade_date, simulated, symbols: &symbols }))?;
            Ok(Exit::NoSession)
        }
        Err(failure) => {
            let state = timeline.failed_in(&failure.error);
            let in_state = state.map(|state| format!(" in the state {state}")).unwrap_or_default();
            progress.fail(&tables::failed(&format!("the run failed{in_state}"), &failure, &target.follow_hint(name)));
            let next = hints::hint(&failure.error);
            let result = RunResultJson::Failed { error: &failure.error, cause: &failure.cause, state, next };
            console.answer(Styled::default(), &form(result))?;
            Ok(Exit::Failed)
        }
    }
}

/// The input of an execution; an empty one where it is not a request, which fails the execution.
async fn request_of(target: &Target, name: &str) -> anyhow::Result<RunRequest> {
    let found = execution::find(target, name).await?;
    let input = found.as_ref().and_then(|found| found.input());
    Ok(input.and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default())
}

/// Shows what an execution is doing, until it has ended.
async fn follow_history(
    target: &Target,
    name: &str,
    request: &RunRequest,
    progress: &ProgressDisplay,
) -> anyhow::Result<Timeline> {
    let companies = watch::companies(target, request).await;
    watch(target, &target.execution_arn(name), companies, progress.verbosity(), |lines, phases| {
        lines.iter().for_each(|line| progress.show(line));
        if let Some(current) = phases.line(Timestamp::now()) {
            progress.overwrite(&current);
        }
    })
    .await
}

/// Where all companies of a day are when they are too many to be shown: the command, where they are published and stay there.
fn all_companies(target: &Target, request: &RunRequest, trade_date: TradeDate) -> String {
    if request.symbols.is_some() || !target.keeps_data {
        return "see the CSV or the report".to_owned();
    }
    let list = request.list.as_ref().map(|list| format!(" --list {list}")).unwrap_or_default();
    let interval = request.interval.filter(|interval| *interval != Interval::default());
    let interval = interval.map(|interval| format!(" --interval {interval}")).unwrap_or_default();
    format!("cargo finstream show {trade_date}{list}{interval}{}", target.options)
}

/// The result of an execution that has ended, and how long it took, in seconds. Its description is eventually consistent
/// and may lag behind its history.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
async fn result_of(target: &Target, name: &str) -> anyhow::Result<(RunResult, f64)> {
    poll_until(target.poll_interval, async || match execution::describe(target, name).await? {
        Some(Status::Ended { result, seconds }) => Ok(Poll::Ready((*result, seconds))),
        _ => anyhow::bail!(
            "the history of {name} has ended but its status is still running: try `cargo finstream follow` in a minute"
        ),
    })
    .await
}
