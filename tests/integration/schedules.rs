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
const TICK: &str = "finstream-live";

/// How late a schedule may fire; usually a second.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// How late a tick may start.
const MAX_TICK_DELAY: Duration = Duration::from_secs(2);

/// The schedules of ticks, which fire when the test says so.
const PARAMETERS: [(&str, &str); 5] = [
    ("ScheduleState", "ENABLED"),
    ("Live", "ENABLED"),
    ("LiveOpenExpression", "cron(0 3 1 1 ? *)"),
    ("LiveExpression", "cron(1 3 1 1 ? *)"),
    ("LiveCloseExpression", "cron(2 3 1 1 ? *)"),
];

struct Schedules<'a> {
    context: &'a Context,
    stack: &'a Stack,
}

async fn schedules_fire_to_the_minute_under_their_role(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &PARAMETERS).await?;
    let subscriber = Subscriber::new(&context.tools, &stack.cloud).await?;
    let schedules = Schedules { context: &context, stack: &stack };

    // The pipeline runs for the session before that minute, not before the minute at which it happens to be started.
    // A tick at the same minute collects the open session, or finds the exchange closed.
    let minute = schedules.set_to_next_minute(&[RUN, TICK]).await?;
    let run = schedules.fired("StateMachineArn", &minute, MAX_DELAY).await?;
    ensure!(parsed(&run["input"])? == input(&minute), "{run}");
    let tick = schedules.fired("LiveStateMachineArn", &minute, MAX_TICK_DELAY).await?;
    ensure!(parsed(&tick["input"])? == tick_input(&minute), "{tick}");
    let tick = schedules.ended(&tick).await?;
    ensure!(tick["status"] == "SUCCEEDED", "{tick}");
    ensure!(parsed(&tick["output"])?["scheduled_time"] == json!(minute.timestamp()), "{tick}");
    let run = schedules.ended(&run).await?;
    ensure!(run["status"] == "SUCCEEDED", "{run}");

    // The watch is content with that run.
    let minute = schedules.set_to_next_minute(&[WATCH]).await?;
    let watch = schedules.fired("WatchArn", &minute, MAX_DELAY).await?;
    let watch = schedules.ended(&watch).await?;
    ensure!(watch["status"] == "SUCCEEDED", "{watch}");

    // Without their rights nothing starts, the messages are in the queues of missed runs and ticks, and the alerts are sent.
    schedules.revoke_right_to_start("Schedule").await?;
    schedules.revoke_right_to_start("LiveSchedule").await?;
    let minute = schedules.set_to_next_minute(&[RUN, TICK]).await?;
    for (queue, machine, input) in [
        ("MissedRunsUrl", "StateMachineArn", input(&minute)),
        ("MissedTicksUrl", "LiveStateMachineArn", tick_input(&minute)),
    ] {
        let message = schedules.missed(queue).await?;
        let attribute = |name: &str| message["MessageAttributes"][name]["StringValue"].clone();
        ensure!(attribute("ERROR_CODE") == "AccessDeniedException" && attribute("RETRY_ATTEMPTS") == "0", "{message}");
        ensure!(attribute("SCHEDULED_TIME") == minute.timestamp().to_string(), "{message}");
        let body = parsed(&message["Body"])?;
        ensure!(body["StateMachineArn"] == stack.cloud.output(machine)?, "{body}");
        ensure!(parsed(&body["Input"])? == input, "{body}");
        ensure!(schedules.executions(machine).await?.len() == 1, "{machine} was started without the right");
    }
    subscriber.receives(&["finstream-run-did-not-start", "ALARM"]).await?;
    subscriber.receives(&["finstream-ticks-do-not-start", "ALARM"]).await
}

/// What the schedule gives the pipeline at that minute.
fn input(minute: &Zoned) -> Value {
    json!({"scheduled_time": minute.timestamp(), "list": "companies"})
}

/// What the schedules of ticks give the machine `live` at that minute.
fn tick_input(minute: &Zoned) -> Value {
    json!({"live": true, "scheduled_time": minute.timestamp(), "list": "companies", "interval": "5m"})
}

/// The JSON in a string.
fn parsed(text: &Value) -> Result<Value> {
    Ok(serde_json::from_str(text.as_str().with_context(|| format!("{text} is no string"))?)?)
}

impl Schedules<'_> {
    /// Changes schedules so that they fire at the next whole minute on New York's clock, which is returned.
    async fn set_to_next_minute(&self, names: &[&str]) -> Result<Zoned> {
        // Twenty seconds away at least: enough for the AWS CLI, which takes a second or two a call.
        let truncated = ZonedRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc);
        let minute = Zoned::now().in_tz(NEW_YORK)?.checked_add(80.seconds())?.round(truncated)?;
        for name in names {
            self.set(name, &minute).await?;
        }
        Ok(minute)
    }

    async fn set(&self, name: &str, minute: &Zoned) -> Result<()> {
        let mut schedule = self.aws(&["scheduler", "get-schedule", "--name", name]).await?;
        ensure!(schedule["ScheduleExpressionTimezone"] == NEW_YORK, "{schedule}");
        schedule["ScheduleExpression"] = json!(format!("cron({} {} * * ? *)", minute.minute(), minute.hour()));
        let fields = schedule.as_object_mut().context("no schedule")?;
        fields
            .retain(|field, _| !["Arn", "CreationDate", "LastModificationDate", "KmsKeyArn"].contains(&field.as_str()));
        fields.retain(|_, value| !value.is_null());
        self.aws(&["scheduler", "update-schedule", "--cli-input-json", &schedule.to_string()]).await.map(drop)
    }

    /// Waits for the execution that starts at `minute`, and returns its description.
    async fn fired(&self, machine: &str, minute: &Zoned, max_delay: Duration) -> Result<Value> {
        let started = poll("the schedule fires", Duration::from_millis(500), async || {
            Ok(self.executions(machine).await?.into_iter().next())
        });
        let execution = started.await?;
        let start = execution["startDate"].as_f64().context("no start")?;
        let start = Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs_f64(start))?;
        let delay = start.duration_since(minute.timestamp());
        ensure!(!delay.is_negative() && delay.unsigned_abs() <= max_delay, "{minute} fired at {start}");
        println!("{machine} started {delay:#} after the minute");
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

    /// Leaves a role of schedules the right to send dead letters only.
    async fn revoke_right_to_start(&self, role: &str) -> Result<()> {
        let roles = deployed_roles(&self.context.tools, &self.stack.cloud).await?;
        let role = find_role(&roles, role)?;
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

    /// Waits for a message in a queue of what the schedules could not start.
    async fn missed(&self, queue: &str) -> Result<Value> {
        let url = self.stack.cloud.output(queue)?;
        let receive = ["receive-message", "--queue-url", url, "--message-attribute-names", "All"];
        let receive = [&receive[..], &["--visibility-timeout", "0"]].concat();
        poll("a message in the queue", Duration::from_millis(500), async || {
            let received = self.context.tools.sqs(&self.stack.cloud, &receive).await?;
            Ok(received["Messages"].get(0).cloned())
        })
        .await
    }

    async fn aws(&self, args: &[&str]) -> Result<Value> {
        self.context.tools.aws(&self.stack.cloud, args).await
    }
}
