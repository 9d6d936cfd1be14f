//! Rules of AWS that the local cloud does not enforce, checked in the template and in the SQL as they are written.

use std::{fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{find_all, list};
use serde_json::{Value, json};

use crate::{Context, trials};

trials![
    each_sql_parameter_stands_in_a_where_clause,
    no_listing_of_a_bucket_needs_a_prefix,
    firehose_opens_one_buffer_for_each_trade_date,
    lambda_passes_the_chosen_log_level_and_never_drops_the_metrics,
    the_wait_for_delivery_follows_from_the_buffer,
    the_crawler_adds_partitions_and_nothing_else,
    services_assume_their_roles_for_this_account_only,
    every_use_of_the_data_bucket_knows_the_existing_one,
];

/// Athena allows execution parameters in WHERE clauses only; Trino and sqlglot allow them anywhere.
/// <https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html>
async fn each_sql_parameter_stands_in_a_where_clause(context: Arc<Context>) -> Result<()> {
    let count = r#"
import pathlib, sys, sqlglot
from sqlglot import exp
for file in sys.argv[1:]:
    parameters = list(sqlglot.parse_one(pathlib.Path(file).read_text(), read="athena").find_all(exp.Placeholder))
    outside = [parameter for parameter in parameters if not parameter.find_ancestor(exp.Where)]
    print(pathlib.Path(file).name, len(parameters), len(outside))
"#;
    let folder = tempfile::tempdir()?;
    let wrong = folder.path().join("wrong.sql");
    fs::write(&wrong, "SELECT max(CASE WHEN run_id = ? THEN 1 END) OVER () FROM bars WHERE trade_date = ?")?;
    let queries = fs::read_dir(context.tools.root.join("sql"))?.map(|entry| Ok(entry?.path()));
    let mut files = queries.chain([Ok(wrong)]).collect::<Result<Vec<_>>>()?;
    files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
    let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    let run = context.tools.python(count, &files.iter().map(|file| &**file).collect::<Vec<_>>()).await?;
    let expected = "bars.sql 0 0\ncoverage.sql 3 0\nday_bars.sql 3 0\nhourly_extremes.sql 3 0\n\
                    hourly_extremes_so_far.sql 3 0\nlatest_bars.sql 3 0\nmovers.sql 3 0\nrestatements.sql 3 0\nwrong.sql 2 1\n";
    ensure!(run.text == expected, "each file's parameters, and those outside of a WHERE clause:\n{}", run.text);
    Ok(())
}

/// A condition on `s3:prefix` denies a listing without one, and a missing object is a 403 then. Neither AWS's policy for
/// crawlers nor that for Athena has it.
/// <https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html>
async fn no_listing_of_a_bucket_needs_a_prefix(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let statements = find_all(&template, "Statement").into_iter().flat_map(list);
    let listing: Vec<_> = statements.filter(|it| list(&it["Action"]).contains(&&json!("s3:ListBucket"))).collect();
    ensure!(listing.len() == 5, "{listing:?}");
    for statement in listing {
        ensure!(statement["Condition"].is_null(), "{statement}");
    }
    Ok(())
}

/// Firehose opens a buffer, and writes an object, for each value of the prefix, so no time finer than a year is in it.
/// <https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-buffering.html>
async fn firehose_opens_one_buffer_for_each_trade_date(context: Arc<Context>) -> Result<()> {
    let stream = resource(&context, "DeliveryStream").await?;
    let prefix = stream["ExtendedS3DestinationConfiguration"]["Prefix"].as_str().context("no prefix")?;
    let times: Vec<_> = prefix.split("!{timestamp:").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    ensure!(prefix.starts_with("bars/trade_date=!{partitionKeyFromQuery:trade_date}/"), "{prefix}");
    ensure!(times == ["yyyy"], "{prefix}");
    Ok(())
}

/// Lambda drops JSON lines below `ApplicationLogLevel`, and takes lines without a level, as the metrics are, for INFO.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>
async fn lambda_passes_the_chosen_log_level_and_never_drops_the_metrics(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let logging = &template["Globals"]["Function"]["LoggingConfig"];
    let of_the_level = json!({"Fn::FindInMap": ["LogLevels", {"Ref": "LogLevel"}, "Lambda"]});
    ensure!(logging["LogFormat"] == "JSON" && logging["ApplicationLogLevel"] == of_the_level, "{logging}");
    let levels = template["Mappings"]["LogLevels"].as_object().context("no levels")?;
    let allowed: Vec<_> = list(&template["Parameters"]["LogLevel"]["AllowedValues"]);
    ensure!(allowed.len() == levels.len(), "{allowed:?} and {levels:?}");
    for level in allowed.iter().filter_map(|level| level.as_str()) {
        let passed = levels[level]["Lambda"].as_str().unwrap_or_default();
        let expected = if matches!(level, "debug" | "trace") { level.to_uppercase() } else { "INFO".to_owned() };
        ensure!(passed == expected, "{level} passes {passed}");
    }
    Ok(())
}

/// Firehose may deliver after 1.5 times the buffer interval, whatever interval is chosen.
async fn the_wait_for_delivery_follows_from_the_buffer(context: Arc<Context>) -> Result<()> {
    let text = fs::read_to_string(context.tools.root.join("statemachine/pipeline.asl.json"))?;
    let definition: Value = serde_json::from_str(&text)?;
    let seconds = &definition["States"]["WaitForDelivery"]["Seconds"];
    ensure!(seconds == "{% $ceil(1.5 * ${BufferSeconds}) + 10 %}", "{seconds}");
    let substitutions = &resource(&context, "Pipeline").await?["DefinitionSubstitutions"];
    ensure!(substitutions["BufferSeconds"] == json!({"Ref": "BufferSeconds"}), "{substitutions}");
    Ok(())
}

/// A crawler creates a partition index by itself, which costs storage and requests, unless it is configured otherwise.
/// <https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html>
async fn the_crawler_adds_partitions_and_nothing_else(context: Arc<Context>) -> Result<()> {
    let crawler = resource(&context, "Crawler").await?;
    let configuration: Value = serde_json::from_str(crawler["Configuration"].as_str().context("no configuration")?)?;
    ensure!(configuration["CreatePartitionIndex"] == false, "{configuration}");
    let behaviour = &configuration["CrawlerOutput"]["Partitions"]["AddOrUpdateBehavior"];
    ensure!(behaviour == "InheritFromTable", "{configuration}");
    Ok(())
}

/// A service that assumes a role on an account's behalf (Firehose, Glue, Step Functions, Scheduler) says which account that
/// is; the functions' roles are Lambda's own matter.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
async fn services_assume_their_roles_for_this_account_only(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let trusts = find_all(&template, "AssumeRolePolicyDocument").into_iter().flat_map(|it| list(&it["Statement"]));
    let others: Vec<_> = trusts.filter(|trust| trust["Principal"]["Service"] != "lambda.amazonaws.com").collect();
    ensure!(others.len() == 8, "{others:?}");
    for trust in others {
        let account = json!({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}});
        ensure!(trust["Condition"] == account, "{trust}");
    }
    Ok(())
}

/// With `ExistingBucket` there is no resource DataBucket, so nothing may refer to it unconditionally.
async fn every_use_of_the_data_bucket_knows_the_existing_one(context: Arc<Context>) -> Result<()> {
    let mut text = context.tools.template().await?.to_string();
    let either = json!({"Fn::If": ["HasExistingBucket", {"Ref": "ExistingBucket"}, {"Ref": "DataBucket"}]}).to_string();
    ensure!(text.matches(&either).count() > 10, "the bucket is hardly used");
    text = text.replace(&either, "");
    for reference in ["{\"Ref\":\"DataBucket\"}", "\"DataBucket\",\"Arn\"", "DataBucket.Arn", "${DataBucket"] {
        ensure!(!text.contains(reference), "{reference} is used where an existing bucket would not be");
    }
    Ok(())
}

/// The properties of a resource of the template.
async fn resource(context: &Context, name: &str) -> Result<Value> {
    let template = context.tools.template().await?;
    Ok(template["Resources"][name]["Properties"].clone())
}
