//! What scripts rely on when they call `finstream`: the compiled command, as a shell sees it.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{OutFolder, ProgramOutput, list};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{Context, trials};

trials![
    every_ending_has_its_exit_code,
    an_interrupt_ends_with_130,
    results_go_to_standard_output_and_all_else_to_standard_error,
    closed_and_full_outputs_end_no_run,
    every_answer_has_a_json_form,
    the_first_line_says_where_the_stack_is,
    errors_say_what_is_there_and_what_to_do,
    the_newest_executions_are_listed,
    the_folder_for_the_files_may_have_spaces_and_the_date,
    a_folder_that_cannot_take_the_files_is_refused_before_anything_runs,
];

/// A day on which the simulated market has every bar of META, and lacks some of SHOP.
const DAY: &str = "2024-09-10";
/// A Saturday and a Sunday.
const WEEKEND: [&str; 2] = ["2024-09-14", "2024-09-15"];

/// Those of `doctor`, and its JSON, are checked in `doctor.rs`, on stacks in which no other test's run fails.
async fn every_ending_has_its_exit_code(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = out.arg();
    let day = |command: &'static str, symbols: &'static str| {
        [&[command, "--symbols", symbols][..], &["--from", DAY, "--to", DAY]].concat()
    };
    let run = |day: &'static str, symbols: &'static str| vec!["run", "--trade-date", day, "--symbols", symbols];
    let weekend = |command: &'static str| vec![command, "--from", WEEKEND[0], "--to", WEEKEND[1]];
    for (mut args, code, says) in [
        (run(DAY, "META"), 0, "1 company; bars: 78 of 78 expected"),
        (vec!["run", DAY, "--symbols", "META"], 0, "bars: 78"),
        (day("gaps", "META"), 0, "complete: 1"),
        (day("backfill", "META"), 0, "bars: 78 of 78"),
        (vec!["list", "--limit", "3"], 0, "execution"),
        (vec!["local", "status"], 0, "the local cloud is up"),
        (vec!["lists", "show", "companies"], 0, "Beyond Meat"),
        (vec!["lists", "check", "companies"], 0, "the list companies is right: 10 companies"),
        (vec!["lists", "show", "nope"], 2, "there is no list nope"),
        (vec!["daily", "--sessions", "0"], 2, "0 is not in 1..=20"),
        (vec!["daily", "--status"], 0, "none yet"),
        (run(DAY, "ZZNONE"), 1, "NoBars"),
        (vec!["follow", "no-such-execution"], 1, "error: "),
        (vec!["run", "--trade-date", "2021-13-45"], 2, "is not a trade date"),
        (vec!["run", "tomorrow"], 2, "use latest, yesterday, or a date"),
        (vec!["gaps", "--from", DAY, "--to", "2024-09-09"], 2, "give the earlier date to --from"),
        (vec!["gasp"], 2, "unrecognized subcommand"),
        (run(DAY, "SHOP"), 3, "\nmissing bars  SHOP "),
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
        let control = ended.text.chars().find(|c| c.is_control() && *c != '\n');
        ensure!(control.is_none(), "{args:?} printed {control:?}: {}", ended.text);
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
        while !lines.next_line().await?.context("it ended before it collected")?.contains("collecting") {}
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

async fn results_go_to_standard_output_and_all_else_to_standard_error(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = out.arg();
    let run = ["run", "--trade-date", "2024-09-12", "--symbols", "META", "--out", &folder];
    let gaps = ["gaps", "--from", "2024-09-13", "--to", "2024-09-13", "--symbols", "META"];
    for (args, result, progress) in [
        (&run[..], "prices in USD", "collecting 1 company"),
        (&gaps, "without any bars: 1", "next:\n  cargo finstream backfill"),
        (&["local", "status"], "the local cloud is up", ""),
    ] {
        let finstream = async |more: &[&str]| {
            let args = [args, more].concat();
            context.tools.finstream_on(&context.stack.cloud, &args).await
        };
        let normal = finstream(&[]).await?;
        ensure!(normal.stdout.contains(result) && !normal.stderr.contains(result), "{normal:#?}");
        ensure!(normal.stderr.contains(progress), "{normal:#?}");
        ensure!(progress.is_empty() || !normal.stdout.contains(progress), "{normal:#?}");
        let quiet = finstream(&["--quiet"]).await?;
        ensure!(quiet.stdout.contains(result) && quiet.stderr.is_empty(), "{quiet:#?}");
        let verbose = finstream(&["-v"]).await?;
        ensure!(verbose.stderr.lines().count() >= normal.stderr.lines().count(), "{verbose:#?}");
    }
    let failed = context.tools.finstream_on(&context.stack.cloud, &["follow", "--quiet", "no-such-execution"]).await?;
    ensure!(failed.stdout.is_empty() && failed.stderr.starts_with("error: "), "{failed:#?}");
    Ok(())
}

async fn closed_and_full_outputs_end_no_run(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = out.arg();
    let run = ["run", "--trade-date", DAY, "--symbols", "META", "--out", &folder];
    let failing = ["run", "--trade-date", DAY, "--symbols", "ZZNONE", "--out", &folder];
    let gaps = ["gaps", "--from", DAY, "--to", DAY, "--symbols", "META"];
    let code = out.join("code");
    for (args, redirected, expected) in [
        (&run[..], ">&-", 0),
        (&run, "2>&-", 0),
        (&run, ">&- 2>&-", 0),
        (&run, "2>/dev/full", 0),
        (&run, ">/dev/full", 1),
        (&run, "| head -n 1 >/dev/null", 0),
        (&run, "2>&1 | true", 0),
        (&failing, "2>&-", 1),
        (&failing, "2>&1 | true", 1),
        (&gaps, ">&-", 0),
        (&gaps, "| true", 0),
        (&gaps, ">/dev/full", 1),
        (&["--help"], "| true", 0),
        (&["gasp"], "2>&1 | true", 2),
    ] {
        let script = format!("{{ \"$0\" \"$@\"; echo $? >\"$CODE\"; }} {redirected}");
        let mut finstream = context.tools.finstream_command(&context.stack.cloud.home);
        let program = finstream.as_std().get_program().to_owned();
        let environment = finstream.env("CODE", &code).as_std().get_envs();
        let mut shell = Command::new("sh");
        for (name, value) in environment.filter_map(|(name, value)| Some((name, value?))) {
            shell.env(name, value);
        }
        shell.current_dir(&context.tools.root).arg("-c").arg(script).arg(program).args(args);
        let ended = shell.stdin(Stdio::null()).output().await?;
        let (found, text) = (out.read("code")?, String::from_utf8_lossy(&ended.stderr));
        ensure!(found.trim() == expected.to_string(), "{args:?} {redirected} ended with {found}: {text}");
        if redirected == ">/dev/full" {
            ensure!(text.contains("could not write to standard output: No space left"), "{args:?}: {text}");
        }
    }
    Ok(())
}

async fn every_answer_has_a_json_form(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = out.arg();
    let local = json!({"on": "local", "place": format!("the local cloud at {}", context.stack.cloud.endpoint)});
    let run = |day: &'static str, symbols: &'static str| vec!["run", "--trade-date", day, "--symbols", symbols];
    let day = |command: &'static str, symbols| vec![command, "--from", DAY, "--to", DAY, "--symbols", symbols];
    let csv = out.join("hourly_extremes.csv");
    for (mut args, code, expected) in [
        (run(DAY, "META"), 0, json!({"outcome": "exported", "complete": true, "files": {"csv": csv}})),
        (run(DAY, "META,ZZNONE"), 3, json!({"outcome": "exported", "complete": false, "bars": 78})),
        (run(WEEKEND[0], "META"), 4, json!({"outcome": "no_session", "trade_date": WEEKEND[0]})),
        (run(DAY, "ZZNONE"), 1, json!({"outcome": "failed", "error": "NoBars", "state": "Collect"})),
        (day("gaps", "META"), 0, json!({"complete": true, "days": [{"session": "full", "bars": 78}]})),
        (day("gaps", "SHOP,PINS"), 3, json!({"complete": false, "from": DAY, "to": DAY, "interval": "5m"})),
        (day("backfill", "META"), 0, json!({"days": [{"trade_date": DAY, "complete": true, "bars": 78}]})),
        (vec!["list", "--limit", "1"], 0, json!({"executions": [{}]})),
        (
            vec!["lists"],
            0,
            json!({"lists": [{"list": "companies", "changed": null, "companies": 10, "problem": null}]}),
        ),
        (vec!["lists", "show", "companies"], 0, json!({"list": "companies", "companies": [{}]})),
        (vec!["lists", "show", "nope"], 2, Value::Null),
        (vec!["daily", "--status"], 0, json!({"last_run": null})),
        (vec!["local", "status"], 0, json!({"up": true, "endpoint": context.stack.cloud.endpoint})),
        (vec!["follow", "no-such-execution"], 1, Value::Null),
        (vec!["gasp"], 2, Value::Null),
    ] {
        args.push("--json");
        if matches!(args[0], "run" | "backfill") {
            args.extend(["--out", &folder]);
        }
        let ended = context.tools.finstream_on(&context.stack.cloud, &args).await?;
        ensure!(ended.code == code, "{args:?} ended with {}: {}", ended.code, ended.text);
        if expected.is_null() {
            ensure!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{args:?} printed {ended:#?}");
            continue;
        }
        let answer: Value = serde_json::from_str(&ended.stdout).with_context(|| format!("{args:?}: {ended:#?}"))?;
        ensure!(includes(&answer, &expected), "{args:?} answered {answer:#}");
        ensure!(["local", "daily"].contains(&args[0]) || includes(&answer, &local), "{args:?} answered {answer:#}");
    }
    Ok(())
}

/// Whether JSON has all the fields, and the first items of the lists, of `part`.
fn includes(json: &Value, part: &Value) -> bool {
    match (json, part) {
        (Value::Object(json), Value::Object(part)) => {
            part.iter().all(|(name, part)| json.get(name).is_some_and(|json| includes(json, part)))
        }
        (Value::Array(json), Value::Array(part)) => {
            part.len() <= json.len() && json.iter().zip(part).all(|(json, part)| includes(json, part))
        }
        _ => json == part,
    }
}

async fn the_first_line_says_where_the_stack_is(context: Arc<Context>) -> Result<()> {
    let (cloud, home) = (&context.stack.cloud, OutFolder::create()?);
    let local = format!("on the local cloud at {}", cloud.endpoint);
    let aws = format!("on AWS, region {}, stack {}", cloud.region, cloud.stack);
    let gaps = ["gaps", "--from", DAY, "--to", DAY, "--symbols", "META"];
    for (home, options, expected) in [
        (&cloud.home, &[][..], local.clone()),
        (&cloud.home, &["--on", "local"], local.clone()),
        (&cloud.home, &["--on", "local", "--stack", &cloud.stack], local),
        // The environment of an AWS account, which is that of the local cloud.
        (&cloud.home, &["--on", "aws"], aws.clone()),
        (&home.join("none"), &["--on", "aws"], aws.clone()),
        (&home.join("none"), &[], format!("{aws} (no local cloud is up)")),
    ] {
        let mut command = context.tools.finstream_without_aws(home);
        let ended = harness::run(command.envs(cloud.environment()).args(gaps).args(options)).await?;
        ensure!(ended.has_result(), "{options:?}: {}", ended.text);
        ensure!(ended.stderr.lines().next() == Some(&expected), "{options:?}: not {expected}, but {}", ended.stderr);
    }
    Ok(())
}

async fn errors_say_what_is_there_and_what_to_do(context: Arc<Context>) -> Result<()> {
    let (cloud, nowhere) = (&context.stack.cloud, OutFolder::create()?);
    // A local cloud whose processes live, and do not answer.
    let silent = OutFolder::create()?;
    let state = std::fs::read_to_string(cloud.home.join("state.json"))?;
    std::fs::write(silent.join("state.json"), state.replace(&cloud.endpoint, "http://127.0.0.1:9"))?;
    let unreachable = vec![("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned())];
    let account = cloud.environment();
    context.stack.succeed(&json!({"trade_date": "2024-09-16", "symbols": ["META"]})).await?;
    for (home, environment, args, says) in [
        (
            &cloud.home,
            &vec![],
            vec!["follow", "no-such-execution"],
            vec!["no execution no-such-execution", "the newest are "],
        ),
        (&cloud.home, &vec![], vec!["run", "--on", "local", "--stack", "nope"], vec!["has the stack finstream"]),
        (
            &nowhere.join(""),
            &vec![],
            vec!["run", "--on", "local"],
            vec!["no local cloud is up", "local up", "--on aws"],
        ),
        (&nowhere.join(""), &vec![], vec!["run"], vec!["no AWS region is set, and no local cloud is up", "AWS_REGION"]),
        (
            &nowhere.join(""),
            &vec![("AWS_REGION", "us-east-1".to_owned())],
            vec!["run"],
            vec!["no AWS credentials were found", "aws configure"],
        ),
        (
            &nowhere.join(""),
            &account,
            vec!["run", "--on", "aws", "--stack", "nope"],
            vec!["has no stack nope in us-east-1", "finstream is there as finstream: name it with --stack"],
        ),
        (
            &nowhere.join(""),
            &account.iter().filter(|(name, _)| *name != "AWS_ENDPOINT_URL").cloned().chain(unreachable).collect(),
            vec!["run", "--on", "aws"],
            vec!["AWS does not answer in the region us-east-1", "check your network"],
        ),
        (
            &silent.join(""),
            &vec![],
            vec!["run"],
            vec!["the local cloud at http://127.0.0.1:9 does not answer", "/log, ", "finstream local up", "--on aws"],
        ),
    ] {
        let mut command = context.tools.finstream_without_aws(home);
        let ended = harness::run(command.envs(environment.iter().cloned()).args(&args)).await?;
        ensure!(ended.code == 1 && ended.stdout.is_empty(), "{args:?} ended with {}: {}", ended.code, ended.text);
        for text in says {
            ensure!(ended.stderr.contains(text), "{args:?} does not say {text:?}: {}", ended.stderr);
        }
    }
    Ok(())
}

async fn the_newest_executions_are_listed(context: Arc<Context>) -> Result<()> {
    let mut expected = Vec::new();
    for (date, symbols, outcome) in [
        ("2024-09-17", &["META", "ZZNONE"][..], json!({"outcome": "exported", "complete": false, "failed": 1})),
        (WEEKEND[1], &["META"], json!({"outcome": "no_session", "trade_date": WEEKEND[1]})),
        ("2024-09-17", &["ZZNONE"], json!({"outcome": "failed", "error": "NoBars"})),
    ] {
        let (name, _) = context.stack.follow(&json!({"trade_date": date, "symbols": symbols})).await?;
        expected.push((name, outcome));
    }
    let args = ["list", "--limit", "1000"];
    let json = context.tools.finstream_on(&context.stack.cloud, &[&args[..], &["--json"]].concat()).await?;
    let json: Value = serde_json::from_str(&json.stdout)?;
    let text = context.tools.finstream_on(&context.stack.cloud, &args).await?;
    let executions = list(&json["executions"]);
    let started = |execution: &&Value| execution["started"].as_str().unwrap_or_default().parse::<Timestamp>();
    let started: Vec<_> = executions.iter().map(started).collect::<Result<_, _>>()?;
    ensure!(started.is_sorted_by(|a, b| a >= b), "not the newest first: {started:?}");
    for (name, outcome) in expected {
        let found = executions.iter().find(|execution| execution["execution"] == *name).context("not listed")?;
        ensure!(includes(found, &outcome) && found["seconds"].as_f64() > Some(0.0), "{found:#}");
        ensure!(text.stdout.contains(&name), "{name} is not listed: {}", text.stdout);
    }
    let one = context.tools.finstream_on(&context.stack.cloud, &["list", "--limit", "1", "--json"]).await?;
    let one: Value = serde_json::from_str(&one.stdout)?;
    ensure!(list(&one["executions"]).len() == 1, "{one:#}");
    Ok(())
}

async fn the_folder_for_the_files_may_have_spaces_and_the_date(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    let folder = |path: &str| out.join(path).to_string_lossy().into_owned();
    for (args, path, saved) in [
        (&["run", DAY][..], "my results", "my results/"),
        (&["run", DAY], "a b/{date}", "a b/2024-09-10/"),
        (&["backfill", "--from", DAY, "--to", DAY], "all days", "all days/2024-09-10/"),
        (&["backfill", "--from", DAY, "--to", DAY], "c d/{date}/us", "c d/2024-09-10/us/"),
    ] {
        let folder = folder(path);
        let args = [args, &["--symbols", "META", "--out", &folder]].concat();
        let ended = context.tools.finstream_on(&context.stack.cloud, &args).await?;
        ensure!(ended.code == 0, "{args:?}: {}", ended.text);
        for file in ["hourly_extremes.csv", "report.html"] {
            ensure!(out.join(saved).join(file).is_file(), "{args:?} saved no {saved}{file}: {}", ended.text);
        }
    }
    Ok(())
}

async fn a_folder_that_cannot_take_the_files_is_refused_before_anything_runs(context: Arc<Context>) -> Result<()> {
    let out = OutFolder::create()?;
    std::fs::write(out.join("file"), "")?;
    std::fs::create_dir_all(out.join("taken/report.html"))?;
    std::fs::create_dir(out.join("mounted"))?;
    let commands = [
        &["run", DAY, "--symbols", "META"][..],
        &["follow", "manual-1"],
        &["backfill", "--from", DAY, "--to", DAY, "--symbols", "META"],
        &["demo"],
    ];
    let refused = |args: &[&str], ended: &ProgramOutput, says: &str| -> Result<()> {
        ensure!(ended.code == 2 && ended.stdout.is_empty(), "{args:?} ended with {}: {}", ended.code, ended.text);
        let starts = ended.stderr.starts_with("error: ") && ended.stderr.lines().count() == 1;
        ensure!(starts && ended.stderr.contains(says), "{args:?} does not say {says:?}: {}", ended.stderr);
        Ok(())
    };
    for (path, says) in [("file", "is a file"), ("file/{date}", "is a file"), ("taken", "report.html is a folder")] {
        let folder = out.join(path).to_string_lossy().into_owned();
        // Several days have a folder each, below that one.
        for args in commands.iter().filter(|args| path != "taken" || args[0] != "backfill") {
            let args = [args, &["--out", &folder][..]].concat();
            refused(&args, &context.tools.finstream_on(&context.stack.cloud, &args).await?, says)?;
        }
    }
    // A file system of its own for the command, which needs no rights where user namespaces are allowed.
    let mounted = out.join("mounted").to_string_lossy().into_owned();
    for (options, says) in [("ro", "Read-only file system"), ("size=64k", "No space left on device")] {
        let script = format!("mount -t tmpfs -o {options} none '{mounted}' || exit 77; \"$0\" \"$@\"");
        for args in commands {
            let args = [args, &["--out", &mounted][..]].concat();
            let finstream = context.tools.finstream_command(&context.stack.cloud.home);
            let mut unshare = Command::new("unshare");
            unshare.env("FINSTREAM_LOCAL_HOME", &context.stack.cloud.home).current_dir(&context.tools.root);
            unshare.args(["--map-root-user", "--mount", "sh", "-c", &script]);
            match harness::run(unshare.arg(finstream.as_std().get_program()).args(&args)).await {
                Ok(ended) if !ended.text.contains("unshare:") && ended.code != 77 => refused(&args, &ended, says)?,
                _ => println!("skipped: this machine mounts no file system for {says:?}"),
            }
        }
    }
    Ok(())
}
