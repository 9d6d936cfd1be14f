//! Linters of the template and the SQL, and settings in different files that must agree.

use std::{collections::BTreeSet, fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::Tools;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Context, trials};

/// The columns that partitions have which earlier versions added. Athena compares those with the table's by their places, so
/// the table keeps them there. <https://docs.aws.amazon.com/athena/latest/ug/updates-and-partitions.html>
const COLUMNS: [&str; 12] = [
    "symbol string",
    "company_name string",
    "ts string",
    "open double",
    "high double",
    "low double",
    "close double",
    "volume bigint",
    "currency string",
    "interval string",
    "collected_at string",
    "run_id string",
];

trials![
    cfn_lint_finds_nothing_in_the_template,
    sam_validates_the_template,
    checkov_finds_nothing_in_the_template,
    the_sql_parses_in_athenas_dialect,
    the_declared_table_matches_the_sql,
    firehose_buffering_is_within_its_limits,
    each_dependency_is_built_once,
    what_is_deployed_is_optimized,
];

async fn cfn_lint_finds_nothing_in_the_template(context: Arc<Context>) -> Result<()> {
    let run = context.tools.tool("cfn-lint", &["template.yaml"]).await?;
    ensure!(run.code == 0 && run.text.is_empty(), "cfn-lint: {}", run.text);
    Ok(())
}

async fn sam_validates_the_template(context: Arc<Context>) -> Result<()> {
    let run = context.tools.tool("sam", &["validate", "--lint", "--template-file", "template.yaml"]).await?;
    ensure!(run.code == 0 && run.text.contains("is a valid SAM Template"), "sam validate: {}", run.text);
    Ok(())
}

/// A finding that does not apply is skipped in the template, at its resource, with a reason. Checkov leaves out resources
/// whose condition the parameters' defaults do not meet, so it is given the template with `Live` and without.
async fn checkov_finds_nothing_in_the_template(context: Arc<Context>) -> Result<()> {
    let template = fs::read_to_string(context.tools.root.join("template.yaml"))?;
    let (before, live) = template.split_once("\n  Live:\n").context("no parameter Live")?;
    let live = format!("{before}\n  Live:\n{}", live.replacen("Default: DISABLED", "Default: ENABLED", 1));
    let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    fs::write(file.path(), &live)?;
    let counts = [
        checkov_finds_nothing(&context.tools, "template.yaml").await?,
        checkov_finds_nothing(&context.tools, &file.path().to_string_lossy()).await?,
    ];
    ensure!(counts[1] > counts[0] + 20, "the resources of Live are not checked: {counts:?} checks passed");
    Ok(())
}

/// The number of checks that passed.
async fn checkov_finds_nothing(tools: &Tools, file: &str) -> Result<u64> {
    let args = ["--framework", "cloudformation", "--output", "json", "--file", file];
    let run = tools.checkov(&args).await?;
    let report: Value = serde_json::from_str(&run.text).with_context(|| format!("checkov: {}", run.text))?;
    let count = |name: &str| report["summary"][name].as_u64().unwrap_or(0);
    ensure!(run.code == 0 && count("failed") == 0 && count("parsing_errors") == 0, "{}", report["results"]);
    ensure!(count("passed") > 100, "checkov has checked hardly anything: {}", report["summary"]);
    let skipped = report.pointer("/results/skipped_checks").and_then(Value::as_array).context("nothing is skipped")?;
    for check in skipped {
        let reason = check.pointer("/check_result/suppress_comment").and_then(Value::as_str).unwrap_or_default();
        ensure!(reason.len() > 20, "{} of {} is skipped without a reason", check["check_id"], check["resource"]);
    }
    Ok(count("passed"))
}

