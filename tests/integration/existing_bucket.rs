//! A stack that is deleted and deployed again with the data bucket that the first one left behind.

use std::{fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, list, published_day};
use serde_json::{Value, json};
use shared::S3Uri;

use crate::{Context, trials};

trials![the_bars_of_a_deleted_stack_are_taken_along];

async fn the_bars_of_a_deleted_stack_are_taken_along(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up(&context.tools).await?;
    let (name, bucket) = (stack.cloud.stack.as_str(), stack.cloud.output("DataBucket")?);
    let aws = async |args: &[&str]| context.tools.aws(&stack.cloud, args).await;
    stack.put_list("meta", &[("Meta Platforms", "META")]).await?;
    stack.export(&json!({"trade_date": "2026-11-19", "list": "meta"})).await?;
    let described = aws(&["cloudformation", "describe-stacks", "--stack-name", name]).await?;

    aws(&["cloudformation", "delete-stack", "--stack-name", name]).await?;
    aws(&["cloudformation", "wait", "stack-delete-complete", "--stack-name", name]).await?;
    ensure!(!stack.keys("bars/").await?.is_empty(), "the bars are gone");

    let parameters = list(&described["Stacks"][0]["Parameters"]).into_iter().cloned();
    let mut parameters: Vec<_> = parameters.filter(|it| it["ParameterKey"] != "ExistingBucket").collect();
    parameters.push(json!({"ParameterKey": "ExistingBucket", "ParameterValue": bucket}));
    // Longer than what a request may hold.
    let template = S3Uri::new("finstream-deployment", "packaged.yaml");
    stack.put_object(&template, fs::read_to_string(stack.cloud.home.join("stage/packaged.yaml"))?).await?;
    let url = format!("{}/{}/{}", stack.cloud.endpoint, template.bucket, template.key);
    let create = ["cloudformation", "create-stack", "--stack-name", name, "--template-url", &url];
    let parameters = Value::from(parameters).to_string();
    let capabilities = ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--parameters", &parameters];
    aws(&[&create[..], &capabilities].concat()).await.context("the second deployment")?;
    aws(&["cloudformation", "wait", "stack-create-complete", "--stack-name", name]).await?;

    // The crawl of the next day's run finds the old day, too.
    stack.export(&json!({"trade_date": "2026-11-20", "list": "meta"})).await?;
    let database = stack.cloud.output("DatabaseName")?;
    let partitions = aws(&["glue", "get-partitions", "--database-name", database, "--table-name", "bars"]).await?;
    let mut days: Vec<_> = list(&partitions["Partitions"]).into_iter().map(|it| it["Values"].to_string()).collect();
    days.sort_unstable();
    ensure!(days == [r#"["2026-11-19"]"#, r#"["2026-11-20"]"#], "{days:?}");
    for day in ["2026-11-19", "2026-11-20"] {
        stack
            .verify_copies(&published_day("meta", day.parse()?)?)
            .await
            .context("the exports of both days are in the bucket")?;
    }
    Ok(())
}
