//! One run: an execution is started, followed to its end, and its files are fetched.

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use shared::payload::{RunOutcome, RunRequest};

use crate::{
    args::{FollowArgs, RunArgs},
    execution::{self, Ending, PATIENCE, State, slower},
    files,
    history::{self, Event},
    screen::{Screen, print},
    show,
    story::Story,
    target::Target,
};

/// Exit code of a command that Ctrl-C ended, as shells count it.
pub const INTERRUPTED: u8 = 130;

/// `finstream run`.
pub async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let target = Target::find(args.place.stack.as_deref()).await?;
    let name = start(&target, &args.request.request()).await?;
    until_interrupted(&target, &name, args.request.out).await
}

/// `finstream follow`.
pub async fn follow(args: FollowArgs) -> anyhow::Result<ExitCode> {
    let target = Target::find(args.place.stack.as_deref()).await?;
    until_interrupted(&target, &args.execution, args.out).await
}

async fn until_interrupted(target: &Target, name: &str, out: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let screen = Screen::new();
    tokio::select! {
        code = conclude(target, name, out, &screen) => code,
        () = interrupted() => {
            screen.tell(&format!("the execution goes on; look at it again with {}", target.how_to_look(name)));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Waits for Ctrl-C, or for the signal with which a system ends a program.
pub async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// Starts an execution under a new name and returns the name.
pub async fn start(target: &Target, request: &RunRequest) -> anyhow::Result<String> {
    let day = request.trade_date.map_or_else(|| "latest".to_owned(), |date| date.to_string());
    let name = format!("manual-{day}-{:08x}", rand::random::<u32>());
    execution::start(target, &name, request).await?;
    Ok(name)
}

/// Follows an execution to its end and shows what came of it.
pub async fn conclude(target: &Target, name: &str, out: Option<PathBuf>, screen: &Screen) -> anyhow::Result<ExitCode> {
    screen.tell(&format!("{name} on {}", target.name));
    let execution = target.execution_arn(name);
    let story = watch(target, &execution, screen).await?;
    match ending(target, name).await? {
        Ending::Succeeded(RunOutcome::Exported { trade_date, bars, symbols, csv, report, versions, simulated }) => {
            let folder = out.unwrap_or_else(|| PathBuf::from("results").join(trade_date.to_string()));
            screen.now("fetching the CSV and the report");
            let csv = files::fetch(&target.s3, &csv, versions.csv.as_deref(), &folder).await?;
            let report = files::fetch(&target.s3, &report, versions.report.as_deref(), &folder).await?;
            screen.clear();
            let rows = show::read(&csv)?;
            print(&show::exported(&rows, bars, &symbols, simulated, None))?;
            print(&format!("csv     {}\nreport  {}", csv.display(), report.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Ending::Succeeded(RunOutcome::NoSession { trade_date, symbols, simulated }) => {
            screen.clear();
            print(&show::no_session(trade_date, &symbols.failed, simulated, None))?;
            Ok(ExitCode::SUCCESS)
        }
        Ending::Failed(failure) => {
            let place =
                story.failed_in(&failure.error).map(|state| format!(" in the state {state}")).unwrap_or_default();
            screen.tell(&show::failed(&format!("the run failed{place}"), &failure, &target.how_to_look(name)));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Shows the history of an execution as it grows, until it has ended.
async fn watch(target: &Target, execution: &str, screen: &Screen) -> anyhow::Result<Story> {
    let waits = history::waits(&target.sfn, execution, target.wait_scale).await?;
    let (mut story, mut unanswered) = (Story::new(waits), 0);
    let (shortest, longest) = target.pace;
    let mut pause = shortest;
    loop {
        let news = history::since(&target.sfn, execution, story.last()).await;
        pause = if news.as_ref().is_ok_and(|events| !events.is_empty()) { shortest } else { slower(pause, longest) };
        unanswered = if news.is_ok() { 0 } else { unanswered + 1 };
        match news {
            Ok(events) => tell(&mut story, &events, screen),
            Err(error) if unanswered >= PATIENCE => {
                return Err(error.context("the execution goes on, but it cannot be followed"));
            }
            Err(_) => {}
        }
        if story.has_ended() {
            return Ok(story);
        }
        tokio::time::sleep(pause).await;
    }
}

fn tell(story: &mut Story, events: &[Event], screen: &Screen) {
    for line in events.iter().flat_map(|event| story.tell(event)) {
        screen.show(&line);
    }
}

/// Reads how an execution ended. The description may lag behind the history for a moment.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
async fn ending(target: &Target, name: &str) -> anyhow::Result<Ending> {
    for _ in 0..PATIENCE {
        if let Some(State::Ended { ending, .. }) = execution::look(target, name).await? {
            return Ok(ending);
        }
        tokio::time::sleep(target.pace.1).await;
    }
    bail!(
        "the history of {name} has ended but its description says that it is running: try `cargo finstream follow` in a minute"
    )
}
