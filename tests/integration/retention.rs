//! How long what is in the data bucket is kept, and what the command does about files that are gone.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{OutFolder, list, published_day};
use serde_json::json;
use shared::hourly_extreme;

use crate::{Context, trials};

trials![
    runs_are_deleted_only_where_the_parameter_says_so,
    follow_downloads_the_runs_own_files_or_says_that_they_are_gone,
    backfill_takes_the_copies_of_a_run_that_is_gone,
];

/// Checked in the template, since the local cloud keeps no lifecycle rules.
async fn runs_are_deleted_only_where_the_parameter_says_so(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let rules = &template["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"];
    let deleted: Vec<_> = list(rules).into_iter().map(|rule| (&rule["Prefix"], &rule["ExpirationInDays"])).collect();
    let (results, errors) = (json!({"Ref": "ResultRetentionDays"}), json!(90));
    let unconditional = [(&json!("results/"), &results), (&json!("errors/"), &errors)];
    ensure!(deleted.iter().filter(|(prefix, _)| prefix.is_string()).eq(&unconditional), "{rules}");
    let of_runs = json!({"Fn::If": ["RunsExpire", {
        "Id": "expire-runs", "Status": "Enabled", "Prefix": "runs/", "ExpirationInDays": {"Ref": "RunRetentionDays"},
    }, {"Ref": "AWS::NoValue"}]});
    ensure!(list(rules).contains(&&of_runs), "{rules}");
    let is_zero = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "RunRetentionDays"}, "0"]}]});
    ensure!(
        template["Conditions"]["RunsExpire"] == is_zero && template["Parameters"]["RunRetentionDays"]["Default"] == 0
    );
    Ok(())
}

async fn follow_downloads_the_runs_own_files_or_says_that_they_are_gone(context: Arc<Context>) -> Result<()> {
    let (stack, date) = (&context.stack, "2026-11-04".parse()?);
    let mut runs = Vec::new();
    for symbol in ["META", "SHOP"] {
        stack.put_list("kept", &[(symbol, symbol)]).await?;
        let (name, _) = stack.follow(&json!({"trade_date": date, "list": "kept"})).await?;
        let published = stack.published(&published_day("kept", date)?).await?;
        runs.push((name, published.context("nothing is published")?));
    }
    let out = OutFolder::create()?;
    let follow = async |name: &str| {
        let args = ["follow", name, "--out", &out.arg()].map(str::to_owned);
        context.tools.finstream_on(&stack.cloud, &args.each_ref().map(String::as_str)).await
    };
    for ((name, _), symbol) in runs.iter().zip(["META", "SHOP"]) {
        let followed = follow(name).await?;
        let csv = out.read("hourly_extremes.csv")?;
        let own = hourly_extreme::read(csv.as_bytes())?.iter().all(|row| row.symbol.as_str() == symbol);
        ensure!(followed.has_result() && own && csv.lines().count() == 8, "{}\n{csv}", followed.text);
    }
    let [(name, first), _] = runs.as_slice() else { bail!("two runs") };
    context
        .aws(&["s3api", "delete-object", "--bucket", &first.files.report.bucket, "--key", &first.files.report.key])
        .await?;
    let gone = follow(name).await?;
    ensure!(gone.code == 1, "{}", gone.text);
    let report = first.files.report.to_string();
    for text in [report.as_str(), "is gone", "RunRetentionDays", "exports/kept/"] {
        ensure!(gone.text.contains(text), "the output lacks {text:?}:\n{}", gone.text);
    }
    // Neither file was replaced by one of a run of which the other is gone.
    ensure!(out.read("hourly_extremes.csv")?.contains("SHOP"));
    Ok(())
}

/// The day is done, whether the run's own files are there or only their copies.
async fn backfill_takes_the_copies_of_a_run_that_is_gone(context: Arc<Context>) -> Result<()> {
    let (stack, day) = (&context.stack, "2024-10-15");
    stack.put_list("kept-meta", &[("META", "META")]).await?;
    for (delete, shown) in [("", "exported"), ("runs/", "already done"), ("exports/", "exported")] {
        if !delete.is_empty() {
            let of_day = format!("trade_date={day}/");
            for key in stack.keys(delete).await?.into_iter().filter(|key| key.contains(&of_day)) {
                let bucket = stack.cloud.output("DataBucket")?;
                context.aws(&["s3api", "delete-object", "--bucket", bucket, "--key", &key]).await?;
            }
        }
        let out = OutFolder::create()?;
        let args = ["backfill", "--from", day, "--to", day, "--list", "kept-meta", "--out", &out.arg()];
        let run = context.tools.finstream_on(&stack.cloud, &args).await?;
        ensure!(run.has_result() && run.text.contains(&format!("{shown}: 1")), "after {delete:?}: {}", run.text);
        let csv = out.read(format!("{day}/hourly_extremes.csv"))?;
        ensure!(csv.lines().count() == 8 && out.join(format!("{day}/report.html")).is_file(), "{csv}");
    }
    Ok(())
}
