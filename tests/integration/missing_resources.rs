//! What the crawler, the query and its workgroup do on a bad day: each ends the run by name.
//!
//! On a stack of its own, from the last state to the first, since each test takes something away for good.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::Stack;
use serde_json::{Value, json};

use crate::{Context, trials};

trials![what_is_gone_or_switched_off_is_named];

async fn what_is_gone_or_switched_off_is_named(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let output = |name: &str| stack.cloud.output(name).map(Value::from);
    let (workgroup, database, crawler) = (output("WorkGroup")?, output("DatabaseName")?, output("CrawlerName")?);
    for (service, operation, input, error, says) in [
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
        let (failed, cause) = stack.fail(&json!({"trade_date": "2026-11-20", "symbols": ["META"]})).await?;
        println!("{operation}: {failed}: {cause}");
        ensure!(failed == error && cause.contains(says), "{operation}: {failed}: {cause}");
    }
    let exports = stack.keys("exports/").await?;
    ensure!(exports.is_empty(), "something was exported: {exports:?}");
    Ok(())
}
