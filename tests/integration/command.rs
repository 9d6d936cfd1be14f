//! The subcommands of `finstream` other than `backfill`, `gaps` and `doctor`, as a user types them.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{OutFolder, ProgramOutput};
use local::LocalCloud;
use market_sim::COINS;
use serde_json::Value;
use tokio::{process::Command, sync::Mutex};

use crate::{Context, trials};

trials![
    invalid_arguments_are_rejected_before_anything_runs,
    a_shell_completes_the_command,
    a_day_from_local_up_to_local_down,
    a_demo_shows_a_day_and_leaves_nothing,
    a_demo_of_the_open_session_ends_with_sql_and_leaves_nothing,
    a_published_day_is_shown_again,
    a_report_opens_in_the_browser,
];

async fn invalid_arguments_are_rejected_before_anything_runs(context: Arc<Context>) -> Result<()> {
    for (args, expected) in [
        (vec!["run", "--trade-date", "2021-13-45"], "\"2021-13-45\" is not a trade date"),
        (vec!["run", "--trade-date", "2999-01-04"], "2999-01-04 lies in the future"),
        (vec!["run", "--symbols", ""], "the list of symbols is empty"),
        (vec!["run", "--symbols", "META,../x"], "\"../x\" is not a symbol"),
        (vec!["run", "--interval", "7m"], "\"7m\" is not an interval"),
        (vec!["demo", "--trade-date", "yesterday"], "\"yesterday\" is not a trade date"),
        (vec!["local", "up", "--market-url", "ftp://example.com"], "http"),
        (
            vec!["local", "up", "--market-url", "https://query2.finance.yahoo.com", "--wait-scale", "0.02"],
            "leave --wait-scale out",
        ),
        (vec!["local", "down", "--yes"], "--delete"),
    ] {
        let run = context.tools.finstream(&args).await?;
        ensure!(run.code == 2 && run.text.contains(expected), "{args:?} ended with {}: {}", run.code, run.text);
    }
    Ok(())
}

/// Runs the command as `cargo install` leaves it: in a folder of its own, from where no source tree is, and not by cargo.
async fn installed_elsewhere(context: &Context, folder: &OutFolder, args: &[&str]) -> Result<ProgramOutput> {
    let command = context.tools.finstream_command(&context.tools.test_home());
    let program = folder.join("bin/finstream");
    std::fs::create_dir_all(folder.join("bin"))?;
    std::fs::copy(command.as_std().get_program(), &program)?;
    let mut installed = Command::new(program);
    for (name, value) in command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))) {
        installed.env(name, value);
    }
    harness::run(installed.args(args).env_remove("CARGO").current_dir(folder.join(""))).await
}

async fn a_shell_completes_the_command(context: Arc<Context>) -> Result<()> {
    let script = context.tools.finstream(&["completions", "bash"]).await?;
    ensure!(script.code == 0 && script.stderr.is_empty(), "{}", script.text);
    let complete = "source /dev/stdin <<<\"$1\"; COMP_WORDS=(finstream ba); COMP_CWORD=1; _finstream finstream ba finstream; \
                    echo \"${COMPREPLY[@]}\"";
    let completed = harness::run(Command::new("bash").args(["-c", complete, "bash", &script.stdout])).await?;
    ensure!(completed.stdout == "backfill\n", "{}", completed.text);
    Ok(())
}

