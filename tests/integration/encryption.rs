//! A customer managed KMS key: all data at rest is encrypted with it, and a run with it succeeds.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::{Ended, Stack, deployed_roles, find_role};
use serde_json::json;

use crate::{Context, trials};

trials![all_data_at_rest_is_encrypted_with_the_key, a_day_is_exported_with_a_customer_managed_key];

/// The types of resources that store data.
const STORES: [&str; 6] = [
    "AWS::S3::Bucket",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Athena::WorkGroup",
    "AWS::Kinesis::Stream",
    "AWS::SNS::Topic",
    "AWS::Logs::LogGroup",
];

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/0f8ae6c2-6f1d-4a55-8f57-2f0a1c9b3d11";

/// Checked in the template, since the local cloud stores only some of these settings.
async fn all_data_at_rest_is_encrypted_with_the_key(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let resources = template["Resources"].as_object().context("no resources")?;
    let mut stores = 0;
    for (name, resource) in resources {
        let kind = resource["Type"].as_str().unwrap_or_default();
        let has_source = resource["Properties"]["DeliveryStreamType"] == "KinesisStreamAsSource"; // which encrypts
        if STORES.contains(&kind) && !has_source {
            stores += 1;
            ensure!(resource["Properties"].to_string().contains(r#""KmsKeyArn""#), "{name} does not refer to the key");
        }
    }
    ensure!(stores == 15, "{stores} resources store data");
    Ok(())
}

async fn a_day_is_exported_with_a_customer_managed_key(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("KmsKeyArn", KEY), ("Live", "ENABLED")]).await?;
    stack.export(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
    let roles = deployed_roles(&context.tools, &stack.cloud).await?;
    for (role, policy) in [
        ("Delivery", "write-with-key"),
        ("RunQuery", "write-with-key"),
        ("ExportCsv", "write-with-key"),
        ("Pipeline", "write-with-key"),
        ("Crawler", "read-with-key"),
        ("Collect", "write-with-key"),
        ("Collect", "read-secret-with-key"),
        ("Collect", "write-live-with-key"),
        ("LiveDelivery", "deliver-live-with-key"),
    ] {
        let policies = find_role(&roles, role)?["RolePolicyList"].to_string();
        ensure!(policies.contains(policy) && policies.contains(KEY), "{role}: {policies}");
    }
    let stream = ["kinesis", "describe-stream", "--stream-arn", stack.cloud.output("LiveStreamArn")?];
    let stream = context.tools.aws(&stack.cloud, &stream).await?;
    ensure!(stream["StreamDescription"]["KeyId"] == KEY, "{stream}");
    let tick = json!({"live": true, "scheduled_time": "2026-11-20T15:01:00Z", "symbols": ["META"]});
    let ended = stack.tick(&tick).await?;
    ensure!(matches!(ended, Ended::Succeeded(_)), "{ended:?}");
    Ok(())
}
