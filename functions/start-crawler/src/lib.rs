//! Starts a Glue crawl of the lake, which adds a new day's partition to the catalog.
//!
//! It does not wait: the state machine polls whether the crawl has ended, and how.

use aws_sdk_glue::{Client, operation::start_crawler::StartCrawlerError};
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    HandlerError, ServiceError,
    payload::{CrawlStart, StartedCrawl},
};

/// What an invocation needs, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct CrawlStarter {
    /// Sends `StartCrawler`.
    pub glue: Client,
    /// The crawler's name (`CRAWLER_NAME`).
    pub crawler: String,
}

impl CrawlStarter {
    /// Answers one invocation: starts the crawler. A crawler that is already running is an answer, not an error: its
    /// crawl may have begun too early for this run, so the caller waits for it and starts another.
    ///
    /// Any event is accepted: nothing in it is needed. A `run_id` in it goes to the log.
    ///
    /// # Errors
    /// The name and the message of [`ServiceError`].
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<StartedCrawl, HandlerError> {
        let run_id = event.payload.get("run_id").and_then(Value::as_str);
        async { Ok(self.start().await?) }.instrument(tracing::info_span!("crawl", run_id)).await
    }

    async fn start(&self) -> Result<StartedCrawl, ServiceError> {
        let start = match self.glue.start_crawler().name(&self.crawler).send().await {
            Ok(_) => CrawlStart::Started,
            Err(error) if error.as_service_error().is_some_and(StartCrawlerError::is_crawler_running_exception) => {
                CrawlStart::AlreadyRunning
            }
            Err(error) => return Err(ServiceError::from_sdk("glue:StartCrawler", &error)),
        };
        tracing::info!(crawler = self.crawler, ?start, "crawl requested");
        Ok(StartedCrawl { crawler: self.crawler.clone(), start })
    }
}
