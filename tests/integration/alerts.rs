//! Each alert reaches a queue that listens to the topic, and what the dashboard shows is there.
//!
//! On a stack of its own, on which no run has succeeded yet.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use harness::Stack;
use serde_json::{Value, json};

use crate::{Context, trials};

trials![each_alert_is_heard_of];

struct Listener<'a> {
    context: &'a Context,
    stack: &'a Stack,
    queue: String,
}

async fn each_alert_is_heard_of(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let listener = Listener::new(&context, &stack).await?;
    listener.a_run_that_failed().await.context("a run that failed")?;
    listener.a_run_that_was_aborted().await.context("a run that was aborted")?;
    listener.a_morning_after_no_run().await.context("a morning after no run")?;
    listener.records_that_cannot_be_placed().await.context("records that cannot be placed")?;
    let delivery = ("AWS/Firehose", "DeliveryToS3.DataFreshness", "finstream-delivery-is-late");
    listener.an_alarm(delivery, "1800", "1801").await.context("late delivery")?;
    let missed = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "finstream-run-did-not-start");
    listener.an_alarm(missed, "0", "1").await.context("a run that did not start")?;
    listener.the_metrics_find_their_numbers().await.context("the metrics")?;
    listener.the_dashboard_shows_what_is_deployed().await.context("the dashboard")
}

