//! Ticks of the open session on a stack with `Live`, and what its data stream holds.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use shared::Bar;

use crate::{Ended, Stack, poll};

/// Reads the one shard of a stack's data stream, from its beginning.
#[derive(Debug)]
pub struct StreamReader<'a> {
    stack: &'a Stack,
    iterator: String,
}

impl<'a> StreamReader<'a> {
    /// A reader at the beginning of the stream.
    ///
    /// # Errors
    /// When the stack has no stream, or not one shard.
    pub async fn new(stack: &'a Stack) -> anyhow::Result<Self> {
        let arn = stack.cloud.output("LiveStreamArn")?;
        let shards = stack.call("kinesis", "Kinesis_20131202.ListShards", &json!({"StreamARN": arn})).await?;
        let [shard] = shards["Shards"].as_array().context("no shards")?.as_slice() else {
            bail!("not one shard: {shards}")
        };
        let from = json!({"StreamARN": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let reply = stack.call("kinesis", "Kinesis_20131202.GetShardIterator", &from).await?;
        Ok(Self { stack, iterator: reply["ShardIterator"].as_str().context("no iterator")?.to_owned() })
    }

    /// The bars of each record that was written since the last call.
    ///
    /// # Errors
    /// When the stream cannot be read, or a line of a record is not a bar.
    pub async fn records(&mut self) -> anyhow::Result<Vec<Vec<Bar>>> {
        let arn = self.stack.cloud.output("LiveStreamArn")?;
        let mut records = Vec::new();
        loop {
            let request = json!({"StreamARN": arn, "ShardIterator": self.iterator, "Limit": 1000});
            let reply = self.stack.call("kinesis", "Kinesis_20131202.GetRecords", &request).await?;
            reply["NextShardIterator"].as_str().context("the shard is closed")?.clone_into(&mut self.iterator);
            let read = reply["Records"].as_array().context("no records")?;
            if read.is_empty() {
                return Ok(records);
            }
            for record in read {
                let data = aws_smithy_types::base64::decode(record["Data"].as_str().unwrap_or_default())?;
                let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                records.push(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?);
            }
        }
    }
}

impl Stack {
    /// Executes a tick, which must succeed, and returns the execution's output.
    ///
    /// # Errors
    /// When it does not succeed within two minutes.
    pub async fn tick_that_succeeds(&self, input: &Value) -> anyhow::Result<Value> {
        self.end_of_tick(&self.start_tick(input).await?).await
    }

    /// Waits for the end of a tick, which must succeed, and returns the execution's output.
    ///
    /// # Errors
    /// When it does not succeed within two minutes.
    pub async fn end_of_tick(&self, execution: &str) -> anyhow::Result<Value> {
        match poll(execution, Duration::from_millis(50), async || self.ended(execution).await).await? {
            Ended::Succeeded(output) => Ok(*output),
            Ended::Failed { error, cause } => bail!("{execution} failed with {error}: {cause}"),
        }
    }
}
