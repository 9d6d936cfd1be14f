//! `finstream backfill`, interrupted once, and `finstream gaps`, for three weeks with a holiday and a half day.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{DEFAULT_COMPANIES, OutFolder, trading_days, verify_csv};
use jiff::civil::date;
use shared::Interval;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{Context, trials};

trials![an_interrupted_backfill_of_three_weeks_resumes];

const PERIOD: [&str; 4] = ["--from", "2024-11-18", "--to", "2024-12-06"];

async fn an_interrupted_backfill_of_three_weeks_resumes(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = out.arg();
    let args = [&["backfill"], &PERIOD[..], &["--concurrency", "3", "--out", &folder]].concat();
    interrupt_after_two_days(&context, &args).await?;

    let shown = context.tools.finstream_on(&context.stack.cloud, &args).await?;
    ensure!(shown.has_result(), "{}", shown.text);
    let last = date(2024, 12, 6).into();
    let days: Vec<_> = trading_days(date(2024, 11, 18)).take_while(|day| *day <= last).collect();
    ensure!(days.len() == 14);
    for day in days {
        let csv = out.read(format!("{day}/hourly_extremes.csv"))?;
        verify_csv(&context.stack.market, day, Interval::FiveMinutes, &DEFAULT_COMPANIES, &csv).await?;
        ensure!(shown.text.contains(&day.to_string()), "the table lacks {day}:\n{}", shown.text);
    }
    ensure!(!out.join("2024-11-28").exists(), "Thanksgiving has a folder");
    for text in ["half", "closed", "already done", "exported"] {
        ensure!(shown.text.contains(text), "the table lacks {text:?}:\n{}", shown.text);
    }
    no_day_ran_twice(&context).await?;

    let shown = context.tools.finstream_on(&context.stack.cloud, &[&["gaps"], &PERIOD[..]].concat()).await?;
    ensure!(shown.has_result() && shown.text.contains("trading days: 14, "), "{}", shown.text);
    ensure!(shown.text.contains("without any bars: 0"), "{}", shown.text);
    let shown = context
        .tools
        .finstream_on(&context.stack.cloud, &["gaps", "--from", "2023-07-03", "--to", "2023-07-05"])
        .await?;
    ensure!(shown.code == 3 && shown.text.contains("without any bars: 2"), "{}", shown.text);
    Ok(())
}

/// Runs the command and interrupts it, as Ctrl-C does, once it has reported two days.
async fn interrupt_after_two_days(context: &Context, args: &[&str]) -> Result<()> {
    let mut command = context.tools.finstream_command(&context.stack.cloud.home);
    let mut child = command.args(args).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    let (mut reported, mut text) = (0, String::new());
    while let Some(line) = lines.next_line().await? {
        reported += usize::from(line.contains("bars, 10 symbols"));
        text += &format!("{line}\n");
        if reported == 2 {
            break;
        }
    }
    let id = child.id().context("the command ended before it was interrupted")?.to_string();
    ensure!(Command::new("kill").args(["-INT", &id]).status().await?.success());
    while let Some(line) = lines.next_line().await? {
        text += &format!("{line}\n");
    }
    let code = tokio::time::timeout(Duration::from_secs(30), child.wait()).await??.code();
    ensure!(code == Some(130) && text.contains("the same command resumes where this one stopped"), "{code:?}: {text}");
    Ok(())
}

/// A second run of a day would be an execution with a number appended to its name, so there are as many executions as
/// days.
async fn no_day_ran_twice(context: &Context) -> Result<()> {
    let machine = context.stack.cloud.output("StateMachineArn")?;
    let list = ["stepfunctions", "list-executions", "--state-machine-arn", machine];
    let executions = context.aws(&list).await?;
    let executions = executions["executions"].as_array().into_iter().flatten();
    // Another test has a backfill in October.
    let own = |name: &&str| ["backfill-2024-11-", "backfill-2024-12-"].iter().any(|month| name.starts_with(month));
    let names: Vec<_> = executions.filter_map(|run| run["name"].as_str()).filter(own).collect();
    ensure!(names.len() == 14, "{names:#?}");
    Ok(())
}
