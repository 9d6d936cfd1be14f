//! `finstream backfill` and `finstream gaps`: three weeks with a holiday and a half day, interrupted once.

use std::{fs, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::trading_days;
use jiff::civil::date;
use serde_json::Value;
use shared::Interval;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{Context, days::right, trials};

trials![three_weeks_are_filled_though_interrupted];

const PERIOD: [&str; 4] = ["--from", "2024-11-18", "--to", "2024-12-06"];

async fn three_weeks_are_filled_though_interrupted(context: Arc<Context>) -> Result<()> {
    let out = tempfile::tempdir()?;
    let folder = out.path().to_string_lossy().into_owned();
    let args = [&["backfill"], &PERIOD[..], &["--concurrency", "3", "--out", &folder]].concat();
    interrupted_after_two_days(&context, &args).await?;

    let shown = context.tools.finstream_on(&context.stack.cloud, &args).await?;
    ensure!(shown.code == 0, "{}", shown.text);
    let last = date(2024, 12, 6).into();
    let days: Vec<_> = trading_days(date(2024, 11, 18)).take_while(|day| *day <= last).collect();
    ensure!(days.len() == 14);
    for day in days {
        let csv = fs::read_to_string(out.path().join(day.to_string()).join("hourly_extremes.csv"))?;
        right(&context.stack, day, Interval::FiveMinutes, &csv).await?;
        ensure!(shown.text.contains(&day.to_string()), "the table lacks {day}:\n{}", shown.text);
    }
    ensure!(!out.path().join("2024-11-28").exists(), "Thanksgiving has a folder");
    for text in ["half", "closed", "done before", "exported"] {
        ensure!(shown.text.contains(text), "the table lacks {text:?}:\n{}", shown.text);
    }
    no_day_ran_twice(&context).await?;

    let shown = context.tools.finstream_on(&context.stack.cloud, &[&["gaps"], &PERIOD[..]].concat()).await?;
    ensure!(shown.code == 0 && shown.text.contains("trading days: 14, "), "{}", shown.text);
    ensure!(shown.text.contains("without any bars: 0"), "{}", shown.text);
    let shown = context
        .tools
        .finstream_on(&context.stack.cloud, &["gaps", "--from", "2023-07-03", "--to", "2023-07-05"])
        .await?;
    ensure!(shown.code == 0 && shown.text.contains("without any bars: 2"), "{}", shown.text);
    Ok(())
}

/// Ctrl-C after the second day that is told.
async fn interrupted_after_two_days(context: &Context, args: &[&str]) -> Result<()> {
    let mut command = Command::new(context.tools.finstream_program());
    command.args(args).current_dir(&context.tools.root);
    command.env("FINSTREAM_LOCAL_HOME", &context.stack.cloud.home);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    let (mut told, mut text) = (0, String::new());
    while let Some(line) = lines.next_line().await? {
        told += usize::from(line.contains("bars, 10 symbols"));
        text += &format!("{line}\n");
        if told == 2 {
            break;
        }
    }
    let id = child.id().context("the command ended before it was interrupted")?.to_string();
    ensure!(Command::new("kill").args(["-INT", &id]).status().await?.success());
    while let Some(line) = lines.next_line().await? {
        text += &format!("{line}\n");
    }
    let code = tokio::time::timeout(Duration::from_secs(30), child.wait()).await??.code();
    ensure!(code == Some(130) && text.contains("the same command goes on where this one stopped"), "{code:?}: {text}");
    Ok(())
}

/// A second attempt at a day would have an execution of its own, with a number behind its name.
async fn no_day_ran_twice(context: &Context) -> Result<()> {
    let machine = context.stack.cloud.output("StateMachineArn")?;
    let list = ["stepfunctions", "list-executions", "--state-machine-arn", machine];
    let executions: Value = serde_json::from_str(&context.tools.aws(&context.stack.cloud, &list).await?)?;
    let executions = executions["executions"].as_array().into_iter().flatten();
    let names: Vec<_> =
        executions.filter_map(|run| run["name"].as_str()).filter(|name| name.starts_with("backfill-2024-1")).collect();
    ensure!(names.len() == 14, "{names:#?}");
    Ok(())
}