/// A day of a user on a local cloud that is new.
async fn a_day_from_local_up_to_local_down(context: Arc<Context>) -> Result<()> {
    let finstream = async |args: &[&str]| context.tools.finstream(args).await;
    let out = OutFolder::create()?;
    finstream(&["local", "down", "--delete", "--yes"]).await?;
    let up = installed_elsewhere(&context, &out, &["local", "up"]).await?;
    ensure!(up.code == 0 && up.text.contains("http://127.0.0.1:"), "{}", up.text);
    let typed = up.stderr.contains("\n  finstream run ") && !up.text.contains("cargo finstream");
    ensure!(typed, "an installed command does not name itself as it is typed: {}", up.text);

    let run =
        finstream(&["run", "--trade-date", "2026-11-20", "--symbols", "META,ZZNONE", "--out", &out.arg()]).await?;
    ensure!(run.code == 3, "{}", run.text);
    for text in [
        "collecting 2 companies",
        "querying",
        "Meta Platforms",
        "ZZNONE",
        "No data found",
        "hourly_extremes.csv",
        "imulated",
    ] {
        ensure!(run.text.contains(text), "the output lacks {text:?}:\n{}", run.text);
    }
    let csv = out.read("hourly_extremes.csv")?;
    ensure!(csv.starts_with("company_name,symbol,trade_date,hour,") && csv.lines().count() == 8, "{csv}");
    ensure!(out.join("report.html").is_file());

    for closed in ["2026-11-21", "2025-11-27"] {
        let run = finstream(&["run", "--trade-date", closed]).await?;
        ensure!(run.code == 4 && run.text.contains("no_session"), "{closed}: {}", run.text);
    }
    let failed = finstream(&["run", "--trade-date", "2026-11-20", "--symbols", "ZZNONE"]).await?;
    ensure!(
        failed.code == 1 && failed.text.contains("NoBars") && failed.text.contains("No data found"),
        "{}",
        failed.text
    );

    // For scripts the same is an object, also where there is nothing to do.
    for (args, up) in [
        (&["local", "up", "--json"][..], true),
        (&["local", "down", "--delete", "--yes", "--json"], false),
        (&["local", "down", "--json"], false),
    ] {
        let ended = finstream(args).await?;
        let answer: Value = serde_json::from_str(&ended.stdout).with_context(|| ended.text)?;
        ensure!(ended.code == 0 && answer["up"] == up, "{args:?}: {answer}");
    }
    let status = finstream(&["local", "status"]).await?;
    ensure!(status.text.contains("no local cloud is up"), "{}", status.text);
    // The tests' own local cloud is still up.
    let run = context.stack.succeed(&serde_json::json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await;
    ensure!(run.is_ok(), "local down took another local cloud down: {run:?}");
    Ok(())
}

/// All demos have one home.
static DEMO: Mutex<()> = Mutex::const_new(());

/// The simulated market leaves out bars on purpose, which is no failure of a demo.
async fn a_demo_shows_a_day_and_leaves_nothing(context: Arc<Context>) -> Result<()> {
    let _alone = DEMO.lock().await;
    let out = OutFolder::create()?;
    let demo = context.tools.finstream(&["demo", "--json", "--out", &out.arg()]).await?;
    let answer: Value = serde_json::from_str(&demo.stdout).with_context(|| demo.text.clone())?;
    ensure!(demo.code == 0 && answer["outcome"] == "exported" && answer["simulated"] == true, "{answer}");
    ensure!(out.read("hourly_extremes.csv")?.lines().count() > 1 && out.join("report.html").is_file(), "{}", demo.text);
    ensure!(LocalCloud::find(&context.tools.root.join("target/demo")).is_none(), "the demo's local cloud is still up");
    Ok(())
}

/// The first tick is at once, the second at the next full minute. Each takes three bars of each coin, two of which come again.
async fn a_demo_of_the_open_session_ends_with_sql_and_leaves_nothing(context: Arc<Context>) -> Result<()> {
    let _alone = DEMO.lock().await;
    let demo = context.tools.finstream(&["demo", "--stream", "--ticks", "2"]).await?;
    ensure!(demo.code == 0, "{}", demo.text);
    for (symbol, name) in COINS {
        // A minute without trades is no bar.
        let bars = demo.stdout.lines().filter(|line| line.contains(&format!("  {symbol} ")) && line.contains("  1m "));
        ensure!((2..=5).contains(&bars.count()), "{symbol}: {}", demo.text);
        let hours = demo.stdout.lines().filter(|line| line.starts_with(&format!("{name} (simulated)")));
        ensure!((1..=2).contains(&hours.count()), "{symbol}: {}", demo.text);
    }
    for said in ["in about 2 minutes", "tick 2 of 2: ", "simulated prices", " rows; scanned ", "local up --live"] {
        ensure!(demo.stderr.contains(said), "{said}: {}", demo.text);
    }
    ensure!(demo.stdout.contains("a bar was on the stream 6"), "{}", demo.text);
    ensure!(LocalCloud::find(&context.tools.root.join("target/demo")).is_none(), "the demo's local cloud is still up");
    Ok(())
}

/// No other test publishes bars of this length.
const INTERVAL: [&str; 2] = ["--interval", "30m"];

async fn a_published_day_is_shown_again(context: Arc<Context>) -> Result<()> {
    let finstream = async |args: &[&str]| context.tools.finstream_on(&context.stack.cloud, args).await;
    let show = async |more: &[&str]| finstream(&[&["show"], &INTERVAL[..], more].concat()).await;
    let nothing = show(&[]).await?;
    ensure!(nothing.code == 1 && nothing.stderr.contains("no day is published for the list companies"), "{nothing:?}");

    let out = OutFolder::create()?;
    for day in ["2024-10-07", "2024-10-08"] {
        let run = finstream(&[&["run", day, "--out", &out.arg()], &INTERVAL[..]].concat()).await?;
        ensure!(run.has_result(), "{}", run.text);
    }
    let newest = show(&[]).await?;
    let symbols = |output: &ProgramOutput| -> Vec<String> {
        let lines = output.stdout.lines().skip(2);
        lines.take(10).filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
    };
    ensure!(newest.code == 0 && newest.stdout.starts_with("2024-10-08: 10 companies; 130 30m bars; prices in USD\n"));
    ensure!(symbols(&newest).iter().all(|symbol| symbol.len() <= 4 && !symbol.is_empty()), "{}", newest.text);
    let nothing = show(&["2024-10-09"]).await?;
    ensure!(
        nothing.code == 1 && nothing.stderr.contains("`cargo finstream run 2024-10-09 --interval 30m`"),
        "{nothing:?}"
    );

    let saturday = show(&["2024-10-12"]).await?;
    ensure!(saturday.code == 1 && saturday.stderr.contains("2024-10-12 has no session"), "{saturday:?}");
    let nobody = show(&["--list", "nope"]).await?;
    ensure!(nobody.code == 2 && nobody.stderr.contains("there is no list nope: there is "), "{nobody:?}");
    ensure!(newest.stderr.contains("gaps --from 2024-10-08 --to 2024-10-08 --interval 30m\n"), "{newest:?}");

    let json = show(&["2024-10-07", "--sort", "volume", "--top", "3", "--hours", "--json"]).await?;
    let json: Value = serde_json::from_str(&json.stdout)?;
    let companies = json["companies"].as_array().context("no companies")?;
    let volumes: Vec<_> = companies.iter().filter_map(|company| company["volume"].as_u64()).collect();
    ensure!(json["trade_date"] == "2024-10-07" && volumes.len() == 3 && volumes.is_sorted_by(|a, b| a >= b), "{json}");
    ensure!(companies[0]["hours"].as_array().is_some_and(|hours| hours.len() == 7), "{json}");

    let top = show(&["2024-10-07", "--top", "2"]).await?;
    ensure!(top.stdout.contains("\n… and 8 more: leave out --top\n"), "{}", top.text);
    let hours = show(&["2024-10-07", "--hours"]).await?;
    ensure!(hours.stdout.lines().count() > 70 && hours.stdout.contains("The Trade Desk"), "{}", hours.text);
    Ok(())
}

/// A program in place of the system's own opens what it is given, or cannot.
async fn a_report_opens_in_the_browser(context: Arc<Context>) -> Result<()> {
    for (exit, says) in [(0, ""), (3, "no browser could be opened here; the report is ")] {
        let out = OutFolder::create()?;
        let opener = out.join("xdg-open");
        std::fs::write(&opener, format!("#!/bin/sh\necho \"$1\" > {}/opened\nexit {exit}\n", out.arg()))?;
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755))?;
        let mut run = context.tools.finstream_command(&context.stack.cloud.home);
        run.args(["run", "2024-10-09", "--symbols", "META", "--open", "--out", &out.arg()]).env("PATH", out.join(""));
        let run = harness::run(&mut run).await?;
        let report = out.join("report.html").display().to_string();
        ensure!(run.has_result() && out.read("opened")?.trim() == report, "{}", run.text);
        ensure!(run.stderr.contains(&report) != says.is_empty() && run.stderr.contains(says), "{}", run.text);
    }
    Ok(())
}
