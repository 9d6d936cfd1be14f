//! The AWS CLI on a local cloud.

use anyhow::{Context, ensure};
use local::LocalCloud;
use serde_json::Value;
use tokio::process::Command;

use crate::tools::{Tools, run};

impl Tools {
    /// Runs the AWS CLI as the root of a local cloud, and returns the JSON that it prints; `null` when it prints
    /// nothing.
    ///
    /// # Errors
    /// When it cannot be started, fails, or does not print JSON.
    pub async fn aws(&self, cloud: &LocalCloud, args: &[&str]) -> anyhow::Result<Value> {
        let mut command = Command::new(self.local.program("aws"));
        command.args(args).args(["--output", "json"]).envs(cloud.environment()).env("AWS_PAGER", "");
        let output = run(&mut command).await?;
        ensure!(output.code == 0, "aws {}: {}", args.join(" "), output.text);
        if output.text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&output.text).with_context(|| format!("aws {}: {}", args.join(" "), output.text))
    }

    /// The messages in a log group of a local cloud that match a filter pattern; all messages without one.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
    ///
    /// # Errors
    /// When there is no such log group.
    pub async fn log_messages(
        &self,
        cloud: &LocalCloud,
        group: &str,
        pattern: Option<&str>,
    ) -> anyhow::Result<Vec<String>> {
        let mut args = vec!["logs", "filter-log-events", "--log-group-name", group];
        args.extend(pattern.into_iter().flat_map(|pattern| ["--filter-pattern", pattern]));
        let log = self.aws(cloud, &args).await?;
        let events = log["events"].as_array().with_context(|| format!("no events of {group}"))?;
        Ok(events.iter().filter_map(|event| event["message"].as_str()).map(str::to_owned).collect())
    }
}
