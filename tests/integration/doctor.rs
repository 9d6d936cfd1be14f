//! `finstream doctor` on a healthy stack, and on stacks that are broken in one way each.
//!
//! On a stack of its own, with a schedule and a subscriber as on AWS. What can be mended is broken first, and mended;
//! what cannot is deleted at the end.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use comfy_table::{ContentArrangement, Table};
use harness::{OutFolder, Stack, deployed_roles, find_role, list, poll};
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Context, trials};

trials![a_healthy_stack_has_nothing_wrong_and_a_broken_one_has];

const EMAIL: &str = "ops@example.com";

async fn a_healthy_stack_has_nothing_wrong_and_a_broken_one_has(context: Arc<Context>) -> Result<()> {
    let parameters = [("ScheduleState", "ENABLED"), ("NotificationEmail", EMAIL)];
    let stack = Stack::up_with(&context.tools, &parameters).await?;
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
        ensure!(list(&report["checks"]).len() > 30, "{report:#}");
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

    /// Settings that one command of the AWS CLI changes and another sets back.
    async fn finds_changed_settings(&mut self) -> Result<()> {
        let stack = self.stack.cloud.stack.clone();
        let [bucket, export, query, crawl, group] =
            ["DataBucket", "ExportCsvFunction", "RunQueryFunction", "StartCrawlerFunction", "WorkGroup"]
                .map(|name| self.stack.cloud.output(name).map(str::to_owned));
        let (bucket, export, query, crawl, group) = (bucket?, export?, query?, crawl?, group?);
        let function = |name: &str, setting: String| {
            format!("lambda update-function-configuration --function-name {name} {setting}")
        };
        let variables = format!("RUST_LOG=info,METRICS_NAMESPACE=finstream/{stack}");
        let alarm = format!("{stack}-delivery-is-late");
        let (rule, topic) =
            (format!("{stack}-records-not-delivered"), self.stack.cloud.output("AlertsArn")?.to_owned());
        let state = |state: &str| {
            format!("cloudwatch set-alarm-state --alarm-name {alarm} --state-reason test --state-value {state}")
        };
        let versions = |status: &str| {
            format!("s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status={status}")
        };
        let events = |rules: &str| {
            format!(
                "s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration {rules}"
            )
        };
        let encrypted = |default: &str| {
            let rule = format!("{{\"ApplyServerSideEncryptionByDefault\":{{{default}}}}}");
            let rules = format!("{{\"Rules\":[{rule}]}}");
            format!("s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration {rules}")
        };
        let key = "\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"1234-abcd\"";
        let work_group = |state: &str| format!("athena update-work-group --work-group {group} --state {state}");
        for (broken, change, check, says, back) in [
            (
                "a variable of export-csv removed",
                function(&export, format!("--environment Variables={{{variables}}}")),
                "export-csv",
                ["its variable DATA_BUCKET is missing", "set it back"],
                function(&export, format!("--environment Variables={{{variables},DATA_BUCKET={bucket}}}")),
            ),
            (
                "a variable of start-crawler changed",
                function(&crawl, "--environment Variables={RUST_LOG=info,CRAWLER_NAME=other}".to_owned()),
                "start-crawler",
                ["its variable CRAWLER_NAME is other and should be", "template.yaml"],
                function(&crawl, format!("--environment Variables={{RUST_LOG=info,CRAWLER_NAME={stack}-bars}}")),
            ),
            (
                "the timeout of run-query changed",
                function(&query, "--timeout 3".to_owned()),
                "run-query",
                ["its timeout is 3 s and should be 30 s", "set it back"],
                function(&query, "--timeout 30".to_owned()),
            ),
            (
                "the memory of start-crawler changed",
                function(&crawl, "--memory-size 512".to_owned()),
                "start-crawler",
                ["its memory is 512 MB and should be 128 MB", "set it back"],
                function(&crawl, "--memory-size 128".to_owned()),
            ),
            (
                "the workgroup disabled",
                work_group("DISABLED"),
                "workgroup",
                ["is DISABLED", "aws athena update-work-group"],
                work_group("ENABLED"),
            ),
            (
                "versioning suspended",
                versions("Suspended"),
                "bucket",
                ["is Suspended", "aws s3api put-bucket-versioning"],
                versions("Enabled"),
            ),
            (
                "no events from the bucket",
                events("{}"),
                "bucket notifications",
                ["reports nothing to EventBridge", "turn on Amazon EventBridge"],
                events("{\"EventBridgeConfiguration\":{}}"),
            ),
            (
                "a key that the roles may not use",
                encrypted(key),
                "bucket encryption",
                ["encrypts with the key 1234-abcd", "as KmsKeyArn"],
                encrypted("\"SSEAlgorithm\":\"AES256\""),
            ),
            (
                "logs that lose the metrics",
                function(&export, "--logging-config LogFormat=JSON,ApplicationLogLevel=WARN".to_owned()),
                "export-csv",
                ["its application log level is WARN and should be INFO", "set it back"],
                function(&export, "--logging-config LogFormat=JSON,ApplicationLogLevel=INFO".to_owned()),
            ),
            (
                "an alarm in ALARM",
                state("ALARM"),
                "alarm delivery-is-late",
                ["it is in ALARM: test", "errors/"],
                state("OK"),
            ),
            (
                "an alarm without actions",
                format!("cloudwatch disable-alarm-actions --alarm-names {alarm}"),
                "alarm delivery-is-late",
                ["notifies nobody", "aws cloudwatch enable-alarm-actions"],
                format!("cloudwatch enable-alarm-actions --alarm-names {alarm}"),
            ),
            (
                "a rule disabled",
                format!("events disable-rule --name {rule}"),
                "rule records-not-delivered",
                ["is DISABLED", "aws events enable-rule"],
                format!("events enable-rule --name {rule}"),
            ),
            (
                "a rule without its target",
                format!("events remove-targets --rule {rule} --ids alerts"),
                "rule records-not-delivered",
                ["does not notify arn:", "aws events put-targets"],
                format!("events put-targets --rule {rule} --targets Id=alerts,Arn={topic}"),
            ),
        ] {
            self.aws(&change.split(' ').collect::<Vec<_>>()).await.context(broken)?;
            self.finds(broken, check, says).await?;
            self.aws(&back.split(' ').collect::<Vec<_>>()).await.context(broken)?;
        }
        Ok(())
    }

    async fn finds_a_changed_schedule(&mut self) -> Result<()> {
        let name = format!("{}-after-the-close", self.stack.cloud.stack);
        let mut schedule = self.aws(&["scheduler", "get-schedule", "--name", &name]).await?;
        let expression = "cron(30 17 ? * MON-FRI *)";
        for (broken, state, expression, says) in [
            ("the schedule disabled", "DISABLED", expression, ["its state is DISABLED", "EventBridge Scheduler"]),
            ("the schedule at noon", "ENABLED", "cron(0 12 ? * MON-FRI *)", ["its expression is cron(0 12", "set "]),
            ("", "ENABLED", expression, ["", ""]),
        ] {
            schedule["State"] = Value::from(state);
            schedule["ScheduleExpression"] = Value::from(expression);
            for field in ["Arn", "CreationDate", "LastModificationDate"] {
                schedule.as_object_mut().context("a schedule is an object")?.remove(field);
            }
            self.aws(&["scheduler", "update-schedule", "--cli-input-json", &schedule.to_string()]).await?;
            if !broken.is_empty() {
                self.finds(broken, "schedule of runs", says).await?;
            }
        }
        Ok(())
    }

    async fn finds_a_pending_subscription(&mut self) -> Result<()> {
        let topic = self.stack.cloud.output("AlertsArn")?;
        let endpoint = "https://127.0.0.1:9/alerts";
        let subscribe = ["sns", "subscribe", "--topic-arn", topic, "--protocol"];
        self.aws(&[subscribe.as_slice(), &["https", "--notification-endpoint", endpoint]].concat()).await?;
        let says = ["not confirmed by https://127.0.0.1:9/alerts", "open the link"];
        self.finds("a subscription that is not confirmed", "subscribers of alerts", says).await?;
        self.unsubscribe(topic, endpoint).await?;
        self.unsubscribe(topic, EMAIL).await?;
        let says = ["ops@example.com is not subscribed", "aws sns subscribe"];
        self.finds("a subscription deleted", "subscribers of alerts", says).await?;
        let other = "other@example.com";
        self.aws(&[subscribe.as_slice(), &["email", "--notification-endpoint", other]].concat()).await?;
        self.finds("another address subscribed", "subscribers of alerts", says).await?;
        self.unsubscribe(topic, other).await?;
        self.aws(&[subscribe.as_slice(), &["email", "--notification-endpoint", EMAIL]].concat()).await?;
        Ok(())
    }

    async fn unsubscribe(&self, topic: &str, endpoint: &str) -> Result<()> {
        let found = self.aws(&["sns", "list-subscriptions-by-topic", "--topic-arn", topic]).await?;
        let found = list(&found["Subscriptions"]).into_iter().find(|subscription| subscription["Endpoint"] == endpoint);
        let arn = found.and_then(|found| found["SubscriptionArn"].as_str()).context("no subscription")?;
        self.aws(&["sns", "unsubscribe", "--subscription-arn", arn]).await.map(drop)
    }

    async fn finds_a_removed_policy(&mut self) -> Result<()> {
        let roles = deployed_roles(&self.context.tools, &self.stack.cloud).await?;
        let role = find_role(&roles, "Collect")?;
        let name = role["RoleName"].as_str().context("no name")?;
        let policy = ["--role-name", name, "--policy-name", "collect"];
        self.aws(&[["iam", "delete-role-policy"].as_slice(), &policy].concat()).await?;
        let says = ["may not firehose:PutRecordBatch on arn:aws:firehose", "changed by hand"];
        self.finds("the policy of a role removed", "role of collect", says).await?;
        let document = role["RolePolicyList"][0]["PolicyDocument"].to_string();
        self.aws(&[["iam", "put-role-policy"].as_slice(), &policy, &["--policy-document", &document]].concat()).await?;
        Ok(())
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

    async fn finds_a_missing_column(&mut self) -> Result<()> {
        let database = self.stack.cloud.output("DatabaseName")?;
        let found = self.aws(&["glue", "get-table", "--database-name", database, "--name", "bars"]).await?;
        let field = |name: &str| found["Table"][name].clone();
        let mut table = json!({"Name": "bars", "TableType": field("TableType"), "Parameters": field("Parameters"),
            "StorageDescriptor": field("StorageDescriptor"), "PartitionKeys": field("PartitionKeys")});
        let whole = table.to_string();
        let columns = table["StorageDescriptor"]["Columns"].as_array_mut().context("no columns")?;
        columns.retain(|column| column["Name"] != "run_id");
        let update = ["glue", "update-table", "--database-name", database, "--table-input"];
        self.aws(&[update.as_slice(), &[&table.to_string()]].concat()).await?;
        let says = ["its column run_id is missing", "sql/bars.sql"];
        self.finds("a column missing", "table", says).await?;
        self.aws(&[update.as_slice(), &[&whole]].concat()).await?;
        Ok(())
    }

    async fn finds_what_was_deleted(&mut self) -> Result<()> {
        let output = |name: &str| self.stack.cloud.output(name).map(str::to_owned);
        let (crawler, stream, database) = (output("CrawlerName")?, output("DeliveryStream")?, output("DatabaseName")?);
        let (function, machine) = (output("ExportCsvFunction")?, output("StateMachineArn")?);
        let alarm = format!("{}-run-did-not-start", self.stack.cloud.stack);
        let mut deleted = Vec::new();
        for (command, check) in [
            (vec!["glue", "delete-crawler", "--name", &crawler], "crawler"),
            (vec!["firehose", "delete-delivery-stream", "--delivery-stream-name", &stream], "delivery stream"),
            (vec!["glue", "delete-table", "--database-name", &database, "--name", "bars"], "table"),
            (vec!["lambda", "delete-function", "--function-name", &function], "export-csv"),
            (vec!["cloudwatch", "delete-alarms", "--alarm-names", &alarm], "alarm run-did-not-start"),
            (vec!["stepfunctions", "delete-state-machine", "--state-machine-arn", &machine], "pipeline"),
        ] {
            self.aws(&command).await?;
            deleted.push(check);
            let what = format!("the {check} deleted");
            let report = self.finds_exactly(&what, deleted.clone()).await?;
            self.says(&what, &report, check, ["does not exist", "delete the stack and deploy it again"])?;
        }
        self.delete_bucket(&output("DataBucket")?).await?;
        let checks = ["bucket", "bucket notifications", "bucket encryption"];
        deleted.extend(checks);
        let report = self.finds_exactly("the bucket deleted", deleted).await?;
        for check in checks {
            self.says("the bucket deleted", &report, check, ["does not exist", "its bars and exports are gone"])?;
        }
        Ok(())
    }

    /// Deletes a bucket with all versions of its objects.
    async fn delete_bucket(&self, bucket: &str) -> Result<()> {
        let query = "{Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}}";
        let versions = self.aws(&["s3api", "list-object-versions", "--bucket", bucket, "--query", query]).await?;
        self.aws(&["s3api", "delete-objects", "--bucket", bucket, "--delete", &versions.to_string()]).await?;
        self.aws(&["s3api", "delete-bucket", "--bucket", bucket]).await.map(drop)
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
        let mut command = self.context.tools.finstream_command(&home.join("home"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.env("HOME", home.join("")).env("AWS_EC2_METADATA_DISABLED", "true");
        command
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
