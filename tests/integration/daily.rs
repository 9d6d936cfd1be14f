//! `finstream daily`: what is missing of the last sessions, on a local cloud that comes and goes, and who starts it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{MarketServer, OutFolder, ProgramOutput, Tools, list};
use jiff::{Timestamp, ToSpan};
use local::LocalCloud;
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::Value;
use shared::trading_calendar::NEW_YORK;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{Context, trials};

trials![
    a_missed_week_is_made_up_for_and_a_blocked_market_is_reported,
    what_keeps_a_run_from_starting_is_reported,
    a_schedule_is_installed_and_removed,
];

/// One machine: the home of its local cloud, and the folder for the files.
struct Machine<'a> {
    tools: &'a Tools,
    home: tempfile::TempDir,
    out: OutFolder,
    market: MarketServer,
}

impl<'a> Machine<'a> {
    async fn new(tools: &'a Tools) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("test-cloud-").tempdir_in(tools.root.join("target"))?;
        Ok(Self { tools, home, out: OutFolder::create()?, market: MarketServer::serve().await? })
    }

    /// `daily` over the last sessions, to be given more options.
    fn daily(&self, sessions: &str) -> Command {
        let mut command = self.tools.finstream_command(self.home.path());
        command.args(["daily", "--sessions", sessions, "--market-url", &self.market.url, "--out", &self.out.arg()]);
        command
    }

    async fn types(&self, args: &[&str]) -> Result<ProgramOutput> {
        self.tools.finstream_at(self.home.path(), args).await
    }

    async fn status(&self) -> Result<Value> {
        let status = self.types(&["daily", "--status", "--json"]).await?;
        ensure!(status.code == 0, "{}", status.text);
        Ok(serde_json::from_str(&status.stdout)?)
    }

    fn cloud(&self) -> Option<LocalCloud> {
        LocalCloud::find(self.home.path())
    }

    /// The page that lists the days, on which every link leads to a file.
    fn page(&self) -> Result<String> {
        let page = self.out.read("index.html")?;
        for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            ensure!(self.out.join(link).is_file(), "{link} leads nowhere");
        }
        Ok(page)
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.cloud().map(LocalCloud::down) {
            eprintln!("a test's local cloud could not be taken down: {error:#}");
        }
    }
}

/// Writes a program that adds its arguments to the file `calls` beside it, and then runs a script.
fn program(folder: &Path, name: &str, script: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >>\"${{0%/*}}/calls\"\n{script}\n"))?;
    Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
}

/// The search path for programs, with a folder before all others.
fn path_with(folder: &Path) -> Result<String> {
    Ok(format!("{}:{}", folder.display(), std::env::var("PATH")?))
}

/// The last sessions of New York that have ended, newest first.
fn sessions(count: usize) -> Vec<String> {
    let now = Timestamp::now();
    let dates = NEW_YORK.date_of(now).series(-1.day());
    let has_ended = |date: &jiff::civil::Date| NEW_YORK.session(*date).is_some_and(|session| session.has_ended(now));
    dates.filter(has_ended).take(count).map(|date| date.to_string()).collect()
}

async fn a_missed_week_is_made_up_for_and_a_blocked_market_is_reported(context: Arc<Context>) -> Result<()> {
    let machine = Machine::new(&context.tools).await?;
    let week = sessions(9);
    is_interrupted_after_the_first_day(&machine).await.context("an interrupt")?;
    the_rest_of_the_week_is_run(&machine, &week[..5]).await.context("a missed week")?;
    nothing_is_run_twice(&machine).await.context("a second run")?;
    a_blocked_market_is_reported(&machine, &week[5..]).await.context("a blocked market")
}

