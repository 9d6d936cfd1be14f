//! Publishes the result of the hourly query as a CSV and a report.
//!
//! It also decides whether the run is complete: the result says how many of the run's bars the query saw, and nothing is
//! published where that is fewer than were collected of any symbol. Waiting and querying again is up to the state machine.

mod body;
mod completeness;
mod day;
mod error;
mod objects;
mod outcomes;
mod publication;
mod query_result;
mod records;
mod report;
#[cfg(test)]
mod sample;

/// What `benches/` measures of the function, and no part of its interface.
#[doc(hidden)]
pub mod parts {
    pub use crate::{day::Day, query_result::Parser, report::render};
}

use aws_sdk_s3::Client;
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    ExportFiles, HandlerError, Manifest, PublishedDay, json, metrics,
    payload::{CollectOutcome, Collection, Export, ExportRequest, SymbolOutcomes, SymbolSummary},
};

use body::Body;
use completeness::Completeness;
use day::Day;
pub use error::Error;
use objects::Content;
use outcomes::StoredOutcomes;
use publication::Publication;

/// What an invocation needs, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct Exporter {
    /// Reads the outcomes of the run, the query's result and what is published (`GetObject`), and writes the files (`PutObject`).
    pub s3: Client,
    /// The bucket of `runs/` and `exports/`, in which the files are written (`DATA_BUCKET`).
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
    /// [`Error`]; then the day's manifest names an earlier run, or this one, and in either case files that are complete.
    pub async fn export(&self, request: &ExportRequest) -> Result<Export, Error> {
        let collection = exportable(&request.collection)?;
        let stored = StoredOutcomes::read(&self.s3, &collection.symbols.uri).await?;
        let outcomes = &stored.symbols;
        let day = self.day(request, collection, outcomes).await?;
        let Completeness { bars_seen, missing } = Completeness::of(&outcomes.collected, &day.symbols);
        if !missing.is_empty() {
            tracing::info!(bars_seen, bars = collection.bars, %missing, "the query has not seen every bar yet");
            return Ok(Export::Incomplete { bars_seen });
        }

        stored.complete(&self.s3, &day.symbols, collection.simulated).await?;
        let (rows, mut restated, mut carried_over) = (day.rows, day.restated(), day.carried_over());
        let report = report::render(collection, outcomes, &day.summary, &restated, &carried_over)
            .map_err(|problem| Error::InvalidResult { uri: request.query_result.clone(), problem })?;
        let publication = self.publication(collection, report.into_bytes().into(), day.finish()?);
        let published = publication.publish().await?;
        let ExportFiles { csv, report } = publication.manifest.files;
        let superseded_by = published.map(|it| it.run_id).filter(|run_id| *run_id != collection.run_id);
        if let Some(run_id) = &superseded_by {
            tracing::info!(published = &**run_id, "not the day's export: that run collected later");
        }
        tracing::info!(
            bars = collection.bars,
            failed = outcomes.failed.len(),
            rows,
            %csv,
            "exported"
        );
        let counts = [("Bars", collection.bars), ("SymbolsFailed", outcomes.failed.len())];
        metrics::record(&self.metrics_namespace, &counts);
        let (restated_count, carried_over_count) = (restated.len(), carried_over.len());
        restated.truncate(SymbolSummary::MAX_LISTED);
        carried_over.truncate(SymbolSummary::MAX_LISTED);
        Ok(Export::Exported {
            bars_seen,
            rows,
            csv,
            report,
            superseded_by,
            restated,
            restated_count,
            carried_over,
            carried_over_count,
        })
    }

    /// The day of the query's result, which passes piece by piece.
    async fn day<'a>(
        &self,
        ExportRequest { query_result: uri, .. }: &ExportRequest,
        collection: &Collection,
        outcomes: &'a SymbolOutcomes,
    ) -> Result<Day<'a>, Error> {
        let invalid = |problem| Error::InvalidResult { uri: uri.clone(), problem };
        let mut body = objects::stream(&self.s3, uri).await?.ok_or_else(|| Error::NoResult(uri.clone()))?;
        let mut parser = query_result::Parser::new(collection.trade_date, collection.simulated);
        let mut day = Day::new(outcomes, collection.interval)?;
        while let Some(piece) = objects::next_piece(uri, &mut body).await? {
            parser.push(piece.as_ref()).map_err(invalid)?.into_iter().try_for_each(|company| day.add(company))?;
        }
        parser.finish().map_err(invalid)?.into_iter().try_for_each(|company| day.add(company))?;
        Ok(day)
    }

    /// The files of a run, and the manifest that names them.
    fn publication(&self, collection: &Collection, report: Body, csv: Body) -> Publication<'_> {
        let content = |content_type, body| Content { content_type, body, simulated: collection.simulated };
        Publication {
            s3: &self.s3,
            bucket: &self.bucket,
            day: collection.list.clone().map(|list| PublishedDay {
                list,
                interval: collection.interval,
                trade_date: collection.trade_date,
            }),
            manifest: Manifest {
                run_id: collection.run_id.clone(),
                collected_at: collection.collected_at,
                files: ExportFiles::of_run(&self.bucket, collection.trade_date, &collection.run_id),
            },
            contents: [content("text/html; charset=utf-8", report), content("text/csv; charset=utf-8", csv)],
        }
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
