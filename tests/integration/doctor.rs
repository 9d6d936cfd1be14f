//! `finstream doctor` on a healthy stack, and on stacks that are broken in one way each.
//!
//! On a stack of its own, with a schedule and a subscriber as on AWS. What can be mended is broken first, and mended;
//! what cannot is deleted at the end.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use comfy_table::{ContentArrangement, Table};
use harness::{Ended, OutFolder, Stack, list, poll};
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Context, trials};

mod changed;
mod deleted;
mod settings;

trials![a_healthy_stack_has_nothing_wrong_and_a_broken_one_has];

/// Ticks that no session of the test sees: they would query the market.
const NO_TICKS: [(&str, &str); 3] = [
    ("LiveOpenExpression", "cron(0 3 1 1 ? *)"),
    ("LiveExpression", "cron(1 3 1 1 ? *)"),
    ("LiveCloseExpression", "cron(2 3 1 1 ? *)"),
];

const EMAIL: &str = "ops@example.com";

async fn a_healthy_stack_has_nothing_wrong_and_a_broken_one_has(context: Arc<Context>) -> Result<()> {
    let parameters = [("ScheduleState", "ENABLED"), ("NotificationEmail", EMAIL), ("Live", "ENABLED")];
    let stack = Stack::up_with(&context.tools, &[&parameters[..], &NO_TICKS].concat()).await?;
    let mut doctor = Doctor { context: &context, stack: &stack, shown: Table::new() };
    doctor.shown.set_content_arrangement(ContentArrangement::Dynamic).set_width(160);
    doctor.shown.set_header(["broken", "check", "problem", "fix"]);
    doctor.is_healthy().await.context("a healthy stack")?;
    doctor.needs_a_stack().await.context("no region, credentials or stack")?;
    doctor.depends_on_permissions().await.context("a user who may read almost nothing")?;
    doctor.finds_changed_settings().await?;
    doctor.finds_a_changed_schedule().await?;
    doctor.finds_a_pending_subscription().await?;
    doctor.finds_a_removed_policy().await?;
    doctor.finds_a_market_that_does_not_answer().await?;
    doctor.finds_a_failed_run().await?;
    doctor.finds_a_failed_tick().await?;
    doctor.finds_a_missing_column().await?;
    doctor.finds_what_was_deleted().await?;
    println!("{}", doctor.shown);
    Ok(())
}

struct Doctor<'a> {
    context: &'a Context,
    stack: &'a Stack,
    /// What was broken, and what `doctor` said of it.
    shown: Table,
}

/// What `doctor` printed.
struct Printed {
    code: i32,
    text: String,
}

async fn print(command: &mut Command) -> Result<Printed> {
    let output = command.stdin(Stdio::null()).output().await?;
    let text = String::from_utf8(output.stdout)?;
    Ok(Printed { code: output.status.code().unwrap_or(-1), text })
}

