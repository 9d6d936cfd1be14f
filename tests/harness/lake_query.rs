//! A query of the lake, and what the deployed query and export answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    Bar, Interval, RunId, S3Uri, TradeDate,
    payload::{
        CollectOutcome, CollectedSymbol, Collection, Export, ExportRequest, RunQueryRequest, StartedQuery,
        SymbolOutcomes,
    },
};

use crate::Stack;

/// One day's bars of one length, of the symbols of one run.
#[derive(Debug, Clone)]
pub struct LakeQuery {
    /// The day.
    pub trade_date: TradeDate,
    /// The length of the bars.
    pub interval: Interval,
    /// The run.
    pub run_id: RunId,
}

impl LakeQuery {
    /// Whether a bar is of the day and the length that are queried.
    pub fn is_about(&self, bar: &Bar) -> bool {
        bar.trade_date == self.trade_date && bar.interval == self.interval
    }

    /// What `collect` answered when it wrote those of `bars` that are the run's.
    fn collection(&self, bars: &[Bar]) -> anyhow::Result<Collection> {
        let own = || bars.iter().filter(|bar| self.is_about(bar) && bar.run_id == self.run_id);
        let mut starts: BTreeMap<_, BTreeSet<Timestamp>> = BTreeMap::new();
        for bar in own() {
            starts.entry(&bar.symbol).or_default().insert(bar.ts.timestamp());
        }
        let collected_at = own().map(|bar| bar.collected_at).max().context("the run has no bars")?;
        Ok(Collection {
            outcome: CollectOutcome::Collected,
            trade_date: self.trade_date,
            interval: self.interval,
            run_id: self.run_id.clone(),
            collected_at,
            written_at: collected_at,
            bars: starts.values().map(BTreeSet::len).sum(),
            records: 1,
            symbols: SymbolOutcomes {
                collected: starts
                    .into_iter()
                    .map(|(symbol, starts)| CollectedSymbol {
                        symbol: symbol.clone(),
                        queried_as: None,
                        bars: starts.len(),
                        expected: starts.len(),
                        gaps: Some(Vec::new()),
                        attempts: 1,
                    })
                    .collect(),
                failed: Vec::new(),
            },
            simulated: true,
        })
    }
}

impl Stack {
    /// The CSV that `run-query` and `export-csv` make of a lake that holds `bars`.
    ///
    /// # Errors
    /// What the functions or Athena say, or that they did not count the run's bars as they are.
    pub async fn answer(&self, query: &LakeQuery, bars: &[Bar]) -> anyhow::Result<String> {
        let collection = query.collection(bars)?;
        let (written, run_id) = (collection.bars, collection.run_id.clone());
        let request = RunQueryRequest {
            trade_date: query.trade_date,
            interval: query.interval,
            client_request_token: format!("{}-{:032}", &*run_id, Timestamp::now().as_nanosecond()),
            run_id,
        };
        let started: StartedQuery = self.invoke("RunQueryFunction", &request).await?;
        let result = tokio::time::timeout(Duration::from_secs(60), self.result(&started.query_execution_id));
        let query_result = result.await.context("the query did not end within a minute")??;
        match self.invoke("ExportCsvFunction", &ExportRequest { collection, query_result }).await? {
            Export::Exported { bars_seen, csv, .. } => {
                ensure!(bars_seen == written, "the query saw {bars_seen} bars of the run, which has {written}");
                self.object(&csv).await
            }
            Export::Incomplete { bars_seen } => bail!("the query saw {bars_seen} bars of the run, which has {written}"),
        }
    }

    /// Where a query's result is, once it is there.
    async fn result(&self, query: &str) -> anyhow::Result<S3Uri> {
        let query = json!({"QueryExecutionId": query});
        loop {
            let answer = self.call("athena", "AmazonAthena.GetQueryExecution", &query).await?;
            let execution = &answer["QueryExecution"];
            match execution["Status"]["State"].as_str() {
                Some("QUEUED" | "RUNNING") => tokio::time::sleep(Duration::from_millis(20)).await,
                Some("SUCCEEDED") => {
                    let uri = execution.pointer("/ResultConfiguration/OutputLocation").and_then(Value::as_str);
                    return Ok(uri.context("the query has no result")?.parse()?);
                }
                _ => bail!("the query failed: {}", execution["Status"]),
            }
        }
    }
}