/// Another `daily` at the same time is refused, and the local cloud is taken down.
async fn is_interrupted_after_the_first_day(machine: &Machine<'_>) -> Result<()> {
    let mut child = machine.daily("5").stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    while !lines.next_line().await?.context("it ended before a day was run")?.contains(" bars, 10 symbols, ") {}
    let second = harness::run(&mut machine.daily("5")).await?;
    ensure!(second.code == 1 && second.text.contains("another `finstream daily` is running"), "{}", second.text);
    let id = child.id().context("it ended before it was interrupted")?.to_string();
    ensure!(Command::new("kill").args(["-INT", &id]).status().await?.success());
    let code = tokio::time::timeout(Duration::from_secs(30), child.wait()).await??.code();
    ensure!(code == Some(130) && machine.cloud().is_none(), "{code:?}");
    let status = machine.status().await?;
    ensure!(status["last_run"]["outcome"] == "interrupted", "{status}");
    ensure!(list(&status["last_run"]["days"]).iter().any(|day| day["outcome"] == "exported"), "{status}");
    Ok(())
}

async fn the_rest_of_the_week_is_run(machine: &Machine<'_>, week: &[String]) -> Result<()> {
    let run = harness::run(machine.daily("5").arg("--json")).await?;
    ensure!(run.has_result() && machine.cloud().is_none(), "{}", run.text);
    let answer: Value = serde_json::from_str(&run.stdout)?;
    let days = list(&answer["days"]);
    let outcomes: Vec<_> = days.iter().filter_map(|day| day["outcome"].as_str()).collect();
    let dates: Vec<_> = days.iter().rev().filter_map(|day| day["trade_date"].as_str()).collect();
    ensure!(dates == week && outcomes.contains(&"exported") && outcomes.contains(&"already_done"), "{answer}");
    ensure!(outcomes.iter().all(|outcome| matches!(*outcome, "exported" | "already_done")), "{answer}");
    let page = machine.page()?;
    let places: Vec<_> = week.iter().map(|date| page.find(date.as_str())).collect();
    ensure!(places.is_sorted() && places.iter().all(Option::is_some), "the days are not in order: {page}");
    ensure!(page.matches("href=").count() == 10 && page.contains("Simulated prices"), "{page}");
    Ok(())
}

async fn nothing_is_run_twice(machine: &Machine<'_>) -> Result<()> {
    let requests = machine.market.handle.requests().len();
    let run = harness::run(&mut machine.daily("5")).await?;
    ensure!(run.has_result() && run.text.contains("already done: 5"), "{}", run.text);
    ensure!(run.text.contains("stack finstream is up to date") && machine.cloud().is_none(), "{}", run.text);
    ensure!(machine.market.handle.requests().len() == requests, "the market was queried without a reason");
    Ok(())
}

