//! An export by `export-csv` of what `collect` has just sent, in a process of its own, from its start to its answer.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anyhow::{Context, ensure};
use benches::{aws::Aws, function::Function};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{Bar, bar::offset_datetime};

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
    aws.put(&format!("/benchmark/{RESULT}"), result(lines)?);
    let mut function = Function::start(program, &aws.url, &[("DATA_BUCKET", "benchmark")]).await?;
    let event = json!({"collection": collection, "query_result": format!("s3://benchmark/{RESULT}")});
    let (took, answer) = function.invoke(event.to_string()).await?;
    let measured = Measured { wall: function.start + took, usage: function.usage()? };
    let text = String::from_utf8_lossy(&answer);
    let Answer { rows } = serde_json::from_str(&text).with_context(|| format!("it was not exported: {text}"))?;
    ensure!(rows > 0, "nothing was exported");
    Ok(Export { rows, measured })
}

/// The query's result for these lines of the lake, as Athena writes it: what `sql/hourly_extremes.sql` makes of one collection.
fn result(lines: &[u8]) -> anyhow::Result<String> {
    let mut hours: BTreeMap<_, Vec<Bar>> = BTreeMap::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let bar: Bar = serde_json::from_slice(line)?;
        hours.entry((bar.symbol.clone(), bar.ts.hour())).or_default().push(bar);
    }
    let mut of_run: BTreeMap<_, usize> = BTreeMap::new();
    hours.iter().for_each(|((symbol, _), bars)| *of_run.entry(symbol.clone()).or_default() += bars.len());
    let mut result = String::from(concat!(
        r#""company_name","symbol","trade_date","hour","datetime_high","highest_hourly_price","datetime_low","#,
        r#""lowest_hourly_price","bars","volume","currency","open","close","source","previous_close","closes","restated","#,
        r#""run_bars","collected_at""#,
        "\n"
    ));
    for ((symbol, hour), mut bars) in hours {
        bars.sort_by_key(|bar| bar.ts.timestamp());
        let [first, .., last] = bars.as_slice() else { continue };
        let high = bars.iter().max_by(|one, other| one.high.get().total_cmp(&other.high.get())).unwrap_or(first);
        let low = bars.iter().min_by(|one, other| one.low.get().total_cmp(&other.low.get())).unwrap_or(first);
        let closes = bars.iter().map(|bar| format!("{:02} {}", bar.ts.minute(), bar.close.get())).collect::<Vec<_>>();
        let of_run = of_run.get(&symbol).copied().unwrap_or_default();
        let columns = [
            first.company_name.clone(),
            symbol.to_string(),
            first.trade_date.to_string(),
            hour.to_string(),
            offset_datetime::text(&high.ts),
            high.high.get().to_string(),
            offset_datetime::text(&low.ts),
            low.low.get().to_string(),
            bars.len().to_string(),
            bars.iter().map(|bar| bar.volume).sum::<u64>().to_string(),
            first.currency.clone().unwrap_or_default(),
            first.open.get().to_string(),
            last.close.get().to_string(),
            first.source.map(|source| source.to_string()).unwrap_or_default(),
            first.previous_close.map(|price| price.get().to_string()).unwrap_or_default(),
            closes.join(","),
            "false".to_owned(),
            of_run.to_string(),
            first.collected_at.to_string(),
        ];
        writeln!(result, "\"{}\"", columns.join("\",\""))?;
    }
    Ok(result)
}
