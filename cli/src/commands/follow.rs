//! `finstream follow`: shows an execution as it goes on, and fetches its files. `run` and `demo` end in it, too.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use shared::{hourly_extreme, payload::RunOutcome};

use crate::{
    args::FollowArgs,
    aws::{
        execution::{self, Ending, State},
        history::{self, Event},
        poll::{Poll, poll_until},
        s3,
        target::Target,
    },
    interrupt::{INTERRUPTED, interrupted},
    output::{
        progress::{Screen, print},
        tables,
        timeline::Timeline,
    },
};

/// `finstream follow`.
pub async fn follow(args: FollowArgs) -> anyhow::Result<ExitCode> {
    let target = Target::find(args.place.stack.as_deref()).await?;
    until_interrupted(&target, &args.execution, args.out).await
}

/// Follows an execution until it has ended or Ctrl-C is pressed, which leaves it running.
pub async fn until_interrupted(target: &Target, name: &str, out: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let screen = Screen::new();
    tokio::select! {
        code = conclude(target, name, out, &screen) => code,
        () = interrupted() => {
            screen.tell(&format!("the execution goes on; look at it again with {}", target.follow_hint(name)));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Follows an execution to its end and shows what came of it.
pub async fn conclude(target: &Target, name: &str, out: Option<PathBuf>, screen: &Screen) -> anyhow::Result<ExitCode> {
    screen.tell(&format!("{name} on {}", target.name));
    let execution = target.execution_arn(name);
    let timeline = watch(target, &execution, screen).await?;
    match ending(target, name).await? {
        Ending::Succeeded(RunOutcome::Exported { trade_date, bars, symbols, csv, report, versions, simulated }) => {
            let folder = out.unwrap_or_else(|| PathBuf::from("results").join(trade_date.to_string()));
            screen.now("fetching the CSV and the report");
            let csv = s3::fetch(&target.s3, &csv, versions.csv.as_deref(), &folder).await?;
            let report = s3::fetch(&target.s3, &report, versions.report.as_deref(), &folder).await?;
            screen.clear();
            let rows = hourly_extreme::read(&fs::read(&csv)?)
                .with_context(|| format!("{} is not a result of this version", csv.display()))?;
            print(&tables::exported(&rows, bars, &symbols, simulated, None))?;
            print(&format!("csv     {}\nreport  {}", csv.display(), report.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Ending::Succeeded(RunOutcome::NoSession { trade_date, symbols, simulated }) => {
            screen.clear();
            print(&tables::no_session(trade_date, &symbols.failed, simulated, None))?;
            Ok(ExitCode::SUCCESS)
        }
        Ending::Failed(failure) => {
            let place =
                timeline.failed_in(&failure.error).map(|state| format!(" in the state {state}")).unwrap_or_default();
            screen.tell(&tables::failed(&format!("the run failed{place}"), &failure, &target.follow_hint(name)));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Shows the history of an execution as it grows, until it has ended.
async fn watch(target: &Target, execution: &str, screen: &Screen) -> anyhow::Result<Timeline> {
    let waits = history::waits(&target.sfn, execution, target.wait_scale).await?;
    let mut timeline = Timeline::new(waits);
    poll_until(target.poll_interval, async || {
        let events = history::since(&target.sfn, execution, timeline.last()).await?;
        tell(&mut timeline, &events, screen);
        Ok(match events.is_empty() {
            _ if timeline.has_ended() => Poll::Ready(()),
            true => Poll::Pending,
            false => Poll::News,
        })
    })
    .await
    .context("the execution goes on, but it cannot be followed")?;
    Ok(timeline)
}

fn tell(timeline: &mut Timeline, events: &[Event], screen: &Screen) {
    for line in events.iter().flat_map(|event| timeline.tell(event)) {
        screen.show(&line);
    }
}

/// Reads how an execution ended. The description may lag behind the history for a moment.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
async fn ending(target: &Target, name: &str) -> anyhow::Result<Ending> {
    poll_until(target.poll_interval, async || match execution::describe(target, name).await? {
        Some(State::Ended { ending, .. }) => Ok(Poll::Ready(*ending)),
        _ => anyhow::bail!(
            "the history of {name} has ended but its description says that it is running: try `cargo finstream follow` in a minute"
        ),
    })
    .await
}
