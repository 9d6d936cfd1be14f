//! A deleted table, workgroup or crawler: each fails the run with a named error.
//!
//! On a stack of its own, from the last state that needs one to the first, since each is deleted permanently.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::Stack;
use serde_json::{Value, json};

use crate::{Context, trials};

trials![a_missing_resource_fails_the_run_by_name];

async fn a_missing_resource_fails_the_run_by_name(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let output = |name: &str| stack.cloud.output(name).map(Value::from);
    let (workgroup, database, crawler) = (output("WorkGroup")?, output("DatabaseName")?, output("CrawlerName")?);
    for (service, operation, input, expected_error, expected_cause) in [
        ("glue", "AWSGlue.DeleteTable", json!({"DatabaseName": database, "Name": "bars"}), "QueryFailed", "bars"),
        (
            "athena",
            "AmazonAthena.DeleteWorkGroup",
            json!({"WorkGroup": workgroup}),
            "ServiceRefused",
            "StartQueryExecution",
        ),
        ("glue", "AWSGlue.DeleteCrawler", json!({"Name": crawler}), "ServiceRefused", "StartCrawler"),
    ] {
        stack.call(service, operation, &input).await.context(operation)?;
        let (error, cause) = stack.fail(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
        println!("{operation}: {error}: {cause}");
        ensure!(error == expected_error && cause.contains(expected_cause), "{operation}: {error}: {cause}");
    }
    let mut exports = [stack.keys("runs/").await?, stack.keys("exports/").await?].concat();
    // What became of the symbols is known before anything is exported.
    exports.retain(|key| !key.ends_with("/symbols.jsonl"));
    ensure!(exports.is_empty(), "something was exported: {exports:?}");
    Ok(())
}
