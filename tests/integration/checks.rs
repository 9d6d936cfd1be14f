//! What other tools say of the template, the state machine and the SQL, and whether the parts that
//! must agree do.

use std::{collections::BTreeSet, fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use shared::ErrorName;

use crate::{Context, trials};

trials![
    cfn_lint_finds_nothing_in_the_template,
    sam_validates_the_template,
    checkov_finds_nothing_in_the_template,
    the_state_machines_are_valid_amazon_states_language,
    the_sql_parses_as_athenas,
    the_table_is_declared_as_in_the_sql,
    every_error_name_that_the_state_machine_matches_can_occur,
    every_state_can_be_reached_and_every_target_exists,
    every_task_has_a_retry_a_catch_and_a_timeout,
    firehose_is_set_within_its_limits,
];

async fn cfn_lint_finds_nothing_in_the_template(context: Arc<Context>) -> Result<()> {
    let run = context.programs.tool("cfn-lint", &["template.yaml"]).await?;
    ensure!(run.code == 0 && run.text.is_empty(), "cfn-lint: {}", run.text);
    Ok(())
}

async fn sam_validates_the_template(context: Arc<Context>) -> Result<()> {
    let run = context.programs.tool("sam", &["validate", "--lint", "--template-file", "template.yaml"]).await?;
    ensure!(run.code == 0 && run.text.contains("is a valid SAM Template"), "sam validate: {}", run.text);
    Ok(())
}

/// What it finds is mended, or skipped beside the resource with a reason.
async fn checkov_finds_nothing_in_the_template(context: Arc<Context>) -> Result<()> {
    let args = ["--framework", "cloudformation", "--output", "json", "--file", "template.yaml"];
    let run = context.programs.checkov(&args).await?;
    let report: Value = serde_json::from_str(&run.text).with_context(|| format!("checkov: {}", run.text))?;
    let count = |name: &str| report["summary"][name].as_u64().unwrap_or(0);
    ensure!(run.code == 0 && count("failed") == 0 && count("parsing_errors") == 0, "{}", report["results"]);
    ensure!(count("passed") > 100, "checkov has hardly looked: {}", report["summary"]);
    let skipped = report.pointer("/results/skipped_checks").and_then(Value::as_array).context("nothing is skipped")?;
    for check in skipped {
        let reason = check.pointer("/check_result/suppress_comment").and_then(Value::as_str).unwrap_or_default();
        ensure!(reason.len() > 20, "{} of {} is skipped without a reason", check["check_id"], check["resource"]);
    }
    Ok(())
}

/// cfn-lint knows the language only in the resource that takes a definition as it is.
async fn the_state_machines_are_valid_amazon_states_language(context: Arc<Context>) -> Result<()> {
    let lint = async |definition: &Value| {
        let machine = json!({"Type": "AWS::StepFunctions::StateMachine", "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/pipeline", "Definition": definition}});
        let file = tempfile::Builder::new().suffix(".json").tempfile()?;
        fs::write(file.path(), json!({"Resources": {"Pipeline": machine}}).to_string())?;
        context.programs.tool("cfn-lint", &[&file.path().to_string_lossy()]).await
    };
    for name in ["pipeline", "watch"] {
        let run = lint(&definition(&context, name)?).await?;
        ensure!(run.code == 0, "cfn-lint on {name}: {}", run.text);
    }
    // The check must be able to fail.
    let mut broken = definition(&context, "pipeline")?;
    broken["States"]["Collect"]["Parameters"] = json!({});
    let run = lint(&broken).await?;
    ensure!(run.code != 0 && run.text.contains("E3601"), "a JSONPath field went unnoticed: {}", run.text);
    Ok(())
}

async fn every_state_can_be_reached_and_every_target_exists(context: Arc<Context>) -> Result<()> {
    for machine in ["pipeline", "watch"] {
        let definition = definition(&context, machine)?;
        let states = definition["States"].as_object().context("no states")?;
        let mut targets = vec![definition["StartAt"].as_str().unwrap_or_default().to_owned()];
        for state in states.values() {
            targets.extend(["Next", "Default"].iter().flat_map(|key| values(state, key)));
        }
        let (targets, names): (BTreeSet<_>, BTreeSet<_>) =
            (targets.into_iter().collect(), states.keys().cloned().collect());
        let differ = targets.symmetric_difference(&names);
        ensure!(targets == names, "{machine}: targets that are no states, or the reverse: {differ:?}");
    }
    Ok(())
}

async fn the_sql_parses_as_athenas(context: Arc<Context>) -> Result<()> {
    let parse = "import sys, sqlglot\nfor f in sys.argv[1:]:\n    sqlglot.parse_one(open(f).read(), read='athena')\n    print('parsed', f)";
    let files = ["sql/bars.sql", "sql/hourly_extremes.sql", "sql/coverage.sql"];
    let run = context.programs.python(parse, &files).await?;
    ensure!(run.code == 0 && files.iter().all(|file| run.text.contains(&format!("parsed {file}"))), "{}", run.text);
    Ok(())
}