async fn the_sql_parses_in_athenas_dialect(context: Arc<Context>) -> Result<()> {
    let parse = "import sys, sqlglot\nfor f in sys.argv[1:]:\n    sqlglot.parse_one(open(f).read(), read='athena')\n    print('parsed', f)";
    let files = fs::read_dir(context.tools.root.join("sql"))?;
    let files = files.map(|file| Ok(format!("sql/{}", file?.file_name().display()))).collect::<Result<Vec<_>>>()?;
    ensure!(files.len() > 7, "{files:?}");
    let run = context.tools.python(parse, &files.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    ensure!(run.code == 0 && files.iter().all(|file| run.text.contains(&format!("parsed {file}"))), "{}", run.text);
    Ok(())
}

async fn the_declared_table_matches_the_sql(context: Arc<Context>) -> Result<()> {
    let database = context.stack.cloud.output("DatabaseName")?;
    let args = ["glue", "get-table", "--database-name", database, "--name", "bars"];
    let table = context.aws(&args).await?;
    let columns = |pointer: &str| -> Vec<String> {
        let list = table.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        list.map(|column| {
            format!("{} {}", column["Name"].as_str().unwrap_or(""), column["Type"].as_str().unwrap_or(""))
        })
        .collect()
    };
    let declared = [columns("/Table/StorageDescriptor/Columns"), columns("/Table/PartitionKeys")].concat();
    let sql = fs::read_to_string(context.tools.root.join("sql/bars.sql"))?;
    let written: Vec<_> = sql
        .lines()
        .filter(|line| line.starts_with("  ") && line.contains("-- "))
        .filter_map(|line| line.split("--").next())
        .map(|column| column.replace([',', '`'], "").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    ensure!(declared == written && declared.len() == 16, "template.yaml: {declared:?}\nsql/bars.sql: {written:?}");
    ensure!(declared.starts_with(&COLUMNS.map(ToOwned::to_owned)), "partitions have {COLUMNS:?}, and not {declared:?}");
    Ok(())
}

/// Dynamic partitioning needs a buffer of at least 64 MB, which neither cfn-lint nor the local cloud checks:
/// <https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-enable.html>.
async fn firehose_buffering_is_within_its_limits(context: Arc<Context>) -> Result<()> {
    let stream = context.stack.cloud.output("DeliveryStream")?;
    let args = ["firehose", "describe-delivery-stream", "--delivery-stream-name", stream];
    let stream = context.aws(&args).await?;
    let s3 = "/DeliveryStreamDescription/Destinations/0/ExtendedS3DestinationDescription";
    let s3 = stream.pointer(s3).context("no S3 destination")?;
    // The local cloud returns a parameter's value as a string, AWS as a number.
    let hint = |name: &str| s3["BufferingHints"][name].to_string().trim_matches('"').parse().unwrap_or(0);
    ensure!((60..=900).contains(&hint("IntervalInSeconds")) && (64..=128).contains(&hint("SizeInMBs")), "{s3}");
    ensure!(s3["DynamicPartitioningConfiguration"]["Enabled"] == json!(true), "{s3}");
    Ok(())
}

/// Cargo unites the features of the packages that it builds at once. What `cargo demo` has built serves the build of the
/// functions and the tests, too, only where the dependencies have the same features in all of them.
async fn each_dependency_is_built_once(context: Arc<Context>) -> Result<()> {
    let all = dependencies(&context.tools, &["--workspace"]).await?;
    let command = ["--package", "finstream", "--no-default-features"];
    for args in [&command[..2], &command] {
        let command = dependencies(&context.tools, args).await?;
        let differ: Vec<_> = command.difference(&all).filter(|line| !line.starts_with("finstream ")).collect();
        ensure!(differ.is_empty(), "{args:?}: name further features in shared/Cargo.toml: {differ:#?}");
    }
    Ok(())
}

/// A package that the profile `release` does not optimize is optimized where it is deployed, and none is named there that no
/// function consists of.
async fn what_is_deployed_is_optimized(context: Arc<Context>) -> Result<()> {
    let manifest = fs::read_to_string(context.tools.root.join("Cargo.toml"))?;
    let packages = |profile: &str| -> Result<BTreeSet<&str>> {
        let (_, section) =
            manifest.split_once(&format!("\n[profile.{profile}.package]\n")).context("no such section")?;
        let lines = section.lines().take_while(|line| !line.starts_with('['));
        Ok(lines.filter_map(|line| Some(line.split_once(".opt-level = ")?.0)).collect())
    };
    let functions = ["collect", "start-crawler", "run-query", "export-csv"].map(|name| ["--package", name]).concat();
    let deployed = dependencies(&context.tools, &functions).await?;
    let deployed: BTreeSet<_> = deployed.iter().filter_map(|line| line.split(' ').next()).collect();
    let needed: BTreeSet<_> = packages("release")?.intersection(&deployed).copied().collect();
    let named = packages("deploy")?;
    let (missing, others): (Vec<_>, Vec<_>) =
        (needed.difference(&named).collect(), named.difference(&deployed).collect());
    ensure!(missing.is_empty(), "[profile.deploy.package] lacks {missing:?}");
    ensure!(needed.len() > 3, "[profile.release.package] has hardly a package that is deployed: {needed:?}");
    ensure!(others.is_empty(), "[profile.deploy.package] has {others:?}, which no function consists of");
    Ok(())
}

/// The packages that are compiled into some of the workspace, each with its features.
async fn dependencies(tools: &Tools, packages: &[&str]) -> Result<BTreeSet<String>> {
    let tree = ["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--no-dedupe"];
    let mut command = Command::new(env!("CARGO"));
    command.args(tree).args(["--format", "{p} {f}"]).args(packages).current_dir(&tools.root);
    let run = harness::run(&mut command).await?;
    ensure!(run.code == 0, "cargo tree: {}", run.text);
    Ok(run.stdout.lines().map(str::to_owned).collect())
}
