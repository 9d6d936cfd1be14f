//! A queue that is subscribed to the topics of a stack, to read what its subscribers are sent.

use std::time::Duration;

use anyhow::Context;
use local::LocalCloud;
use serde_json::{Value, json};

use crate::{Tools, poll};

/// A queue on a local cloud that is subscribed to the stack's alerts.
#[derive(Debug)]
pub struct Subscriber<'a> {
    tools: &'a Tools,
    cloud: &'a LocalCloud,
    queue_url: String,
}

impl<'a> Subscriber<'a> {
    /// Creates the queue and subscribes it to the alerts.
    ///
    /// # Errors
    /// When the AWS CLI fails.
    pub async fn new(tools: &'a Tools, cloud: &'a LocalCloud) -> anyhow::Result<Self> {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage",
            "Principal": {"Service": "sns.amazonaws.com"}, "Resource": queue_arn(cloud)}]});
        let attributes = json!({"Policy": policy.to_string()}).to_string();
        let create = ["create-queue", "--queue-name", "subscriber", "--attributes", &attributes];
        let queue = tools.sqs(cloud, &create).await?;
        let queue_url = queue["QueueUrl"].as_str().context("no queue")?.to_owned();
        let subscriber = Self { tools, cloud, queue_url };
        subscriber.subscribe(cloud.output("AlertsArn")?).await?;
        Ok(subscriber)
    }

    /// Subscribes the queue to another topic.
    ///
    /// # Errors
    /// When the AWS CLI fails.
    pub async fn subscribe(&self, topic: &str) -> anyhow::Result<()> {
        let arn = queue_arn(self.cloud);
        let subscribe =
            ["sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", &arn];
        self.tools.aws(self.cloud, &subscribe).await.map(drop)
    }

    /// Waits for a message that contains all of `parts`.
    ///
    /// # Errors
    /// When none arrives in time; the error has those that did.
    pub async fn receives(&self, parts: &[&str]) -> anyhow::Result<()> {
        let mut others = Vec::new();
        let message = poll("a message", Duration::from_millis(200), async || {
            let received = self.tools.sqs(self.cloud, &["receive-message", "--queue-url", &self.queue_url]).await?;
            let body = received["Messages"][0]["Body"].as_str().unwrap_or_default().to_owned();
            if parts.iter().all(|part| body.contains(part)) {
                return Ok(Some(()));
            }
            others.push(body);
            Ok(None)
        });
        message.await.with_context(|| format!("no message with {parts:?} among {others:?}"))
    }
}

fn queue_arn(cloud: &LocalCloud) -> String {
    format!("arn:aws:sqs:{}:000000000000:subscriber", cloud.region)
}

impl Tools {
    /// Runs `aws sqs`. Without the option that this adds, the AWS CLI overrides the service's endpoint with a legacy one
    /// of AWS.
    ///
    /// # Errors
    /// As [`Tools::aws`].
    pub async fn sqs(&self, cloud: &LocalCloud, args: &[&str]) -> anyhow::Result<Value> {
        self.aws(cloud, &[&["sqs", "--endpoint-url", &cloud.endpoint], args].concat()).await
    }
}
