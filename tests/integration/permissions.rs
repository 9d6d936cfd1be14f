//! What happens when a role lacks a permission: the policies are enforced, and the error says so.

use std::sync::Arc;

use anyhow::{Result, ensure};
use harness::Stack;
use serde_json::{Value, json};

use crate::{Context, trials};

trials![a_function_without_its_permission_fails_with_access_denied];

/// On a stack of its own, since it takes permissions away for good. From the last function to the
/// first, so that each execution gets as far as the function that lacks them.
async fn a_function_without_its_permission_fails_with_access_denied(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.programs).await?;
    let aws = async |args: &[&str]| context.programs.aws(&stack.cloud, args).await;
    for (output, action) in [
        ("ExportCsvFunction", "s3:GetObject"),
        ("RunQueryFunction", "athena:StartQueryExecution"),
        ("StartCrawlerFunction", "glue:StartCrawler"),
        ("CollectFunction", "firehose:PutRecordBatch"),
    ] {
        let function = stack.cloud.output(output)?;
        let role: Value =
            serde_json::from_str(&aws(&["lambda", "get-function-configuration", "--function-name", function]).await?)?;
        let role = role["Role"].as_str().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned();
        let policies: Value = serde_json::from_str(&aws(&["iam", "list-role-policies", "--role-name", &role]).await?)?;
        for policy in policies["PolicyNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            aws(&["iam", "delete-role-policy", "--role-name", &role, "--policy-name", policy]).await?;
        }
        let (error, cause) = stack.fail(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
        ensure!(error == "AccessDenied" && cause.contains(action), "{output}: {error}: {cause}");
    }
    Ok(())
}
