//! Each alert reaches a queue that is subscribed to the topic, and what the metrics and the dashboard refer to exists.
//!
//! On a stack of its own, on which no run has succeeded yet.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, Subscriber, poll};
use jiff::Timestamp;
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::{Value, json};

use crate::{Context, trials};

trials![each_alert_is_delivered];

/// The alarms of `Live`: the metric and whose it is, the alarm, and a value that is in order and one that is not.
const LIVE_ALARMS: [(&str, &str, &str, &str, &str, &str); 5] = [
    ("AWS/States", "ExecutionsFailed", "LiveStateMachineArn", "finstream-ticks-fail", "0", "1"),
    ("AWS/States", "ExecutionsTimedOut", "LiveStateMachineArn", "finstream-ticks-time-out", "0", "1"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "MissedTicksUrl", "finstream-ticks-do-not-start", "0", "1"),
    (
        "AWS/Firehose",
        "DeliveryToS3.DataFreshness",
        "LiveDeliveryStream",
        "finstream-live-delivery-is-late",
        "900",
        "901",
    ),
    (
        "AWS/Kinesis",
        "WriteProvisionedThroughputExceeded",
        "LiveStreamArn",
        "finstream-live-writes-are-throttled",
        "0",
        "1",
    ),
];

/// A stack, and the queue that receives its alerts.
struct Alerts<'a> {
    context: &'a Context,
    stack: &'a Stack,
    subscriber: Subscriber<'a>,
}

async fn each_alert_is_delivered(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("Live", "ENABLED")]).await?;
    let subscriber = Subscriber::new(&context.tools, &stack.cloud).await?;
    let alerts = Alerts { context: &context, stack: &stack, subscriber };
    alerts.failed_run().await.context("a run that failed")?;
    alerts.aborted_run().await.context("a run that was aborted")?;
    alerts.watch_without_a_run().await.context("the watch without a run")?;
    alerts.undeliverable_records().await.context("records without a partition")?;
    let delivery = ("AWS/Firehose", "DeliveryToS3.DataFreshness", "finstream-delivery-is-late");
    alerts.alarm(delivery, "1800", "1801").await.context("late delivery")?;
    let missed = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "finstream-run-did-not-start");
    alerts.alarm(missed, "0", "1").await.context("a run that did not start")?;
    for (namespace, metric, dimension, alarm, good, bad) in LIVE_ALARMS {
        alerts.watches(alarm, dimension).await.context(alarm)?;
        alerts.alarm((namespace, metric, alarm), good, bad).await.context(alarm)?;
    }
    alerts.metrics_of_the_dashboard_are_written().await.context("the metrics")?;
    alerts.dashboard_shows_the_deployed_resources().await.context("the dashboard")?;
    alerts.run_with_a_doubtful_bar().await.context("a run with a doubtful bar")
}

