//! One run: an execution is started, followed to its end, and its files are fetched.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use aws_sdk_sfn::types::ExecutionStatus;
use shared::payload::{RunOutcome, RunRequest};

use crate::{
    args::{FollowArgs, RunArgs},
    files,
    history::{self, Event, Failure},
    screen::{Screen, print},
    show,
    story::Story,
    target::{Target, refusal},
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

/// Starts an execution and returns its name.
pub async fn start(target: &Target, request: &RunRequest) -> anyhow::Result<String> {
    let day = request.trade_date.map_or_else(|| "latest".to_owned(), |date| date.to_string());
    let name = format!("manual-{day}-{:08x}", rand::random::<u32>());
    let input = serde_json::to_string(request).context("the input is not JSON")?;
    let call = target.sfn.start_execution().state_machine_arn(&target.state_machine).name(&name).input(input);
    match call.send().await {
        Ok(_) => Ok(name),
        // The name is new, so this was the SDK's own second attempt after a lost answer.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(name),
        Err(error) => Err(refusal("states:StartExecution", &error)),
    }
}

/// Follows an execution to its end and shows what came of it.
pub async fn conclude(target: &Target, name: &str, out: Option<PathBuf>, screen: &Screen) -> anyhow::Result<ExitCode> {
    screen.tell(&format!("{name} on {}", target.name));
    let execution = target.execution_arn(name);
    let story = watch(target, &execution, screen).await?;
    let ending = ending(target, &execution).await?;
    match ending {
        Ending::Succeeded(RunOutcome::Exported { trade_date, bars, symbols, csv, report, simulated }) => {
            let folder = out.unwrap_or_else(|| PathBuf::from("results").join(trade_date.to_string()));
            screen.now("fetching the CSV and the report");
            let csv = files::fetch(&target.s3, &csv, &folder).await?;
            let report = files::fetch(&target.s3, &report, &folder).await?;
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
            screen.tell(&show::failed(&failure, story.failed_in(&failure.error), &target.how_to_look(name)));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// How many times in a row Step Functions may not answer, each after the SDK's own retries.
const PATIENCE: u32 = 5;

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

fn slower(pause: Duration, longest: Duration) -> Duration {
    pause.mul_f64(1.25).min(longest)
}

/// How an execution ended.
enum Ending {
    Succeeded(RunOutcome),
    Failed(Failure),
}

/// Reads how the execution ended. The description may lag behind the history for a moment.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
async fn ending(target: &Target, execution: &str) -> anyhow::Result<Ending> {
    for _ in 0..PATIENCE {
        let call = target.sfn.describe_execution().execution_arn(execution).send().await;
        let found = call.map_err(|error| refusal("states:DescribeExecution", &error))?;
        match found.status() {
            ExecutionStatus::Running => tokio::time::sleep(target.pace.1).await,
            ExecutionStatus::Succeeded => {
                let output = found.output().unwrap_or_default();
                let what_to_do = "the execution's output is not this program's: deploy the stack from the same version";
                return Ok(Ending::Succeeded(serde_json::from_str(output).context(what_to_do)?));
            }
            ExecutionStatus::Aborted => return Ok(Ending::Failed(Failure::new(Some("Aborted"), found.cause()))),
            _ => return Ok(Ending::Failed(Failure::new(found.error().or(Some("States.Timeout")), found.cause()))),
        }
    }
    bail!(
        "the history of {execution} has ended but its description says that it is running: try `cargo finstream follow` in a minute"
    )
}
