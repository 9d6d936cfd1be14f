//! The documents: links that lead somewhere, and tables that follow the template and the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use harness::{Document, count_bars, documents, list, poll};
use serde_json::{Value, json};
use shared::hourly_extreme::{self, COLUMNS};

use crate::{Context, trials};

trials![
    every_link_leads_to_a_file_and_a_heading,
    each_parameter_is_documented_with_its_default,
    each_function_documents_its_environment,
    each_function_documents_its_errors,
    each_function_has_a_readme_of_the_same_shape,
    each_variable_that_the_command_reads_is_documented,
    the_columns_of_the_csv_and_of_the_lake_are_documented,
    the_query_of_the_lake_gives_each_bar_once,
    the_readme_is_short_and_has_every_exit_code,
];

/// The functions, with the names of their resources in the template.
const FUNCTIONS: [(&str, &str); 4] = [
    ("collect", "CollectFunction"),
    ("start-crawler", "StartCrawlerFunction"),
    ("run-query", "RunQueryFunction"),
    ("export-csv", "ExportCsvFunction"),
];

async fn every_link_leads_to_a_file_and_a_heading(context: Arc<Context>) -> Result<()> {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in documents(&context.tools.root)? {
        let folder = document.path.parent().context("no folder")?;
        for link in document.links().into_iter().filter(|link| !link.contains("://")) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = if file.is_empty() { document.path.clone() } else { folder.join(file) };
            let has_anchor = || {
                let target = Document { text: fs::read_to_string(&path).unwrap_or_default(), path: path.clone() };
                target.anchors().iter().any(|known| known == anchor)
            };
            if !path.exists() || !anchor.is_empty() && !has_anchor() {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    ensure!(broken.is_empty(), "{broken:#?}");
    ensure!(count > 100, "only {count} links were found");
    Ok(())
}

async fn each_parameter_is_documented_with_its_default(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let parameters = template["Parameters"].as_object().context("no parameters")?;
    let declared: BTreeMap<_, _> =
        parameters.iter().map(|(name, parameter)| (name.clone(), default_of(parameter))).collect();
    let rows = Document::read(&context.tools.root, "docs/aws.md")?.table("Parameters")?;
    let documented: BTreeMap<_, _> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    ensure!(documented == declared && rows.len() == declared.len(), "docs/aws.md: {rows:#?}\ntemplate: {declared:#?}");
    Ok(())
}

/// A default as the documents write it.
fn default_of(parameter: &Value) -> String {
    match &parameter["Default"] {
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn each_function_documents_its_environment(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let variables = |of: &Value| -> BTreeSet<String> {
        let variables = of.pointer("/Environment/Variables").and_then(Value::as_object);
        variables.into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let global = variables(&template["Globals"]["Function"]);
    for (function, resource) in FUNCTIONS {
        let own = variables(&template["Resources"][resource]["Properties"]);
        let set: BTreeSet<_> = own.union(&global).cloned().collect();
        let rows = readme(&context, function)?.table("Environment")?;
        let documented: BTreeSet<_> = rows.iter().map(|row| row[0].clone()).collect();
        ensure!(documented == set, "{function}: {documented:?}\ntemplate: {set:?}");
    }
    Ok(())
}

/// The names that a function's sources mention, and those of a call to AWS, which every function makes.
async fn each_function_documents_its_errors(context: Arc<Context>) -> Result<()> {
    for (function, _) in FUNCTIONS {
        let sources = sources(&context.tools.root.join("functions").join(function).join("src"))?;
        let mentioned =
            sources.split("ErrorName::").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
        let service = ["AccessDenied", "ServiceRefused", "ServiceUnavailable"];
        let raised: BTreeSet<_> = mentioned.chain(service).map(str::to_owned).collect();
        let readme = readme(&context, function)?;
        let rows = readme.table("Errors")?;
        let documented: BTreeSet<_> = rows.iter().map(|row| row[0].clone()).collect();
        ensure!(documented == raised, "{function}: {documented:?}\nsources: {raised:?}");
        for name in &documented {
            let link = format!("../../docs/runbook.md#{}", name.to_lowercase());
            ensure!(readme.links().contains(&link), "{function}: {name} does not link to the runbook");
        }
    }
    Ok(())
}

async fn each_function_has_a_readme_of_the_same_shape(context: Arc<Context>) -> Result<()> {
    for (function, _) in FUNCTIONS {
        let readme = readme(&context, function)?;
        let sections: Vec<_> = readme.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let shape = ["Event", "Answer", "Environment", "Errors", "Invoke it alone"];
        ensure!(sections == shape, "{function}: {sections:?}");
        let events = fs::read_dir(context.tools.root.join("functions").join(function).join("events"))?;
        for event in events {
            let event = format!("events/{}", event?.file_name().to_string_lossy());
            ensure!(readme.links().contains(&event), "{function}: the README does not show {event}");
        }
    }
    Ok(())
}

async fn each_variable_that_the_command_reads_is_documented(context: Arc<Context>) -> Result<()> {
    let rows = Document::read(&context.tools.root, "docs/guide.md")?.table("Environment variables")?;
    let documented = rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>().join(", ");
    let sources =
        [sources(&context.tools.root.join("cli/src"))?, sources(&context.tools.root.join("local/src"))?].concat();
    let own = sources.split('"').filter(|text| text.starts_with("FINSTREAM_"));
    let read = ["env::var(\"", "env::var_os(\"", "named(\""].map(|call| sources.split(call).skip(1));
    let read = read.into_iter().flatten().filter_map(|rest| rest.split('"').next());
    let given = ["FINSTREAM_MESSAGE", "FINSTREAM_DAYS"];
    let by_the_system = ["CARGO", "CARGO_PKG_NAME", "XDG_CONFIG_HOME", "USER", "HOME", "PATH"];
    let names: BTreeSet<_> =
        own.chain(read).filter(|name| !given.contains(name) && !by_the_system.contains(name)).collect();
    ensure!(names.contains("FINSTREAM_LOCAL_HOME") && names.contains("PYTHON"), "{names:?}");
    for name in names {
        ensure!(documented.contains(name), "docs/guide.md lacks {name}: {documented}");
    }
    Ok(())
}

async fn the_columns_of_the_csv_and_of_the_lake_are_documented(context: Arc<Context>) -> Result<()> {
    let root = &context.tools.root;
    let header = Document::read(root, "README.md")?.section("The CSV")?.contains(&format!("`{}`", COLUMNS.join(",")));
    ensure!(header, "README.md: the header is not {COLUMNS:?}");
    let data = Document::read(root, "docs/data.md")?;
    let names = |rows: Vec<Vec<String>>| -> Vec<String> {
        rows.iter().flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let csv = names(data.table("The CSV")?);
    ensure!(csv == COLUMNS, "docs/data.md: {csv:?}");
    let template = context.tools.template().await?;
    let table = &template["Resources"]["BarsTable"]["Properties"]["TableInput"];
    let columns = [&table["StorageDescriptor"]["Columns"], &table["PartitionKeys"]].into_iter().flat_map(list);
    let declared: Vec<_> = columns.filter_map(|column| column["Name"].as_str()).collect();
    let lake = names(data.table("The lake")?);
    ensure!(lake == declared && lake.len() > 10, "docs/data.md: {lake:?}\ntemplate.yaml: {declared:?}");
    Ok(())
}

/// As the document has it, but for the date, on which no other test collects.
async fn the_query_of_the_lake_gives_each_bar_once(context: Arc<Context>) -> Result<()> {
    let date = "2026-08-20";
    let input = json!({"trade_date": date, "symbols": ["META"]});
    let (first, second) = (context.stack.export(&input).await?, context.stack.export(&input).await?);
    let data = Document::read(&context.tools.root, "docs/data.md")?;
    let sql = data.section("The lake")?.split("```").nth(1).and_then(|code| code.strip_prefix("sql"));
    let sql = sql.context("no query")?.replace("2026-11-20", date);
    let output = |name: &str| context.stack.cloud.output(name);
    let database = format!("Database={}", output("DatabaseName")?);
    let start = ["athena", "start-query-execution", "--work-group", output("WorkGroup")?];
    let start = [&start[..], &["--query-execution-context", &database, "--query-string", &sql]].concat();
    let started = context.aws(&start).await?;
    let id = started["QueryExecutionId"].as_str().context("no query")?;
    let rows = poll("the query", Duration::from_millis(200), async || {
        let query = context.aws(&["athena", "get-query-execution", "--query-execution-id", id]).await?;
        let state = &query["QueryExecution"]["Status"];
        ensure!(state["State"] != "FAILED", "{state}");
        if state["State"] != "SUCCEEDED" {
            return Ok(None);
        }
        let result = context.aws(&["athena", "get-query-results", "--query-execution-id", id]).await?;
        Ok(Some(list(&result["ResultSet"]["Rows"]).len()))
    })
    .await?;
    let bars = |csv: &str| -> Result<usize> { Ok(count_bars(&hourly_extreme::read(csv.as_bytes())?)) };
    let bars = (bars(&first.csv)?, bars(&second.csv)?);
    ensure!(bars.0 == bars.1 && rows == bars.0 + 1, "{rows} rows with the head, of {bars:?} bars");
    Ok(())
}

async fn the_readme_is_short_and_has_every_exit_code(context: Arc<Context>) -> Result<()> {
    let readme = Document::read(&context.tools.root, "README.md")?;
    let lines = readme.text.lines().count();
    ensure!(lines <= 150, "README.md has {lines} lines; what goes beyond a first look belongs in docs/");
    let codes = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    let all = codes(Document::read(&context.tools.root, "docs/scripts.md")?.table("Exit codes")?);
    let shown = codes(readme.table("Commands")?);
    ensure!(shown.ends_with(&all) && all.len() > 4, "docs/scripts.md: {all:?}\nREADME.md: {shown:?}");
    Ok(())
}

fn readme(context: &Context, function: &str) -> Result<Document> {
    Document::read(&context.tools.root, &format!("functions/{function}/README.md"))
}

/// The text of all sources below a folder, but for files of tests.
fn sources(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        text += &if path.is_dir() { sources(&path)? } else { fs::read_to_string(&path).unwrap_or_default() };
    }
    Ok(text)
}
