//! A query of the lake, executed by the deployed functions `run-query` and `export-csv`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    Bar, Interval, MarketSource, RunId, S3Uri, Symbol, TradeDate, manifest,
    payload::{
        CarriedOver, CollectOutcome, CollectedSymbol, Collection, Export, ExportRequest, FailedSymbol, Reason,
        RunQueryRequest, StartedQuery, SymbolOutcome, SymbolOutcomes, SymbolSummary,
    },
};

use crate::{Stack, poll};

/// A query of one day's bars of one length, for the symbols of one run.
#[derive(Debug, Clone)]
pub struct LakeQuery {
    /// The day, in the time zone of each symbol's exchange.
    pub trade_date: TradeDate,
    /// The length of the bars.
    pub interval: Interval,
    /// The run whose symbols are selected; bars of other runs replace its bars where they were written later.
    pub run_id: RunId,
    /// Symbols that the run requested as well, those of which it has bars left out: it got nothing for them.
    pub failed: BTreeSet<Symbol>,
}

impl LakeQuery {
    /// Whether a bar is of the queried day and length.
    pub fn matches(&self, bar: &Bar) -> bool {
        bar.trade_date == self.trade_date && bar.interval == self.interval
    }

    /// The outcomes of the symbols of the run that wrote those of `bars` that have its run id.
    fn outcomes(&self, bars: &[Bar]) -> Vec<SymbolOutcome> {
        let mut starts: BTreeMap<_, BTreeSet<Timestamp>> = BTreeMap::new();
        let mut written: BTreeMap<_, BTreeSet<(Timestamp, Timestamp)>> = BTreeMap::new();
        for bar in self.own(bars) {
            starts.entry(&bar.symbol).or_default().insert(bar.ts.timestamp());
            written.entry(&bar.symbol).or_default().insert((bar.ts.timestamp(), bar.collected_at));
        }
        let without = self.failed.iter().filter(|symbol| !starts.contains_key(symbol)).map(|symbol| {
            let failed = FailedSymbol::new(symbol.clone(), Reason::Blocked, "429");
            SymbolOutcome::Failed(FailedSymbol { attempts: 2, refusals: 2, ..failed })
        });
        let collected = starts.iter().map(|(symbol, starts)| {
            SymbolOutcome::Collected(CollectedSymbol {
                written: written.get(symbol).map(BTreeSet::len),
                ..CollectedSymbol::new((*symbol).clone(), starts.len(), Some(starts.len()))
            })
        });
        collected.chain(without).collect()
    }

    fn own<'a>(&'a self, bars: &'a [Bar]) -> impl Iterator<Item = &'a Bar> {
        bars.iter().filter(|bar| self.matches(bar) && bar.run_id == self.run_id)
    }

    /// The reply of `collect` to that run.
    fn collection(&self, bars: &[Bar], symbols: SymbolSummary) -> anyhow::Result<Collection> {
        let collected_at = self.own(bars).map(|bar| bar.collected_at).max().context("the run has no bars")?;
        Ok(Collection {
            outcome: CollectOutcome::Collected,
            trade_date: self.trade_date,
            interval: self.interval,
            run_id: self.run_id.clone(),
            source: MarketSource::YAHOO,
            collected_at,
            written_at: collected_at,
            bars: symbols.bars.total(),
            records: 1,
            symbols,
            simulated: true,
            waits_until: None,
            session_wait: None,
            list: None,
        })
    }
}

/// What `export-csv` made of a query's result.
#[derive(Debug, PartialEq, Eq)]
pub struct LakeExport {
    /// The CSV.
    pub csv: String,
    /// The symbols of which bars of another scale or currency were left out, in alphabetical order.
    pub restated: Vec<Symbol>,
    /// The symbols of which the run has no bars, in alphabetical order.
    pub carried_over: Vec<CarriedOver>,
}

/// A query as it was given to Athena, and where its result is.
#[derive(Debug)]
pub struct AthenaQuery {
    /// The SQL, with `?` for the parameters.
    pub sql: String,
    /// The values of the `?`, as SQL literals.
    pub parameters: Vec<String>,
    /// The CSV that Athena wrote.
    pub result: S3Uri,
}

impl Stack {
    /// Queries the lake, which holds `bars`, with `run-query` and exports the result with `export-csv`.
    ///
    /// # Errors
    /// The error of a function or of Athena, or that the query did not count the run's bars right.
    pub async fn query_and_export(&self, query: &LakeQuery, bars: &[Bar]) -> anyhow::Result<LakeExport> {
        let executed = self.run_query(query).await?;
        self.export_result(query, bars, &executed.result).await
    }

