//! What scripts rely on when they call `finstream`: the compiled command, as a shell sees it.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::OutFolder;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{Context, trials};

trials![every_ending_has_its_exit_code, an_interrupt_ends_with_130];

/// A day on which the simulated market has every bar of META, and lacks some of SHOP.
const DAY: &str = "2024-09-10";
/// A Saturday and a Sunday.
const WEEKEND: [&str; 2] = ["2024-09-14", "2024-09-15"];

async fn every_ending_has_its_exit_code(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = out.arg();
    let day = |command: &'static str, symbols: &'static str| {
        [&[command, "--symbols", symbols][..], &["--from", DAY, "--to", DAY]].concat()
    };
    let run = |day: &'static str, symbols: &'static str| vec!["run", "--trade-date", day, "--symbols", symbols];
    let weekend = |command: &'static str| vec![command, "--from", WEEKEND[0], "--to", WEEKEND[1]];
    for (mut args, code, says) in [
        (run(DAY, "META"), 0, "companies: 1, company hours: 7, bars: 78"),
        (day("gaps", "META"), 0, "complete: 1"),
        (day("backfill", "META"), 0, "bars: 78 of 78"),
        (vec!["local", "status"], 0, "the local cloud is up"),
        (vec!["doctor"], 0, "0 wrong"),
        (run(DAY, "ZZNONE"), 1, "NoBars"),
        (vec!["follow", "no-such-execution"], 1, "error: "),
        (vec!["run", "--trade-date", "2021-13-45"], 2, "is not a trade date"),
        (vec!["gaps", "--from", DAY, "--to", "2024-09-09"], 2, "give the earlier date to --from"),
        (vec!["gasp"], 2, "unrecognized subcommand"),
        (run(DAY, "SHOP"), 3, "SHOP            "),
        (run(DAY, "META,ZZNONE"), 3, "unknown symbol"),
        (day("gaps", "SHOP"), 3, "with gaps: 1"),
        (day("gaps", "META,OKTA"), 3, "no bars of"),
        (day("backfill", "SHOP"), 3, "bars: 77 of 78"),
        (run(WEEKEND[0], "SHOP"), 4, "no session"),
        (weekend("gaps"), 4, "no trading day of that range is over"),
        (weekend("backfill"), 4, "no trading day of that range is over"),
    ] {
        if matches!(args[0], "run" | "backfill") {
            args.extend(["--out", &folder]);
        }
        let ended = context.tools.finstream_on(&context.stack.cloud, &args).await?;
        ensure!(ended.code == code && ended.text.contains(says), "{args:?} ended with {}: {}", ended.code, ended.text);
    }
    Ok(())
}

/// The execution goes on, and can be followed to its end.
async fn an_interrupt_ends_with_130(context: Arc<Context>) -> Result<()> {
    for signal in ["-INT", "-TERM"] {
        let out = OutFolder::create()?;
        let mut command = context.tools.finstream_command(&context.stack.cloud.home);
        command.args(["run", "--trade-date", "2024-09-11", "--symbols", "META", "--out", &out.arg()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        while !lines.next_line().await?.context("it ended before it collected")?.contains("Collect") {}
        let id = child.id().context("the command ended before it was interrupted")?.to_string();
        ensure!(Command::new("kill").args([signal, &id]).status().await?.success());
        let mut text = String::new();
        while let Some(line) = lines.next_line().await? {
            text += &line;
        }
        let code = tokio::time::timeout(Duration::from_secs(30), child.wait()).await??.code();
        let name = text.split("cargo finstream follow ").nth(1).with_context(|| text.clone())?;
        ensure!(code == Some(130), "{signal}: {code:?}: {text}");
        let args = ["follow", name, "--out", &out.arg()].map(str::to_owned);
        let followed = context.tools.finstream_on(&context.stack.cloud, &args.each_ref().map(String::as_str)).await?;
        ensure!(followed.has_result(), "{}", followed.text);
    }
    Ok(())
}
