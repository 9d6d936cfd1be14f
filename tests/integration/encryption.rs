//! With a KMS key of one's own all data at rest is encrypted with it, and a day still comes out right.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::Stack;
use serde_json::{Value, json};
use shared::payload::RunOutcome;

use crate::{Context, policies, trials};

trials![everything_at_rest_takes_the_key, a_day_with_a_key_of_ones_own];

/// The types of what holds data.
const KEEPERS: [&str; 5] = [
    "AWS::S3::Bucket",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Athena::WorkGroup",
    "AWS::SNS::Topic",
    "AWS::Logs::LogGroup",
];

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/0f8ae6c2-6f1d-4a55-8f57-2f0a1c9b3d11";

/// From the template, since the local cloud keeps only some of these settings.
async fn everything_at_rest_takes_the_key(context: Arc<Context>) -> Result<()> {
    let template = policies::template(&context).await?;
    let resources = template["Resources"].as_object().context("no resources")?;
    let mut keepers = 0;
    for (name, resource) in resources {
        let kind = resource["Type"].as_str().unwrap_or_default();
        if KEEPERS.contains(&kind) {
            keepers += 1;
            ensure!(resource["Properties"].to_string().contains(r#""KmsKeyArn""#), "{name} has no use for the key");
        }
    }
    ensure!(keepers == 12, "{keepers} resources that hold data");
    Ok(())
}

async fn a_day_with_a_key_of_ones_own(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("KmsKeyArn", KEY)]).await?;
    let outcome = stack.succeed(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
    ensure!(matches!(outcome, RunOutcome::Exported { .. }), "{outcome:?}");
    let get = ["iam", "get-account-authorization-details", "--filter", "Role"];
    let roles: Value = serde_json::from_str(&context.tools.aws(&stack.cloud, &get).await?)?;
    for (role, policy) in [
        ("Delivery", "write-with-key"),
        ("RunQuery", "write-with-key"),
        ("ExportCsv", "write-with-key"),
        ("Pipeline", "write-with-key"),
        ("Crawler", "read-with-key"),
    ] {
        let policies = policies::role(&roles["RoleDetailList"], role)?["RolePolicyList"].to_string();
        ensure!(policies.contains(policy) && policies.contains(KEY), "{role}: {policies}");
    }
    Ok(())
}
