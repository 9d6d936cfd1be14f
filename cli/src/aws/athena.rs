//! Runs a query in the stack's Athena workgroup, and reads its rows.

use std::{error::Error, fmt, io::BufReader, time::Duration};

use anyhow::{Context, bail};
use aws_sdk_athena::types::{QueryExecution, QueryExecutionContext, QueryExecutionState};
use serde::de::DeserializeOwned;
use shared::S3Uri;

use super::{
    poll::{Poll, poll_until},
    s3, sdk_error,
    target::Target,
};

/// The rows of a query, row by row out of a temporary file: however many there are, none is in memory before its turn. `parameters`
/// are the values of the query's `?`, as SQL literals.
///
/// # Errors
/// When Athena rejects the query, when the query fails, with the reason, or when its result cannot be read.
pub async fn query<Row: DeserializeOwned>(
    target: &Target,
    sql: &str,
    parameters: &[String],
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Row>> + use<Row>> {
    let uri = wait(target, &start(target, sql, parameters).await?).await?.result;
    let file =
        s3::download(&target.s3, &uri).await?.with_context(|| format!("the result {uri} is gone: query again"))?;
    let rows = csv::Reader::from_reader(BufReader::new(file)).into_deserialize();
    Ok(rows.map(move |row| row.with_context(|| format!("{uri} is not a result of this program's query"))))
}

/// The most bytes that a query of the stack's workgroup may read; none where it has no limit.
///
/// # Errors
/// When the workgroup cannot be read.
pub async fn bytes_limit(target: &Target) -> anyhow::Result<Option<u64>> {
    let call = target.athena.get_work_group().work_group(target.output("WorkGroup")?);
    let answer = call.send().await.map_err(|error| sdk_error::describe("athena:GetWorkGroup", &error))?;
    let limit = answer.work_group.and_then(|group| group.configuration?.bytes_scanned_cutoff_per_query);
    Ok(limit.and_then(|limit| u64::try_from(limit).ok()))
}

/// Starts a query, and returns the id of its execution; `parameters` are the values of its `?`, as SQL literals.
///
/// # Errors
/// When Athena rejects the query.
pub async fn start(target: &Target, sql: &str, parameters: &[String]) -> anyhow::Result<String> {
    let context = QueryExecutionContext::builder().database(target.output("DatabaseName")?).build();
    let call = target.athena.start_query_execution().query_string(sql).query_execution_context(context);
    let parameters = (!parameters.is_empty()).then(|| parameters.to_vec());
    let call = call.set_execution_parameters(parameters).work_group(target.output("WorkGroup")?);
    let started = call.send().await.map_err(|error| sdk_error::describe("athena:StartQueryExecution", &error))?;
    started.query_execution_id.context("athena:StartQueryExecution returned no id: try again")
}

/// A query that has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succeeded {
    /// Where Athena has written its result.
    pub result: S3Uri,
    pub bytes_scanned: u64,
    /// How long it took, with the time in the queue.
    pub duration: Duration,
}

/// A query that has not succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    pub id: String,
    pub state: QueryExecutionState,
    /// Why, as Athena says it.
    pub reason: String,
    /// Whether AWS's console shows it: a local cloud has none.
    pub is_in_console: bool,
}

impl Unsuccessful {
    /// Whether the workgroup's limit of bytes has ended it.
    /// <https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html>
    pub fn is_over_limit(&self) -> bool {
        self.state == QueryExecutionState::Cancelled && self.reason.to_lowercase().contains("bytes scanned limit")
    }

    /// What has ended, and why.
    pub fn summary(&self) -> String {
        let Self { id, state, reason, .. } = self;
        format!("the query {id} of the lake ended as {state}: {}", reason.trim())
    }

    /// Where to look further, if there is such a place.
    pub fn hint(&self) -> Option<&'static str> {
        self.is_in_console.then_some("see Athena's history of the stack's workgroup")
    }
}

impl fmt::Display for Unsuccessful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())?;
        self.hint().map_or(Ok(()), |hint| write!(f, "\n{hint}"))
    }
}

impl Error for Unsuccessful {}

/// Waits until the query has succeeded.
///
/// # Errors
/// [`Unsuccessful`], or when Athena does not answer.
pub async fn wait(target: &Target, id: &str) -> anyhow::Result<Succeeded> {
    let is_in_console = target.console_region.is_some();
    poll_until(target.poll_interval, async || {
        let call = target.athena.get_query_execution().query_execution_id(id).send().await;
        let response = call.map_err(|error| sdk_error::describe("athena:GetQueryExecution", &error))?;
        let succeeded = response.query_execution().map(|query| succeeded(query, is_in_console)).transpose()?.flatten();
        Ok(succeeded.map_or(Poll::Pending, Poll::Ready))
    })
    .await
}

/// What is known of a query that has succeeded; `None` while it is queued or running.
fn succeeded(query: &QueryExecution, is_in_console: bool) -> anyhow::Result<Option<Succeeded>> {
    let Some(status) = query.status() else { return Ok(None) };
    match status.state() {
        Some(QueryExecutionState::Succeeded) => {
            let location = query.result_configuration().and_then(|result| result.output_location());
            let location =
                location.context("the query has succeeded, but Athena returned no location of its result")?;
            let statistics = query.statistics();
            let number = |value: Option<i64>| value.and_then(|value| value.try_into().ok()).unwrap_or_default();
            Ok(Some(Succeeded {
                result: location.parse()?,
                bytes_scanned: number(statistics.and_then(|it| it.data_scanned_in_bytes())),
                duration: Duration::from_millis(number(statistics.and_then(|it| it.total_execution_time_in_millis()))),
            }))
        }
        Some(state @ (QueryExecutionState::Failed | QueryExecutionState::Cancelled)) => bail!(Unsuccessful {
            id: query.query_execution_id().unwrap_or_default().to_owned(),
            state: state.clone(),
            reason: status.state_change_reason().unwrap_or("no reason was given").to_owned(),
            is_in_console,
        }),
        _ => Ok(None),
    }
}

