//! An export by `export-csv` of what `collect` has just sent, in a process of its own, from its start to its answer.

use std::path::Path;

use anyhow::{Context, ensure};
use benches::{aws::Aws, function::Function, query_result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::collection::Measured;

/// The result of the query, where Athena would write it.
const RESULT: &str = "results/benchmark.csv";

/// What an export took.
#[derive(Debug, Clone, Copy)]
pub struct Export {
    /// The rows of the CSV.
    pub rows: usize,
    /// The function.
    pub measured: Measured,
}

/// What is of interest in the answer of `export-csv`.
#[derive(Deserialize)]
struct Answer {
    rows: usize,
}

/// Measures the export of a collection, of which these are the answer of `collect` and the lines that it sent.
pub async fn measure(program: &Path, aws: &Aws, collection: &Value, lines: &[u8]) -> anyhow::Result<Export> {
    aws.put(&format!("/benchmark/{RESULT}"), query_result::of(lines)?);
    let mut function = Function::start(program, aws, &[("DATA_BUCKET", "benchmark")]).await?;
    let event = json!({"collection": collection, "query_result": format!("s3://benchmark/{RESULT}")});
    let (took, answer) = function.invoke(event.to_string()).await?;
    let measured = Measured { wall: function.start + took, usage: function.usage()? };
    let text = String::from_utf8_lossy(&answer);
    let Answer { rows } = serde_json::from_str(&text).with_context(|| format!("it was not exported: {text}"))?;
    ensure!(rows > 0, "nothing was exported");
    Ok(Export { rows, measured })
}