/// Nobody reads what a scheduled run prints.
async fn what_keeps_a_run_from_starting_is_reported(context: Arc<Context>) -> Result<()> {
    let machine = Machine::new(&context.tools).await?;
    let (notified, taken) = (machine.out.join("notified"), machine.out.join("taken"));
    fs::write(&taken, "")?;
    let mut daily = context.tools.finstream_command(machine.home.path());
    daily.args(["daily", "--on-failure", r#"echo "$FINSTREAM_MESSAGE" >"$NOTIFIED""#]).env("NOTIFIED", &notified);
    let run = harness::run(daily.arg("--out").arg(&taken)).await?;
    ensure!(run.code == 2 && run.stderr.contains("taken is a file"), "{}", run.text);
    ensure!(fs::read_to_string(&notified)?.contains("taken is a file"), "nobody was notified: {}", run.text);
    let status = machine.status().await?;
    ensure!(status["last_run"]["outcome"] == "failed", "{status}");
    Ok(())
}

/// On a local cloud that is up already and stays up, with waits that a test has the time for: they are 110 minutes on AWS. Of the
/// days, of which the oldest are run first, two are run at once, and no other after them.
async fn a_blocked_market_is_reported(machine: &Machine<'_>, days: &[String]) -> Result<()> {
    let [not_run @ .., second, first] = days else { bail!("two days at least") };
    let up = ["local", "up", "--market-url", &machine.market.url, "--wait-scale", "0.001"];
    let up = machine.types(&up).await?;
    ensure!(up.code == 0, "{}", up.text);
    let cloud = machine.cloud().context("it is not up")?;
    let other = machine.types(&["daily", "--market-url", "http://127.0.0.1:9", "--out", &machine.out.arg()]).await?;
    let refused = format!("a local cloud with the market {} is up", machine.market.url);
    ensure!(other.code == 1 && other.text.contains(&refused), "{}", other.text);

    let rule = FaultRule { symbol: None, fault: Fault::TooManyRequests, duration: FaultDuration::Always };
    machine.market.handle.inject(rule);
    let notified = machine.out.join("notified");
    let command = r#"printf '%s: %s\n' "$FINSTREAM_DAYS" "$FINSTREAM_MESSAGE" >notified; exit 3"#;
    let bin = machine.out.join("bin");
    program(&bin, if cfg!(target_os = "macos") { "osascript" } else { "notify-send" }, "")?;
    let mut daily = machine.daily("9");
    daily.env("PATH", path_with(&bin)?).args(["--on-failure", command]).current_dir(machine.out.join(""));
    let run = harness::run(&mut daily).await?;
    ensure!(run.code == 1 && run.text.contains("failed with\u{a0}MarketBlocked"), "{}", run.text);
    ensure!(run.text.contains("the command of --on-failure ended with exit status: 3"), "{}", run.text);
    ensure!(run.text.contains("already done: 5, not run: 2, failed: 2"), "{}", run.text);
    let message = |day: &str| format!("{day} failed with MarketBlocked: no bars of {day} after 5 attempts: ");
    let notified = fs::read_to_string(notified)?;
    ensure!(notified.starts_with(&format!("{first} {second}: {}", message(first))), "{notified}");
    ensure!(notified.contains("; wait an hour"), "{notified}");
    ensure!(not_run.iter().all(|day| notified.contains(&format!("{day} was not run"))), "{notified}");
    let shown = machine.out.read("bin/calls")?;
    ensure!(shown.contains("finstream daily failed") && shown.contains(&message(second)), "{shown}");
    ensure!(machine.cloud().is_some(), "it was up before, and is not any more");

    // After each of its four waits it was queried once more.
    let machine_arn = cloud.output("StateMachineArn")?;
    let executions = ["stepfunctions", "list-executions", "--state-machine-arn", machine_arn];
    let executions = machine.tools.aws(&cloud, &executions).await?;
    let of_day = |day: &String| {
        let of_day = |execution: &&Value| execution["name"].as_str().is_some_and(|name| name.contains(day));
        list(&executions["executions"]).into_iter().find(of_day)
    };
    ensure!(not_run.iter().all(|day| of_day(day).is_none()), "{not_run:?} were run");
    let failed = of_day(first).context("no execution of the day")?;
    let arn = failed["executionArn"].as_str().context("no ARN")?;
    let history = ["stepfunctions", "get-execution-history", "--execution-arn", arn];
    let events = machine.tools.aws(&cloud, &history).await?;
    let entered = |state: &str| {
        let name = |event: &&&Value| event.pointer("/stateEnteredEventDetails/name").is_some_and(|name| name == state);
        list(&events["events"]).iter().filter(name).count()
    };
    ensure!((entered("WaitForMarket"), entered("Collect")) == (4, 5), "{events}");

    let page = machine.page()?;
    ensure!(page.contains("The last run failed.") && page.contains(&message(first)), "{page}");
    let status = machine.types(&["daily", "--status"]).await?;
    ensure!(status.code == 0 && status.stdout.contains(&message(first)), "{}", status.text);
    ensure!(status.stdout.contains(&format!("{first}  failed with MarketBlocked")), "{}", status.text);
    Ok(())
}

/// A user's folders, and a `systemctl` that logs its arguments and answers, or not, as the test says.
struct User {
    folder: tempfile::TempDir,
}

impl User {
    fn new(systemctl: &str) -> Result<Self> {
        let user = Self { folder: tempfile::Builder::new().prefix("a user's $HOME 100% ").tempdir()? };
        program(&user.bin(), "systemctl", systemctl)?;
        program(&user.bin(), "loginctl", "echo no")?;
        Ok(user)
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn units(&self) -> PathBuf {
        self.folder.path().join("config/systemd/user")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.units()).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    async fn types(&self, tools: &Tools, args: &[&str]) -> Result<ProgramOutput> {
        let mut command = tools.finstream_command(&self.folder.path().join("local cloud"));
        command
            .arg("daily")
            .args(args)
            .current_dir(self.folder.path())
            .env("PATH", path_with(&self.bin())?)
            .env("USER", "me");
        command.env("HOME", self.folder.path()).env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        harness::run(&mut command).await
    }

    fn calls(&self) -> Result<String> {
        Ok(fs::read_to_string(self.bin().join("calls"))?)
    }
}

const SHOWS_THE_NEXT: &str =
    r#"case "$*" in *show*) printf 'ActiveState=active\nNextElapseUSecRealtime=@1795559400\n';; esac"#;

async fn a_schedule_is_installed_and_removed(context: Arc<Context>) -> Result<()> {
    let tools = &context.tools;
    if cfg!(target_os = "macos") {
        return Ok(()); // the files of launchd are checked by the unit tests
    }
    let user = User::new(SHOWS_THE_NEXT)?;
    let failing = "mail -s \"$FINSTREAM_MESSAGE\" me@example.com </dev/null; echo 100%";
    let install = ["--install", "--at", "18:15", "--sessions", "3", "--out", "my results", "--on-failure", failing];
    for _ in 0..2 {
        let installed = user.types(tools, &install).await?;
        ensure!(installed.code == 0 && installed.stdout.contains("finstream-daily.timer"), "{}", installed.text);
        ensure!(installed.stdout.contains("Monday to Friday at 18:15 in New York"), "{}", installed.text);
        ensure!(installed.stderr.contains("loginctl enable-linger"), "{}", installed.text);
        ensure!(installed.stderr.contains("cargo install --locked --path cli"), "{}", installed.text);
    }
    ensure!(user.names() == ["finstream-daily.service", "finstream-daily.timer"], "{:?}", user.names());
    let calls = user.calls()?;
    ensure!(calls.contains("systemctl --user enable --now finstream-daily.timer"), "{calls}");
    units_are_valid(&user).await?;
    let service = fs::read_to_string(user.units().join("finstream-daily.service"))?;
    let out = format!("\"--out\" \"{}/my results/{{date}}\"", user.folder.path().display());
    for part in [out.replace('%', "%%").replace('$', "$$").as_str(), r#"\"$$FINSTREAM_MESSAGE\" me@"#, "/local cloud\""]
    {
        ensure!(service.contains(part), "no {part} in {service}");
    }

    let status = user.types(tools, &["--status", "--json"]).await?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    ensure!(status["installed"] == true && status["active"] == true && status["at"] == "18:15", "{status}");
    ensure!(status["next_run"] == "2026-11-24T22:30:00Z" && status["last_run"].is_null(), "{status}");
    for says in ["removed ", "it was not installed"] {
        let removed = user.types(tools, &["--uninstall"]).await?;
        ensure!(removed.code == 0 && removed.stdout.starts_with(says) && user.names().is_empty(), "{}", removed.text);
    }
    ensure!(user.calls()?.contains("systemctl --user disable --now finstream-daily.timer"));

    // Where no systemd answers, or it refuses the timer, nothing is left.
    for (systemctl, says) in [
        ("echo 'Failed to connect to bus' >&2; exit 1", "no systemd answers for this user"),
        (r#"case "$*" in *enable*) echo 'Access denied' >&2; exit 1;; esac"#, "Access denied"),
    ] {
        let user = User::new(systemctl)?;
        let refused = user.types(tools, &["--install"]).await?;
        ensure!(refused.code == 1 && refused.text.contains(says) && user.names().is_empty(), "{}", refused.text);
        ensure!(refused.text.contains("nothing was installed"), "{}", refused.text);
        let status = user.types(tools, &["--status"]).await?;
        ensure!(status.code == 0 && status.stdout.contains("installed   no"), "{}", status.text);
    }
    Ok(())
}

/// As systemd itself says, where it is there.
async fn units_are_valid(user: &User) -> Result<()> {
    let units = user.units();
    let path = |name: &str| units.join(name);
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        return Ok(());
    }
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "verify"]).arg(path("finstream-daily.service")).arg(path("finstream-daily.timer"));
    let verified = harness::run(verify.env("XDG_RUNTIME_DIR", user.folder.path())).await?;
    ensure!(verified.code == 0 && !verified.text.contains("finstream"), "{}", verified.text);
    Ok(())
}