    /// Queries the lake with `run-query`.
    ///
    /// # Errors
    /// The error of the function or of Athena.
    pub async fn run_query(&self, query: &LakeQuery) -> anyhow::Result<AthenaQuery> {
        let request = RunQueryRequest {
            trade_date: query.trade_date,
            interval: query.interval,
            client_request_token: format!("{}-{:032}", &*query.run_id, Timestamp::now().as_nanosecond()),
            run_id: query.run_id.clone(),
        };
        let started: StartedQuery = self.invoke("RunQueryFunction", &request).await?;
        self.executed_query(&started.query_execution_id).await
    }

    /// Queries which bars of `interval` the lake holds of the days from `first` to `last`, with `sql/coverage.sql`, as
    /// `finstream gaps` does.
    ///
    /// # Errors
    /// The error of Athena.
    pub async fn query_coverage(
        &self,
        first: TradeDate,
        last: TradeDate,
        interval: Interval,
    ) -> anyhow::Result<AthenaQuery> {
        let parameters = [first.to_string(), last.to_string(), interval.to_string()];
        self.query_athena(include_str!("../../sql/coverage.sql"), &parameters).await
    }

    /// Queries the bars of a day, as `finstream export` does.
    ///
    /// # Errors
    /// The error of Athena.
    pub async fn query_day_bars(&self, date: TradeDate, interval: Interval) -> anyhow::Result<AthenaQuery> {
        let parameters = [date.to_string(), interval.to_string(), "*".to_owned()];
        self.query_athena(include_str!("../../sql/day_bars.sql"), &parameters).await
    }

    /// Queries the lake by any SQL; `parameters` are texts.
    ///
    /// # Errors
    /// The error of Athena.
    pub async fn query_athena(&self, sql: &str, parameters: &[String]) -> anyhow::Result<AthenaQuery> {
        let query = json!({
            "QueryString": sql,
            "ExecutionParameters": parameters.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>(),
            "QueryExecutionContext": {"Database": self.cloud.output("DatabaseName")?},
            "WorkGroup": self.cloud.output("WorkGroup")?,
        });
        let started = self.call("athena", "AmazonAthena.StartQueryExecution", &query).await?;
        self.executed_query(started["QueryExecutionId"].as_str().context("the query has no id")?).await
    }

    /// Exports the result of a query of the lake, which holds `bars`, with `export-csv`.
    ///
    /// # Errors
    /// The error of the function, or that the query did not count the run's bars right.
    pub async fn export_result(&self, query: &LakeQuery, bars: &[Bar], result: &S3Uri) -> anyhow::Result<LakeExport> {
        let outcomes = query.outcomes(bars);
        let uri = manifest::symbol_outcomes(self.cloud.output("DataBucket")?, query.trade_date, &query.run_id);
        self.put_object(&uri, String::from_utf8(SymbolOutcome::write_all(&outcomes)?)?).await?;
        let collection = query.collection(bars, SymbolSummary::of(uri.clone(), &outcomes))?;
        let written = collection.bars;
        let request = ExportRequest { collection, query_result: result.clone() };
        match self.invoke("ExportCsvFunction", &request).await? {
            Export::Exported { bars_seen, csv, restated_count, carried_over_count, .. } => {
                ensure!(bars_seen == written, "the query saw {bars_seen} bars of the run, which has {written}");
                let symbols = SymbolOutcomes::read(self.object(&uri).await?.as_bytes())?;
                let (mut restated, mut carried_over) = (symbols.restated(), symbols.carried_over());
                ensure!((restated.len(), carried_over.len()) == (restated_count, carried_over_count), "{symbols:?}");
                restated.sort();
                carried_over.sort_by(|a, b| a.symbol.cmp(&b.symbol));
                Ok(LakeExport { csv: self.object(&csv).await?, restated, carried_over })
            }
            Export::Incomplete { bars_seen } => bail!("the query saw {bars_seen} bars of the run, which has {written}"),
        }
    }

    /// Waits for the end of an Athena query.
    ///
    /// # Errors
    /// When it fails.
    pub async fn executed_query(&self, id: &str) -> anyhow::Result<AthenaQuery> {
        let query = json!({"QueryExecutionId": id});
        poll("the end of the query", Duration::from_millis(20), async || {
            let reply = self.call("athena", "AmazonAthena.GetQueryExecution", &query).await?;
            let execution = &reply["QueryExecution"];
            match execution["Status"]["State"].as_str() {
                Some("QUEUED" | "RUNNING") => Ok(None),
                Some("SUCCEEDED") => {
                    let uri = execution.pointer("/ResultConfiguration/OutputLocation").and_then(Value::as_str);
                    Ok(Some(AthenaQuery {
                        sql: execution["Query"].as_str().context("the query has no text")?.to_owned(),
                        parameters: Deserialize::deserialize(&execution["ExecutionParameters"])?,
                        result: uri.context("the query has no result")?.parse()?,
                    }))
                }
                _ => bail!("the query failed: {}", execution["Status"]),
            }
        })
        .await
    }
}