impl<'a> Listener<'a> {
    async fn new(context: &'a Context, stack: &'a Stack) -> Result<Self> {
        let mut listener = Self { context, stack, queue: String::new() };
        let arn = format!("arn:aws:sqs:{}:000000000000:listener", stack.cloud.region);
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage",
            "Principal": {"Service": "sns.amazonaws.com"}, "Resource": arn}]});
        let attributes = json!({"Policy": policy.to_string()}).to_string();
        let queue = listener.sqs(&["create-queue", "--queue-name", "listener", "--attributes", &attributes]).await?;
        listener.queue = queue["QueueUrl"].as_str().context("no queue")?.to_owned();
        let topic = stack.cloud.output("AlertsArn")?;
        let subscribe =
            ["sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", &arn];
        listener.aws(&subscribe).await?;
        Ok(listener)
    }

    async fn a_run_that_failed(&self) -> Result<()> {
        self.stack.fail(&json!({"trade_date": "2021-13-45"})).await?;
        self.hears(&["finstream-pipeline", "is FAILED"]).await
    }

    /// A time-out is the third name in the same rule; the local cloud lets no execution time out.
    async fn a_run_that_was_aborted(&self) -> Result<()> {
        let execution = self.start("StateMachineArn").await?;
        self.aws(&["stepfunctions", "stop-execution", "--execution-arn", &execution]).await?;
        self.hears(&[&execution, "is ABORTED"]).await
    }

    async fn a_morning_after_no_run(&self) -> Result<()> {
        let failing = self.start("WatchArn").await?;
        self.hears(&[&failing, "is FAILED"]).await?;
        ensure!(self.ended(&failing).await?["error"] == "NoRunSucceeded");
        self.stack.succeed(&json!({"trade_date": "2026-11-20"})).await?;
        ensure!(self.ended(&self.start("WatchArn").await?).await?["status"] == "SUCCEEDED");
        Ok(())
    }

    async fn records_that_cannot_be_placed(&self) -> Result<()> {
        let stream = self.stack.cloud.output("DeliveryStream")?;
        let record = "Data=bm90IGpzb24="; // not json
        self.aws(&["firehose", "put-record", "--delivery-stream-name", stream, "--record", record]).await?;
        self.hears(&[self.stack.cloud.output("DataBucket")?, "/errors/processing-failed/"]).await
    }

    /// AWS publishes these metrics itself; the local cloud does not, but its alarms are real.
    async fn an_alarm(&self, (namespace, metric, alarm): (&str, &str, &str), good: &str, bad: &str) -> Result<()> {
        let put = ["cloudwatch", "put-metric-data", "--namespace", namespace, "--metric-name", metric, "--value"];
        let state = ["cloudwatch", "describe-alarms", "--alarm-names", alarm];
        self.aws(&[&put[..], &[good]].concat()).await?;
        ensure!(self.aws(&state).await?["MetricAlarms"][0]["StateValue"] == "OK");
        self.aws(&[&put[..], &[bad]].concat()).await?;
        self.hears(&[alarm, "ALARM", metric]).await
    }

    /// The local cloud derives no metrics from logs, so this looks for the lines itself.
    async fn the_metrics_find_their_numbers(&self) -> Result<()> {
        let filters = self.aws(&["logs", "describe-metric-filters"]).await?;
        let filters = filters["metricFilters"].as_array().context("no filters")?;
        ensure!(filters.len() == 2, "{filters:?}");
        for filter in filters {
            let group = filter["logGroupName"].as_str().context("no log group")?;
            let events = self.aws(&["logs", "filter-log-events", "--log-group-name", group]).await?;
            let events = events["events"].as_array().context("no events")?;
            let lines = events.iter().filter_map(|event| serde_json::from_str(event["message"].as_str()?).ok());
            let numbers = lines.filter_map(|line: Value| number(filter, &line)).collect::<Vec<_>>();
            ensure!(!numbers.is_empty(), "no line has a number for {filter}");
        }
        Ok(())
    }

    async fn the_dashboard_shows_what_is_deployed(&self) -> Result<()> {
        let dashboard = self.aws(&["cloudwatch", "get-dashboard", "--dashboard-name", "finstream"]).await?;
        let body: Value = serde_json::from_str(dashboard["DashboardBody"].as_str().context("no body")?)?;
        let widgets = body["widgets"].as_array().context("no widgets")?;
        for output in
            ["StateMachineArn", "DeliveryStream", "CrawlerName", "WorkGroup", "CollectFunction", "ExportCsvFunction"]
        {
            let name = self.stack.cloud.output(output)?;
            ensure!(widgets.iter().any(|widget| widget.to_string().contains(name)), "nothing shows {name}");
        }
        ensure!(!body.to_string().contains("${"), "{body}");
        Ok(())
    }

    /// Waits for a message that holds all of `parts`.
    async fn hears(&self, parts: &[&str]) -> Result<()> {
        let mut heard = Vec::new();
        for _ in 0..20 {
            let received = self.sqs(&["receive-message", "--queue-url", &self.queue]).await?;
            let body = received["Messages"][0]["Body"].as_str().unwrap_or_default().to_owned();
            if parts.iter().all(|part| body.contains(part)) {
                return Ok(());
            }
            heard.push(body);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("no message with {parts:?} among {heard:?}")
    }

    async fn start(&self, machine: &str) -> Result<String> {
        let machine = self.stack.cloud.output(machine)?;
        let input = r#"{"trade_date":"2026-11-20"}"#;
        let start = ["stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", input];
        Ok(self.aws(&start).await?["executionArn"].as_str().context("not started")?.to_owned())
    }

    async fn ended(&self, execution: &str) -> Result<Value> {
        loop {
            let now = self.aws(&["stepfunctions", "describe-execution", "--execution-arn", execution]).await?;
            if now["status"] != "RUNNING" {
                return Ok(now);
            }
        }
    }

    async fn aws(&self, args: &[&str]) -> Result<Value> {
        let answer = self.context.tools.aws(&self.stack.cloud, args).await?;
        // A command that has nothing to say prints nothing.
        Ok(if answer.is_empty() { Value::Null } else { serde_json::from_str(&answer)? })
    }

    /// The AWS CLI has an old address of this service built in.
    async fn sqs(&self, args: &[&str]) -> Result<Value> {
        self.aws(&[&["sqs", "--endpoint-url", &self.stack.cloud.endpoint], args].concat()).await
    }
}

/// The number that a metric filter, `{ $.name = "value" }`, takes from a log line.
fn number(filter: &Value, line: &Value) -> Option<u64> {
    let pattern = filter["filterPattern"].as_str()?.strip_prefix("{ $.")?.strip_suffix("\" }")?;
    let (name, value) = pattern.split_once(" = \"")?;
    let from = filter["metricTransformations"][0]["metricValue"].as_str()?.strip_prefix("$.")?;
    (line[name] == value).then(|| line[from].as_u64())?
}