async fn the_table_is_declared_as_in_the_sql(context: Arc<Context>) -> Result<()> {
    let database = context.stack.cloud.output("DatabaseName")?;
    let args = ["glue", "get-table", "--database-name", database, "--name", "bars"];
    let table: Value = serde_json::from_str(&context.programs.aws(&context.stack.cloud, &args).await?)?;
    let columns = |pointer: &str| -> Vec<String> {
        let list = table.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        list.map(|column| {
            format!("{} {}", column["Name"].as_str().unwrap_or(""), column["Type"].as_str().unwrap_or(""))
        })
        .collect()
    };
    let declared = [columns("/Table/StorageDescriptor/Columns"), columns("/Table/PartitionKeys")].concat();
    let sql = fs::read_to_string(context.programs.root.join("sql/bars.sql"))?;
    let written: Vec<_> = sql
        .lines()
        .filter(|line| line.starts_with("  ") && line.contains("-- "))
        .filter_map(|line| line.split("--").next())
        .map(|column| column.replace([',', '`'], "").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    ensure!(declared == written && declared.len() == 13, "template.yaml: {declared:?}\nsql/bars.sql: {written:?}");
    Ok(())
}

async fn every_error_name_that_the_state_machine_matches_can_occur(context: Arc<Context>) -> Result<()> {
    let ours: BTreeSet<_> = ErrorName::ALL.iter().map(ToString::to_string).collect();
    for (state, task) in tasks(&definition(&context, "pipeline")?) {
        for name in values(&task, "ErrorEquals") {
            let service =
                ["States.", "Lambda.", "Runtime.", "Sandbox.", "Glue.", "Athena."].iter().any(|s| name.starts_with(s));
            ensure!(service || ours.contains(&name), "{state} matches {name}, which nothing answers with");
        }
    }
    Ok(())
}

async fn every_task_has_a_retry_a_catch_and_a_timeout(context: Arc<Context>) -> Result<()> {
    let definition = definition(&context, "pipeline")?;
    ensure!(definition["TimeoutSeconds"].is_u64());
    let tasks = tasks(&definition);
    ensure!(tasks.len() == 9, "{} tasks", tasks.len());
    for (state, task) in tasks {
        ensure!(task["TimeoutSeconds"].is_u64() && task["Retry"][0].is_object(), "{state}");
        let last = task["Catch"].as_array().and_then(|catches| catches.last());
        ensure!(last.is_some_and(|last| last["ErrorEquals"] == json!(["States.ALL"])), "{state} lets an error pass");
    }
    Ok(())
}

/// Neither cfn-lint nor the local cloud minds a buffer that dynamic partitioning does not take.
async fn firehose_is_set_within_its_limits(context: Arc<Context>) -> Result<()> {
    let stream = context.stack.cloud.output("DeliveryStream")?;
    let args = ["firehose", "describe-delivery-stream", "--delivery-stream-name", stream];
    let stream: Value = serde_json::from_str(&context.programs.aws(&context.stack.cloud, &args).await?)?;
    let s3 = "/DeliveryStreamDescription/Destinations/0/ExtendedS3DestinationDescription";
    let s3 = stream.pointer(s3).context("no S3 destination")?;
    // A parameter's value arrives as text here, as a number on AWS.
    let hint = |name: &str| s3["BufferingHints"][name].to_string().trim_matches('"').parse().unwrap_or(0);
    ensure!((60..=900).contains(&hint("IntervalInSeconds")) && (64..=128).contains(&hint("SizeInMBs")), "{s3}");
    ensure!(s3["DynamicPartitioningConfiguration"]["Enabled"] == json!(true), "{s3}");
    Ok(())
}

fn definition(context: &Context, machine: &str) -> Result<Value> {
    let path = context.programs.root.join(format!("statemachine/{machine}.asl.json"));
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

/// The Task states, with their names.
fn tasks(definition: &Value) -> Vec<(String, Value)> {
    let states = definition["States"].as_object().into_iter().flatten();
    states.filter(|(_, state)| state["Type"] == "Task").map(|(name, state)| (name.clone(), state.clone())).collect()
}

/// All strings under `key`, alone or in an array, however deep.
fn values(value: &Value, key: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(name, inner)| match inner {
                Value::String(_) if name == key => text(inner).into_iter().collect(),
                Value::Array(list) if name == key => list.iter().filter_map(text).collect(),
                _ => values(inner, key),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(|inner| values(inner, key)).collect(),
        _ => Vec::new(),
    }
}