impl Doctor<'_> {
    async fn is_healthy(&self) -> Result<()> {
        let printed = print(self.local().arg("doctor")).await?;
        println!("{}", printed.text);
        ensure!(printed.code == 0 && printed.text.ends_with(" ok, 0 wrong, 0 not checked\n"), "{}", printed.text);
        for line in ["next start on ", "simulated prices", "confirmed by ops@example.com", "none yet"] {
            ensure!(printed.text.contains(line), "{line}: {}", printed.text);
        }
        // The same without the local cloud's own files, as on an AWS account.
        let home = OutFolder::create()?;
        let name = ["doctor", "--json", "--stack", &self.stack.cloud.stack];
        let printed = print(self.account(&home).args(name)).await?;
        let report: Value = serde_json::from_str(&printed.text)?;
        ensure!(printed.code == 0 && report["wrong"] == 0 && report["skipped"] == 0, "{report:#}");
        ensure!(list(&report["checks"]).len() > 45, "{report:#}");
        ensure!(
            check(&report, "live stream")?["detail"].to_string().contains("ACTIVE, 1 shard, encrypted"),
            "{report:#}"
        );
        // A stack without `Live` has none of its checks.
        let mut command = self.context.tools.finstream_command(&self.context.stack.cloud.home);
        let report: Value = serde_json::from_str(&print(command.args(["doctor", "--json"])).await?.text)?;
        let checks: Vec<_> = list(&report["checks"]).into_iter().filter_map(|it| it["check"].as_str()).collect();
        let of_live = checks.iter().any(|check| check.starts_with("live") || check.contains("tick"));
        ensure!(!of_live && checks.len() > 30, "{checks:?}");
        Ok(())
    }

    /// Where the stack is not found, nothing else can be checked.
    async fn needs_a_stack(&mut self) -> Result<()> {
        let home = OutFolder::create()?;
        for (broken, mut command, check, says) in [
            ("no stack of that name", self.account(&home), "stack", ["there is no stack nope in", "--stack"]),
            ("no region", self.nowhere(&home), "region", ["no AWS region is set", "AWS_REGION"]),
            (
                "no credentials",
                {
                    let mut command = self.nowhere(&home);
                    command.env("AWS_REGION", "us-east-1");
                    command
                },
                "credentials",
                ["no AWS credentials were found", "aws configure"],
            ),
        ] {
            let printed = print(command.args(["doctor", "--json", "--stack", "nope"])).await?;
            let report: Value = serde_json::from_str(&printed.text)?;
            ensure!(printed.code == 1 && wrong(&report) == [check], "{broken}: {report:#}");
            let skipped = list(&report["checks"]).into_iter().any(|check| check["status"] == "skipped");
            ensure!(skipped, "{broken}: {report:#}");
            self.says(broken, &report, check, says)?;
        }
        let typed_wrong = print(self.local().args(["doctor", "--stak"])).await?;
        ensure!(typed_wrong.code == 2, "{}", typed_wrong.code);
        Ok(())
    }

    /// What may not be read is skipped, but not the stack, without which nothing is checked.
    async fn depends_on_permissions(&mut self) -> Result<()> {
        let home = OutFolder::create()?;
        let name = ["doctor", "--json", "--stack", &self.stack.cloud.stack];
        let mut command = self.as_user(&home, "stranger", "sts:GetCallerIdentity").await?;
        let printed = print(command.args(name)).await?;
        let report: Value = serde_json::from_str(&printed.text)?;
        ensure!(printed.code == 1 && wrong(&report) == ["stack"], "{report:#}");
        let says = ["may not cloudformation:DescribeStacks", "ReadOnlyAccess"];
        self.says("a stack that may not be described", &report, "stack", says)?;

        let mut command = self.as_user(&home, "reader", "cloudformation:DescribeStacks").await?;
        let printed = print(command.args(["doctor", "--stack", &self.stack.cloud.stack])).await?;
        let denied = printed.text.matches("not checked: your user or role may not ").count();
        ensure!(printed.code == 0 && denied > 20, "{}", printed.text);
        ensure!(printed.text.contains("-      crawler "), "{}", printed.text);
        Ok(())
    }

    /// `finstream` with the credentials of a new user who may do nothing but that.
    async fn as_user(&self, home: &OutFolder, name: &str, action: &str) -> Result<Command> {
        let statement = json!([{"Effect": "Allow", "Action": action, "Resource": "*"}]);
        let policy = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        self.aws(&["iam", "create-user", "--user-name", name]).await?;
        let user = ["--user-name", name, "--policy-name", "p", "--policy-document", &policy];
        self.aws(&[["iam", "put-user-policy"].as_slice(), &user].concat()).await?;
        let key = self.aws(&["iam", "create-access-key", "--user-name", name]).await?;
        let text = |name: &str| key["AccessKey"][name].as_str().unwrap_or_default().to_owned();
        let mut command = self.account(home);
        command.env("AWS_ACCESS_KEY_ID", text("AccessKeyId")).env("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"));
        Ok(command)
    }

    async fn finds_a_market_that_does_not_answer(&mut self) -> Result<()> {
        let market = &self.stack.market.handle;
        for (broken, fault, says) in [
            ("a market that blocks", Fault::TooManyRequests, ["the market blocks collect: SPY at", "UserAgent"]),
            ("a market that is down", Fault::Reset, ["the market does not answer collect: SPY at", "can be reached"]),
        ] {
            market.inject(FaultRule { symbol: None, fault, duration: FaultDuration::Always });
            self.finds(broken, "market", says).await?;
            market.clear(None);
        }
        let before = market.requests().len();
        self.doctor().await?;
        ensure!(market.requests().len() == before + 1, "a probe is one request");
        ensure!(self.stack.keys("bars/").await?.is_empty(), "a probe wrote bars");
        Ok(())
    }

    async fn finds_a_failed_run(&mut self) -> Result<()> {
        self.stack.fail(&json!({"trade_date": "2026-11-20", "symbols": ["ZZNONE"]})).await?;
        self.finds("the last run failed", "last run", ["is FAILED with NoBars", "cargo finstream follow"]).await?;
        self.stack.succeed(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
        let (_, report) = self.doctor().await?;
        let last = check(&report, "last run")?["detail"].as_str().unwrap_or_default().to_owned();
        let crawl = check(&report, "crawler")?["detail"].as_str().unwrap_or_default().to_owned();
        ensure!(last.contains("SUCCEEDED") && crawl.contains("its last crawl began"), "{last}; {crawl}");
        Ok(())
    }

    async fn finds_a_failed_tick(&mut self) -> Result<()> {
        let ended = self.stack.tick(&json!({"live": true, "interval": "7m"})).await?;
        ensure!(matches!(ended, Ended::Failed { .. }), "{ended:?}");
        let says = ["is FAILED with InvalidInput", "aws stepfunctions describe-execution"];
        self.finds("the last tick failed", "last tick", says).await?;
        let input = json!({"live": true, "scheduled_time": "2026-11-20T15:01:00Z", "symbols": ["META"]});
        let ended = self.stack.tick(&input).await?;
        let (_, report) = self.doctor().await?;
        let last = check(&report, "last tick")?["detail"].as_str().unwrap_or_default();
        ensure!(last.contains("SUCCEEDED with collected"), "{last}: {ended:?}");
        Ok(())
    }

    /// The check, and no other, is wrong, with these texts in its problem and its fix.
    async fn finds(&mut self, broken: &str, check: &'static str, says: [&str; 2]) -> Result<()> {
        let report = self.finds_exactly(broken, vec![check]).await?;
        self.says(broken, &report, check, says)
    }

    /// Waits until exactly these checks are wrong: a change of a function takes effect after a moment.
    async fn finds_exactly(&self, broken: &str, mut checks: Vec<&'static str>) -> Result<Value> {
        checks.sort_unstable();
        let mut last = Value::Null;
        let found = poll(broken, Duration::from_millis(300), async || {
            let (code, report) = self.doctor().await?;
            let mut found = wrong(&report);
            found.sort_unstable();
            let is_expected = found == checks && code == 1;
            last.clone_from(&report);
            Ok(is_expected.then_some(report))
        });
        found.await.with_context(|| format!("{broken}: {last:#}"))
    }

    /// The problem and the fix of a check that is wrong have these texts.
    fn says(&mut self, broken: &str, report: &Value, name: &str, [problem, fix]: [&str; 2]) -> Result<()> {
        let found = check(report, name)?;
        let text = |field: &str| found[field].as_str().unwrap_or_default();
        ensure!(text("detail").contains(problem) && text("fix").contains(fix), "{broken}: {found:#}");
        self.shown.add_row([broken, name, text("detail"), text("fix")]);
        Ok(())
    }

    async fn doctor(&self) -> Result<(i32, Value)> {
        let printed = print(self.local().args(["doctor", "--json"])).await?;
        let report = serde_json::from_str(&printed.text).with_context(|| printed.text)?;
        Ok((printed.code, report))
    }

    /// `finstream` on the local cloud, as `finstream local up` leaves it.
    fn local(&self) -> Command {
        self.context.tools.finstream_command(&self.stack.cloud.home)
    }

    /// `finstream` with the environment of an AWS account, which is that of the local cloud.
    fn account(&self, home: &OutFolder) -> Command {
        let mut command = self.nowhere(home);
        command.envs(self.stack.cloud.environment());
        command
    }

    /// `finstream` without a region, credentials, or a local cloud.
    fn nowhere(&self, home: &OutFolder) -> Command {
        self.context.tools.finstream_without_aws(&home.join("home"))
    }

    async fn aws(&self, args: &[&str]) -> Result<Value> {
        self.context.tools.aws(&self.stack.cloud, args).await
    }
}

/// The names of the checks that are wrong.
fn wrong(report: &Value) -> Vec<&str> {
    let checks = list(&report["checks"]).into_iter();
    checks.filter(|check| check["status"] == "wrong").filter_map(|check| check["check"].as_str()).collect()
}

fn check<'a>(report: &'a Value, name: &str) -> Result<&'a Value> {
    let found = list(&report["checks"]).into_iter().find(|check| check["check"] == name);
    found.with_context(|| format!("no check {name}: {report:#}"))
}
