//! Asks Glue for a crawl of the lake, so that the catalog learns of a new day's partition.
//!
//! It does not wait: whether the crawl has ended, and well, is asked by the state machine.

use aws_sdk_glue::{Client, operation::start_crawler::StartCrawlerError};
use lambda_runtime::{Diagnostic, LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    diagnostic,
    payload::{CrawlStart, StartedCrawl},
    service::ServiceError,
};

/// What an invocation needs, set up once for the life of the process.
#[derive(Debug)]
pub struct CrawlStarter {
    /// The way to Glue.
    pub glue: Client,
    /// The crawler (`CRAWLER_NAME`).
    pub crawler: String,
}

impl CrawlStarter {
    /// Starts the crawler. One that is at work already is an answer, not an error: its crawl may
    /// have begun too early for this run, so the caller waits for it and asks again.
    ///
    /// The event carries nothing that is needed, so any is taken; a `run_id` in it goes to the log.
    ///
    /// # Errors
    /// What Glue said, by name.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<StartedCrawl, Diagnostic> {
        let run_id = event.payload.get("run_id").and_then(Value::as_str);
        self.start().instrument(tracing::info_span!("crawl", run_id)).await
    }

    async fn start(&self) -> Result<StartedCrawl, Diagnostic> {
        let start = match self.glue.start_crawler().name(&self.crawler).send().await {
            Ok(_) => CrawlStart::Started,
            Err(error) if error.as_service_error().is_some_and(StartCrawlerError::is_crawler_running_exception) => {
                CrawlStart::AlreadyRunning
            }
            Err(error) => return Err(diagnostic(&ServiceError::from_sdk("glue:StartCrawler", &error))),
        };
        tracing::info!(crawler = self.crawler, ?start, "asked for a crawl");
        Ok(StartedCrawl { crawler: self.crawler.clone(), start })
    }
}