impl Alerts<'_> {
    async fn failed_run(&self) -> Result<()> {
        self.stack.fail(&json!({"trade_date": "2021-13-45"})).await?;
        self.subscriber.receives(&["finstream-pipeline", "is FAILED"]).await
    }

    /// The notification of a run has the number of its doubtful bars.
    async fn run_with_a_doubtful_bar(&self) -> Result<()> {
        let rule = FaultRule {
            symbol: Some("VOD.L".parse()?),
            fault: Fault::PoundsAmongPence,
            duration: FaultDuration::Always,
        };
        self.stack.market.handle.inject(rule);
        self.subscriber.subscribe(self.stack.cloud.output("TopicArn")?).await?;
        self.stack.succeed(&json!({"trade_date": "2021-11-30", "symbols": ["VOD.L", "META"]})).await?;
        self.subscriber.receives(&["exported", r#"\"doubtful_bars\":1"#]).await
    }

    /// The same rule matches `TIMED_OUT`, which no execution on the local cloud can reach.
    async fn aborted_run(&self) -> Result<()> {
        let execution = self.start("StateMachineArn").await?;
        self.aws(&["stepfunctions", "stop-execution", "--execution-arn", &execution]).await?;
        self.subscriber.receives(&[&execution, "is ABORTED"]).await
    }

    /// The watch after no successful run, after runs that are not the session's own, and after that one.
    async fn watch_without_a_run(&self) -> Result<()> {
        let failing = self.start("WatchArn").await?;
        self.subscriber.receives(&[&failing, "is FAILED"]).await?;
        ensure!(self.ended(&failing).await?["error"] == "NoRunSucceeded");
        for input in [json!({"trade_date": "2026-11-18"}), json!({"symbols": ["META"]}), json!({"interval": "1h"})] {
            self.stack.succeed(&input).await?;
            let watch = self.ended(&self.start("WatchArn").await?).await?;
            ensure!(watch["error"] == "NoRunSucceeded", "{input} silences the watch: {watch}");
        }
        self.stack.succeed(&json!({"scheduled_time": Timestamp::now()})).await?;
        let watch = self.ended(&self.start("WatchArn").await?).await?;
        ensure!(watch["status"] == "SUCCEEDED", "{watch}");
        Ok(())
    }

    async fn undeliverable_records(&self) -> Result<()> {
        let stream = self.stack.cloud.output("DeliveryStream")?;
        let record = "Data=bm90IGpzb24="; // not json
        self.aws(&["firehose", "put-record", "--delivery-stream-name", stream, "--record", record]).await?;
        self.subscriber.receives(&[self.stack.cloud.output("DataBucket")?, "/errors/processing-failed/"]).await
    }

    /// AWS publishes these metrics itself, the local cloud does not; its alarms work.
    async fn alarm(&self, (namespace, metric, alarm): (&str, &str, &str), good: &str, bad: &str) -> Result<()> {
        let state = ["cloudwatch", "describe-alarms", "--alarm-names", alarm];
        let dimension = self.aws(&state).await?["MetricAlarms"][0]["Dimensions"][0].clone();
        let text = |field: &str| dimension[field].as_str().with_context(|| format!("{alarm} is of no resource"));
        let dimension = format!("{}={}", text("Name")?, text("Value")?);
        let put = ["cloudwatch", "put-metric-data", "--namespace", namespace, "--metric-name", metric, "--dimensions"];
        let put = [&put[..], &[&dimension, "--value"]].concat();
        self.aws(&[&put[..], &[good]].concat()).await?;
        ensure!(self.aws(&state).await?["MetricAlarms"][0]["StateValue"] == "OK");
        self.aws(&[&put[..], &[bad]].concat()).await?;
        self.subscriber.receives(&[alarm, "ALARM", metric]).await
    }

    /// The alarm is of the resource that an output names: by its whole value, or by what follows the last slash.
    async fn watches(&self, alarm: &str, output: &str) -> Result<()> {
        let output = self.stack.cloud.output(output)?;
        let name = output.rsplit('/').next().unwrap_or(output);
        let found = self.aws(&["cloudwatch", "describe-alarms", "--alarm-names", alarm]).await?;
        let dimension = &found["MetricAlarms"][0]["Dimensions"][0]["Value"];
        ensure!(dimension == output || dimension == name, "{dimension} is not of {output}");
        Ok(())
    }

    /// The functions write the metrics that the dashboard shows, in the embedded metric format, also when they log
    /// errors only. The local cloud derives no metrics from it.
    async fn metrics_of_the_dashboard_are_written(&self) -> Result<()> {
        self.stack.configure("ExportCsvFunction", &[("RUST_LOG", "error")], None).await?;
        self.stack.succeed(&json!({"trade_date": "2026-11-19", "symbols": ["META", "ZZNONE"]})).await?;
        let group = format!("/aws/lambda/{}", self.stack.cloud.output("ExportCsvFunction")?);
        let messages = self.context.tools.log_messages(&self.stack.cloud, &group, None).await?;
        let lines: Vec<Value> = messages.iter().filter_map(|message| serde_json::from_str(message).ok()).collect();
        let metrics: Vec<_> = lines.iter().filter(|line| line["_aws"].is_object()).collect();
        let last = metrics.last().context("no metrics were written")?;
        ensure!(last["Bars"].as_u64().is_some_and(|bars| bars > 70) && last["SymbolsFailed"] == 1, "{last}");
        let dashboard = self.dashboard("finstream").await?.to_string();
        for metric in last["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().context("no metrics")? {
            let shown = json!([last["_aws"]["CloudWatchMetrics"][0]["Namespace"], metric["Name"]]).to_string();
            ensure!(dashboard.contains(&shown), "the dashboard lacks {shown}");
        }
        Ok(())
    }

    async fn dashboard(&self, name: &str) -> Result<Value> {
        let dashboard = self.aws(&["cloudwatch", "get-dashboard", "--dashboard-name", name]).await?;
        Ok(serde_json::from_str(dashboard["DashboardBody"].as_str().context("no body")?)?)
    }

    async fn dashboard_shows_the_deployed_resources(&self) -> Result<()> {
        let daily =
            ["StateMachineArn", "DeliveryStream", "CrawlerName", "WorkGroup", "CollectFunction", "ExportCsvFunction"];
        let live = ["LiveStateMachineArn", "LiveDeliveryStream"];
        for (dashboard, outputs) in [("finstream", &daily[..]), ("finstream-live", &live)] {
            let body = self.dashboard(dashboard).await?;
            let widgets = body["widgets"].as_array().context("no widgets")?;
            for output in outputs {
                let name = self.stack.cloud.output(output)?;
                ensure!(widgets.iter().any(|widget| widget.to_string().contains(name)), "no widget shows {name}");
            }
            ensure!(!body.to_string().contains("${"), "{body}");
        }
        Ok(())
    }

    /// Starts an execution of the state machine that an output of the template names, and returns its ARN.
    async fn start(&self, machine: &str) -> Result<String> {
        let machine = self.stack.cloud.output(machine)?;
        let input = r#"{"trade_date":"2026-11-20"}"#;
        let start = ["stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", input];
        Ok(self.aws(&start).await?["executionArn"].as_str().context("not started")?.to_owned())
    }

    /// Waits for the end of an execution, and returns its description.
    async fn ended(&self, execution: &str) -> Result<Value> {
        poll(execution, Duration::from_millis(200), async || {
            let execution = self.aws(&["stepfunctions", "describe-execution", "--execution-arn", execution]).await?;
            Ok((execution["status"] != "RUNNING").then_some(execution))
        })
        .await
    }

    async fn aws(&self, args: &[&str]) -> Result<Value> {
        self.context.tools.aws(&self.stack.cloud, args).await
    }
}
