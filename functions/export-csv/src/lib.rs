//! Publishes the result of the hourly query as a CSV and a report.
//!
//! It also decides whether the run is complete: the result says how many of the run's bars the query saw, and nothing is
//! published where that is fewer than were collected of any symbol. Waiting and querying again is up to the state machine.

mod chart;
mod completeness;
mod error;
mod objects;
mod query_result;
mod report;
#[cfg(test)]
mod sample;

use aws_sdk_s3::Client;
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    HandlerError, S3Uri, hourly_extreme, json, metrics,
    payload::{CollectOutcome, Collection, Export, ExportRequest, Versions},
};

use completeness::Completeness;
pub use error::Error;
use error::InvalidResult;

/// What an invocation needs, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct Exporter {
    /// Reads the query's result (`GetObject`) and publishes the files (`PutObject`).
    pub s3: Client,
    /// The bucket in which the files are published, under `exports/` (`DATA_BUCKET`).
    pub bucket: String,
    /// The CloudWatch namespace of the run's metrics (`METRICS_NAMESPACE`, `finstream` where it is unset).
    pub metrics_namespace: String,
}

impl Exporter {
    /// Answers one invocation.
    ///
    /// # Errors
    /// The name and the message of [`Error`].
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Export, HandlerError> {
        let request: ExportRequest =
            json::value(event.payload).map_err(|error| Error::InvalidInput(error.to_string()))?;
        // The run id begins with the execution's name, so the log leads to the execution.
        let span = tracing::info_span!(
            "export",
            trade_date = %request.collection.trade_date,
            run_id = &*request.collection.run_id,
            query_result = %request.query_result,
            request_id = event.context.request_id,
        );
        async { Ok(self.export(&request).await?) }.instrument(span).await
    }

    /// Publishes the report and the CSV of a run, or returns that the query has not seen all of its bars.
    ///
    /// Repeating it writes the same files again.
    ///
    /// # Errors
    /// [`Error`]; then the CSV of an earlier run, where there is one, is still in place.
    pub async fn export(&self, request: &ExportRequest) -> Result<Export, Error> {
        let collection = exportable(&request.collection)?;
        let object = objects::get(&self.s3, &request.query_result).await?;
        let invalid = |problem| Error::InvalidResult { uri: request.query_result.clone(), problem };
        let result = query_result::read(&object, collection.trade_date).map_err(invalid)?;
        let Completeness { bars_seen, missing } = Completeness::of(&collection.symbols.collected, &result.run_bars);
        if !missing.is_empty() {
            tracing::info!(bars_seen, bars = collection.bars, %missing, "the query has not seen every bar yet");
            return Ok(Export::Incomplete { bars_seen });
        }

        let report = report::render(collection, &result.rows).map_err(invalid)?;
        let csv = hourly_extreme::write(&result.rows)
            .map_err(|error| invalid(InvalidResult::Unwritable(error.to_string())))?;
        let [report_uri, csv_uri] = ["report.html", "hourly_extremes.csv"].map(|name| self.published(collection, name));
        let put = async |uri, content_type, content| {
            objects::put(&self.s3, uri, content_type, content, collection.simulated).await
        };
        // S3 replaces an object whole or not at all. The CSV is written last, so that a CSV always has its report.
        let report_version = put(&report_uri, "text/html; charset=utf-8", report.into_bytes()).await?;
        let csv_version = put(&csv_uri, "text/csv; charset=utf-8", csv).await?;
        tracing::info!(
            bars = collection.bars,
            failed = collection.symbols.failed.len(),
            rows = result.rows.len(),
            csv = %csv_uri,
            "exported"
        );
        let counts = [("Bars", collection.bars), ("SymbolsFailed", collection.symbols.failed.len())];
        metrics::record(&self.metrics_namespace, &counts);
        Ok(Export::Exported {
            bars_seen,
            rows: result.rows.len(),
            csv: csv_uri,
            report: report_uri,
            versions: Versions { csv: csv_version, report: report_version },
        })
    }

    fn published(&self, collection: &Collection, name: &str) -> S3Uri {
        S3Uri::new(&self.bucket, format!("exports/trade_date={}/{name}", collection.trade_date))
    }
}

/// Rejects a day without bars: it must not replace an earlier export by an empty one.
fn exportable(collection: &Collection) -> Result<&Collection, Error> {
    if collection.outcome != CollectOutcome::NoSession && collection.bars > 0 {
        return Ok(collection);
    }
    Err(Error::InvalidInput(format!(
        "the collection of {} has no bars; export only what was collected",
        collection.trade_date
    )))
}

#[cfg(test)]
mod tests;
