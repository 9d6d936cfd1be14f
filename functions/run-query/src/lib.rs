//! Starts the query for one day's hourly extremes (`sql/hourly_extremes.sql`) in Athena.
//!
//! It does not wait for the result: the state machine polls the query's state. Values reach the query as execution
//! parameters, never as SQL text.

use aws_sdk_athena::{Client, types::QueryExecutionContext};
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    ErrorName, HandlerError, NamedError, ServiceError,
    json::{self, InvalidJson},
    payload::{RunQueryRequest, StartedQuery},
};

/// The query, with `?` for its parameters.
const SQL: &str = include_str!("../../../sql/hourly_extremes.sql");

/// What an invocation needs, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct QueryRunner {
    /// Sends `StartQueryExecution`.
    pub athena: Client,
    /// The Glue database that holds the table `bars` (`DATABASE`).
    pub database: String,
    /// The workgroup that says where results go and how much may be scanned (`WORKGROUP`).
    pub workgroup: String,
}

/// Why no query was started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payload is not a request.
    #[error("the request cannot be read: {0}")]
    Request(#[from] InvalidJson),
    /// Athena did not start the query.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl NamedError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Request(_) => ErrorName::InvalidInput,
            Self::Service(error) => error.name(),
        }
    }
}

impl QueryRunner {
    /// Answers one invocation: starts the query, once for each `client_request_token`.
    ///
    /// # Errors
    /// The name and the message of [`Error`].
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<StartedQuery, HandlerError> {
        let request: RunQueryRequest = json::value(event.payload).map_err(Error::from)?;
        let span = tracing::info_span!("query", run_id = &*request.run_id, trade_date = %request.trade_date);
        async { Ok(self.start(request).await?) }.instrument(span).await
    }

    async fn start(&self, request: RunQueryRequest) -> Result<StartedQuery, Error> {
        let parameters = parameters(&request);
        let call = self
            .athena
            .start_query_execution()
            .query_string(SQL)
            .set_execution_parameters(Some(parameters))
            .client_request_token(request.client_request_token)
            .query_execution_context(QueryExecutionContext::builder().database(&self.database).build())
            .work_group(&self.workgroup);
        let answer = call.send().await.map_err(|error| ServiceError::from_sdk("athena:StartQueryExecution", &error))?;
        let query_execution_id = answer.query_execution_id.unwrap_or_default();
        tracing::info!(query_execution_id, "query started");
        Ok(StartedQuery { query_execution_id })
    }
}

/// The values of the query's `?`, in their order, as SQL literals: Athena substitutes each as text. None of the three
/// types can hold a quote.
/// <https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html>
fn parameters(request: &RunQueryRequest) -> Vec<String> {
    [request.trade_date.to_string(), request.interval.to_string(), request.run_id.to_string()]
        .map(|value| format!("'{value}'"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_has_its_parameter() -> Result<(), Box<dyn std::error::Error>> {
        let request: RunQueryRequest = serde_json::from_str(include_str!("../events/query.json"))?;
        let code = SQL.lines().filter(|line| !line.trim_start().starts_with("--"));
        assert_eq!(code.flat_map(|line| line.matches('?')).count(), parameters(&request).len());
        assert_eq!(
            parameters(&request),
            ["'2026-11-20'", "'5m'", "'manual-2026-11-20-1f0c7a3e.2026-11-20T223000.123Z'"]
        );
        Ok(())
    }
}
