//! Runs a query in the stack's Athena workgroup, and reads its rows.

use anyhow::{Context, bail};
use aws_sdk_athena::types::{QueryExecution, QueryExecutionContext, QueryExecutionState};
use serde::de::DeserializeOwned;
use shared::S3Uri;

use super::{
    poll::{Poll, poll_until},
    s3, sdk_error,
    target::Target,
};

/// The rows of a query; `parameters` are the values of its `?`, as SQL literals.
///
/// # Errors
/// When Athena rejects the query, when the query fails, with the reason, or when its result cannot be read.
pub async fn query<Row: DeserializeOwned>(
    target: &Target,
    sql: &str,
    parameters: &[String],
) -> anyhow::Result<Vec<Row>> {
    let context = QueryExecutionContext::builder().database(target.output("DatabaseName")?).build();
    let call = target.athena.start_query_execution().query_string(sql).query_execution_context(context);
    let call = call.set_execution_parameters(Some(parameters.to_vec())).work_group(target.output("WorkGroup")?);
    let started = call.send().await.map_err(|error| sdk_error::describe("athena:StartQueryExecution", &error))?;
    let id = started.query_execution_id().context("athena:StartQueryExecution returned no id: try again")?;
    let uri = wait_for_result(target, id).await?;
    let result = s3::get(&target.s3, &uri).await?.with_context(|| format!("the result {uri} is gone: query again"))?;
    let rows = csv::Reader::from_reader(result.content.as_slice()).into_deserialize().collect::<Result<_, _>>();
    rows.with_context(|| format!("{uri} is not a result of this program's query"))
}

/// Waits until the query has succeeded; returns the location of its result.
async fn wait_for_result(target: &Target, id: &str) -> anyhow::Result<S3Uri> {
    poll_until(target.poll_interval, async || {
        let call = target.athena.get_query_execution().query_execution_id(id).send().await;
        let response = call.map_err(|error| sdk_error::describe("athena:GetQueryExecution", &error))?;
        let uri = response.query_execution().map(result_location).transpose()?.flatten();
        Ok(uri.map_or(Poll::Pending, Poll::Ready))
    })
    .await
}

/// The location of the result of a query; `None` while it is queued or running.
fn result_location(query: &QueryExecution) -> anyhow::Result<Option<S3Uri>> {
    let Some(status) = query.status() else { return Ok(None) };
    match status.state() {
        Some(QueryExecutionState::Succeeded) => {
            let location = query.result_configuration().and_then(|result| result.output_location());
            Ok(Some(
                location.context("the query has succeeded, but Athena returned no location of its result")?.parse()?,
            ))
        }
        Some(state @ (QueryExecutionState::Failed | QueryExecutionState::Cancelled)) => bail!(
            "the query {} of the lake ended as {state}: {}; see Athena's history of the stack's workgroup",
            query.query_execution_id().unwrap_or_default(),
            status.state_change_reason().unwrap_or("no reason was given")
        ),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::{QueryExecutionStatus, ResultConfiguration};

    use super::*;

    fn query(state: QueryExecutionState) -> QueryExecution {
        let status = QueryExecutionStatus::builder().state(state).state_change_reason("too many bytes").build();
        let result = ResultConfiguration::builder().output_location("s3://data/results/q-1.csv").build();
        QueryExecution::builder().query_execution_id("q-1").status(status).result_configuration(result).build()
    }

    #[test]
    fn a_query_ends_with_the_location_of_its_result_or_with_a_reason() -> anyhow::Result<()> {
        assert_eq!(result_location(&query(QueryExecutionState::Running))?, None);
        assert_eq!(
            result_location(&query(QueryExecutionState::Succeeded))?,
            Some(S3Uri::new("data", "results/q-1.csv"))
        );
        let error = result_location(&query(QueryExecutionState::Cancelled)).err().map(|error| error.to_string());
        assert!(error.is_some_and(|message| message.contains("q-1 of the lake ended as CANCELLED: too many bytes")));
        Ok(())
    }
}
