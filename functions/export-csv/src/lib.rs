//! `export-csv` turns the result of the hourly query into what a person takes away: the CSV and the report.
//!
//! It also decides whether the run is complete: the result says how many of the run's bars the query
//! saw, and where that is fewer than were collected nothing is published. Waiting and asking again is
//! the state machine's work, not this function's.

mod chart;
mod csv;
mod error;
mod objects;
mod report;
#[cfg(test)]
mod sample;

use aws_sdk_s3::Client;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use shared::{
    payload::{CollectOutcome, Collection, Export, ExportRequest, Versions},
    read,
};
use tracing::Instrument;

pub use error::Error;
use objects::Location;

/// The function with what it needs for every invocation.
#[derive(Debug)]
pub struct Exporter {
    s3: Client,
    bucket: String,
}

impl Exporter {
    /// An exporter that publishes below `exports/` in `bucket`.
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Answers one invocation; an error is logged, with the run it belongs to, before it is returned.
    ///
    /// # Errors
    /// The names and messages of [`Error`].
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Export, Diagnostic> {
        let request = read::value::<ExportRequest>(event.payload).map_err(|e| Error::InvalidInput(e.to_string()))?;
        // The state machine names a run after its execution, so `run_id` finds the execution too.
        let span = tracing::info_span!(
            "export",
            trade_date = %request.collection.trade_date,
            run_id = &*request.collection.run_id,
            query_result = request.query_result,
            request_id = event.context.request_id,
        );
        async { Ok(self.export(&request).await?) }.instrument(span).await
    }

    /// Publishes the report and the CSV of a run, or says that the query has not seen all of its bars.
    ///
    /// Repeating it writes the same files again.
    ///
    /// # Errors
    /// [`Error`]; then the CSV of an earlier run, where there is one, is still in place.
    pub async fn export(&self, request: &ExportRequest) -> Result<Export, Error> {
        let collection = exportable(&request.collection)?;
        let location: Location = request.query_result.parse()?;
        let object = objects::get(&self.s3, &location).await?;
        let invalid = |problem| Error::InvalidResult { location: location.clone(), problem };
        let result = csv::read(&object, collection.trade_date).map_err(invalid)?;
        if result.bars_seen < collection.bars {
            tracing::info!(
                bars_seen = result.bars_seen,
                bars = collection.bars,
                "the query has not seen every bar yet"
            );
            return Ok(Export::Incomplete { bars_seen: result.bars_seen });
        }

        let report = report::render(collection, &result.rows).map_err(invalid)?;
        let csv = csv::write(&result.rows).map_err(invalid)?;
        let [report_at, csv_at] = ["report.html", "hourly_extremes.csv"].map(|name| self.published(collection, name));
        // Each put replaces its object whole or not at all. The CSV goes last: where it is, its report is.
        let report_version =
            objects::put(&self.s3, &report_at, "text/html; charset=utf-8", report.into_bytes()).await?;
        let csv_version = objects::put(&self.s3, &csv_at, "text/csv; charset=utf-8", csv).await?;
        // The dashboard's metrics are taken from this line: see template.yaml.
        tracing::info!(
            bars = collection.bars,
            failed = collection.symbols.failed.len(),
            rows = result.rows.len(),
            csv = %csv_at,
            "exported"
        );
        Ok(Export::Exported {
            bars_seen: result.bars_seen,
            rows: result.rows.len(),
            csv: csv_at.to_string(),
            report: report_at.to_string(),
            versions: Versions { csv: csv_version, report: report_version },
        })
    }

    fn published(&self, collection: &Collection, name: &str) -> Location {
        let key = format!("exports/trade_date={}/{name}", collection.trade_date);
        Location { bucket: self.bucket.clone(), key }
    }
}

/// A day without bars has nothing to export, and must not replace an earlier export by an empty one.
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