/// Stops a query that is running. One that has ended stays as it is.
///
/// # Errors
/// When Athena refuses it.
pub async fn stop(target: &Target, id: &str) -> anyhow::Result<()> {
    let call = target.athena.stop_query_execution().query_execution_id(id).send().await;
    call.map_err(|error| sdk_error::describe("athena:StopQueryExecution", &error))?;
    Ok(())
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Athena's type, such as `varchar`.
    pub data_type: String,
}

/// The rows of a query of any columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    pub columns: Vec<Column>,
    /// The values as Athena prints them; `None` for NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// The rows of a query that has succeeded, page by page; `on_progress` gets their number after each page.
///
/// # Errors
/// When they cannot be read.
pub async fn rows(target: &Target, id: &str, on_progress: impl Fn(usize)) -> anyhow::Result<ResultSet> {
    let mut pages = target.athena.get_query_results().query_execution_id(id).into_paginator().send();
    let mut result = ResultSet::default();
    let mut is_first = true;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| sdk_error::describe("athena:GetQueryResults", &error))?;
        let Some(set) = page.result_set else { continue };
        let columns = set.result_set_metadata.and_then(|metadata| metadata.column_info).unwrap_or_default();
        let mut rows =
            set.rows.unwrap_or_default().into_iter().map(|row| {
                row.data.unwrap_or_default().into_iter().map(|datum| datum.var_char_value).collect::<Vec<_>>()
            });
        if is_first {
            result.columns =
                columns.into_iter().map(|column| Column { name: column.name, data_type: column.r#type }).collect();
            // The first row of a query has the names of the columns; that of SHOW and DESCRIBE does not.
            result.rows.extend(rows.next().filter(|row| !is_header(row, &result.columns)));
        }
        is_first = false;
        result.rows.extend(rows);
        on_progress(result.rows.len());
    }
    Ok(result)
}

fn is_header(row: &[Option<String>], columns: &[Column]) -> bool {
    row.iter().map(Option::as_deref).eq(columns.iter().map(|column| Some(column.name.as_str())))
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::{QueryExecutionStatistics, QueryExecutionStatus, ResultConfiguration};

    use super::*;

    fn query(state: QueryExecutionState, reason: &str) -> QueryExecution {
        let status = QueryExecutionStatus::builder().state(state).state_change_reason(reason).build();
        let result = ResultConfiguration::builder().output_location("s3://data/results/q-1.csv").build();
        let statistics = QueryExecutionStatistics::builder().data_scanned_in_bytes(1_234);
        let statistics = statistics.total_execution_time_in_millis(2_500).build();
        let query = QueryExecution::builder().query_execution_id("q-1").status(status);
        query.result_configuration(result).statistics(statistics).build()
    }

    #[test]
    fn a_query_ends_with_its_result_or_with_a_reason() -> anyhow::Result<()> {
        assert_eq!(succeeded(&query(QueryExecutionState::Running, ""), true)?, None);
        let expected = Succeeded {
            result: S3Uri::new("data", "results/q-1.csv"),
            bytes_scanned: 1_234,
            duration: Duration::from_millis(2_500),
        };
        assert_eq!(succeeded(&query(QueryExecutionState::Succeeded, ""), true)?, Some(expected));
        for (state, reason, is_over_limit) in [
            (QueryExecutionState::Cancelled, "Bytes scanned limit was exceeded", true),
            (QueryExecutionState::Cancelled, "Query was cancelled by user", false),
            (QueryExecutionState::Failed, "COLUMN_NOT_FOUND: line 1:8", false),
        ] {
            let ended = format!("the query q-1 of the lake ended as {state}: {reason}");
            let local = succeeded(&query(state.clone(), &format!("{reason}\n")), false).err().map(|it| it.to_string());
            assert_eq!(local.as_ref(), Some(&ended), "a local cloud has no console");
            let error = succeeded(&query(state.clone(), reason), true).err().context("it has not succeeded")?;
            assert_eq!(error.to_string(), format!("{ended}\nsee Athena's history of the stack's workgroup"));
            let error = error.downcast::<Unsuccessful>()?;
            assert_eq!(error.is_over_limit(), is_over_limit, "{error}");
        }
        Ok(())
    }

    #[test]
    fn only_a_row_of_the_names_is_a_header() {
        let column = |name: &str| Column { name: name.into(), data_type: "varchar".into() };
        let columns = [column("symbol"), column("ts")];
        for (row, expected) in [
            (&[Some("symbol"), Some("ts")][..], true),
            (&[Some("symbol"), None], false),
            (&[Some("symbol")], false),
            (&[Some("META"), Some("ts")], false),
        ] {
            let row: Vec<_> = row.iter().map(|value| value.map(str::to_owned)).collect();
            assert_eq!(is_header(&row, &columns), expected, "{row:?}");
        }
    }
}
