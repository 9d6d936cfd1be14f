//! The schedules, as the local cloud's scheduler fires them. Their clock over the changes of daylight saving time, and
//! what becomes of invocations that fail, is in `local/schedules_test.py`.
//!
//! On a stack of its own, whose clock is the real one: this takes some minutes, most of which it waits.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, Subscriber, deployed_roles, find_role, list, poll};
use jiff::{RoundMode, Timestamp, ToSpan, Unit, Zoned, ZonedRound};
use serde_json::{Value, json};

use crate::{Context, trials};

trials![schedules_fire_to_the_minute_under_their_role];

const NEW_YORK: &str = "America/New_York";
const RUN: &str = "finstream-after-the-close";
const WATCH: &str = "finstream-morning-after";

/// How late a schedule may fire; usually a second.
const MAX_DELAY: Duration = Duration::from_secs(10);

struct Schedules<'a> {
    context: &'a Context,
    stack: &'a Stack,
}

async fn schedules_fire_to_the_minute_under_their_role(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("ScheduleState", "ENABLED")]).await?;
    let subscriber = Subscriber::new(&context.tools, &stack.cloud).await?;
    let schedules = Schedules { context: &context, stack: &stack };

    // The pipeline runs for the session before that minute, not before the minute at which it happens to be started.
    let minute = schedules.set_to_next_minute(RUN).await?;
    let run = schedules.fired("StateMachineArn", &minute).await?;
    ensure!(parsed(&run["input"])? == input(&minute), "{run}");
    let run = schedules.ended(&run).await?;
    ensure!(run["status"] == "SUCCEEDED", "{run}");

    // The watch is content with that run.
    let minute = schedules.set_to_next_minute(WATCH).await?;
    let watch = schedules.fired("WatchArn", &minute).await?;
    let watch = schedules.ended(&watch).await?;
    ensure!(watch["status"] == "SUCCEEDED", "{watch}");

    // Without its right nothing starts, the message is in the queue of missed runs, and the alert is sent.
    schedules.revoke_right_to_start().await?;
    let minute = schedules.set_to_next_minute(RUN).await?;
    let message = schedules.missed().await?;
    let attribute = |name: &str| message["MessageAttributes"][name]["StringValue"].clone();
    ensure!(attribute("ERROR_CODE") == "AccessDeniedException" && attribute("RETRY_ATTEMPTS") == "0", "{message}");
    ensure!(attribute("SCHEDULED_TIME") == minute.timestamp().to_string(), "{message}");
    let body = parsed(&message["Body"])?;
    ensure!(body["StateMachineArn"] == stack.cloud.output("StateMachineArn")?, "{body}");
    ensure!(parsed(&body["Input"])? == input(&minute), "{body}");
    ensure!(schedules.executions("StateMachineArn").await?.len() == 1, "the pipeline was started without the right");
    subscriber.receives(&["finstream-run-did-not-start", "ALARM"]).await
}

/// What the schedule gives the pipeline at that minute.
fn input(minute: &Zoned) -> Value {
    json!({"scheduled_time": minute.timestamp(), "list": "companies"})
}

/// The JSON in a string.
fn parsed(text: &Value) -> Result<Value> {
    Ok(serde_json::from_str(text.as_str().with_context(|| format!("{text} is no string"))?)?)
}

impl Schedules<'_> {
    /// Changes a schedule so that it fires at the next whole minute on New York's clock, which is returned.
    async fn set_to_next_minute(&self, name: &str) -> Result<Zoned> {
        let mut schedule = self.aws(&["scheduler", "get-schedule", "--name", name]).await?;
        ensure!(schedule["ScheduleExpressionTimezone"] == NEW_YORK, "{schedule}");
        // Ten seconds away at least: enough for the AWS CLI, which takes a second or two.
        let truncated = ZonedRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc);
        let minute = Zoned::now().in_tz(NEW_YORK)?.checked_add(70.seconds())?.round(truncated)?;
        schedule["ScheduleExpression"] = json!(format!("cron({} {} * * ? *)", minute.minute(), minute.hour()));
        let fields = schedule.as_object_mut().context("no schedule")?;
        fields
            .retain(|field, _| !["Arn", "CreationDate", "LastModificationDate", "KmsKeyArn"].contains(&field.as_str()));
        fields.retain(|_, value| !value.is_null());
        self.aws(&["scheduler", "update-schedule", "--cli-input-json", &schedule.to_string()]).await?;
        Ok(minute)
    }

    /// Waits for the execution that starts at `minute`, and returns its description.
    async fn fired(&self, machine: &str, minute: &Zoned) -> Result<Value> {
        let started = poll("the schedule fires", Duration::from_millis(500), async || {
            Ok(self.executions(machine).await?.into_iter().next())
        });
        let execution = started.await?;
        let start = execution["startDate"].as_f64().context("no start")?;
        let start = Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs_f64(start))?;
        let delay = start.duration_since(minute.timestamp());
        ensure!(!delay.is_negative() && delay.unsigned_abs() <= MAX_DELAY, "{minute} fired at {start}");
        self.describe(&execution).await
    }

    async fn executions(&self, machine: &str) -> Result<Vec<Value>> {
        let machine = self.stack.cloud.output(machine)?;
        let found = self.aws(&["stepfunctions", "list-executions", "--state-machine-arn", machine]).await?;
        Ok(list(&found["executions"]).into_iter().cloned().collect())
    }

    async fn describe(&self, execution: &Value) -> Result<Value> {
        let arn = execution["executionArn"].as_str().context("no execution")?;
        self.aws(&["stepfunctions", "describe-execution", "--execution-arn", arn]).await
    }

    /// Waits for the end of an execution, and returns its description.
    async fn ended(&self, execution: &Value) -> Result<Value> {
        poll("the execution ends", Duration::from_millis(200), async || {
            let execution = self.describe(execution).await?;
            Ok((execution["status"] != "RUNNING").then_some(execution))
        })
        .await
    }

    /// Leaves the schedules' role the right to send dead letters only.
    async fn revoke_right_to_start(&self) -> Result<()> {
        let roles = deployed_roles(&self.context.tools, &self.stack.cloud).await?;
        let role = find_role(&roles, "Schedule")?;
        let name = role["RoleName"].as_str().context("no name")?;
        let mut policy = role["RolePolicyList"][0].clone();
        let statements = policy["PolicyDocument"]["Statement"].as_array_mut().context("no statements")?;
        statements.retain(|statement| statement["Action"] != "states:StartExecution");
        ensure!(statements.len() == 1, "{policy}");
        let (policy_name, document) = (&policy["PolicyName"], policy["PolicyDocument"].to_string());
        let policy_name = policy_name.as_str().context("no name")?;
        let put = ["iam", "put-role-policy", "--role-name", name, "--policy-name", policy_name];
        self.aws(&[&put[..], &["--policy-document", &document]].concat()).await.map(drop)
    }

    /// Waits for a message in the queue of missed runs.
    async fn missed(&self) -> Result<Value> {
        let url = self.stack.cloud.output("MissedRunsUrl")?;
        let receive = ["receive-message", "--queue-url", url, "--message-attribute-names", "All"];
        let receive = [&receive[..], &["--visibility-timeout", "0"]].concat();
        poll("a message in the queue of missed runs", Duration::from_millis(500), async || {
            let received = self.context.tools.sqs(&self.stack.cloud, &receive).await?;
            Ok(received["Messages"].get(0).cloned())
        })
        .await
    }

    async fn aws(&self, args: &[&str]) -> Result<Value> {
        self.context.tools.aws(&self.stack.cloud, args).await
    }
}
