//! Starts executions of the pipeline and reads their status.

use std::cmp::Reverse;

use anyhow::Context;
use aws_sdk_sfn::{
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionListItem, ExecutionStatus},
};
use serde::Serialize;
use shared::payload::{RequestTooLarge, RunOutcome, RunRequest};

use super::{history::ExecutionFailure, sdk_error, target::Target};

#[derive(Debug)]
pub enum Status {
    Running,
    Ended {
        /// Boxed, since an outcome is large.
        result: Box<RunResult>,
        /// How long it took, in seconds.
        seconds: f64,
    },
}

/// The output of an execution, or the error it failed with.
pub type RunResult = Result<RunOutcome, ExecutionFailure>;

/// Starts an execution of that name with `request` as its input, unless there is one.
///
/// # Errors
/// When the request names too many symbols, or Step Functions rejects the call or does not answer.
pub async fn start(target: &Target, name: &str, request: &impl Serialize) -> anyhow::Result<()> {
    let input = serde_json::to_string(request).context("the input is not JSON")?;
    if input.len() > RunRequest::MAX_BYTES {
        return Err(RequestTooLarge { bytes: input.len() }.into());
    }
    let call = target.sfn.start_execution().state_machine_arn(&target.state_machine).name(name).input(input);
    match call.send().await {
        Ok(_) => Ok(()),
        // The SDK retried after a lost response, or the same command runs in another window.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(()),
        Err(error) => Err(sdk_error::describe("states:StartExecution", &error)),
    }
}

/// The status of the execution of that name; `None` when there never was one, or it ended more than 90 days ago.
///
/// # Errors
/// When Step Functions does not answer, or the output is that of another version of the pipeline.
pub async fn describe(target: &Target, name: &str) -> anyhow::Result<Option<Status>> {
    find(target, name).await?.map(|found| status(&found)).transpose()
}

/// All that Step Functions knows of the execution of that name; `None` when there never was one, or it ended more than 90
/// days ago.
///
/// # Errors
/// When Step Functions does not answer.
pub async fn find(target: &Target, name: &str) -> anyhow::Result<Option<DescribeExecutionOutput>> {
    let call = target.sfn.describe_execution().execution_arn(target.execution_arn(name));
    match call.send().await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => Ok(None),
        Err(error) => Err(sdk_error::describe("states:DescribeExecution", &error)),
    }
}

/// The newest executions, at most `count`, newest first.
///
/// # Errors
/// When Step Functions does not answer.
pub async fn newest(target: &Target, count: usize) -> anyhow::Result<Vec<ExecutionListItem>> {
    const MAX_RESULTS: usize = 1_000; // of a page
    let page_size = i32::try_from(count.min(MAX_RESULTS))?;
    let call = target.sfn.list_executions().state_machine_arn(&target.state_machine).max_results(page_size);
    let mut items = call.into_paginator().items().send();
    let mut executions = Vec::new();
    while executions.len() < count
        && let Some(execution) = items.next().await
    {
        executions.push(execution.map_err(|error| sdk_error::describe("states:ListExecutions", &error))?);
    }
    // "Sorted by time", says Step Functions; the local cloud sorts by the end where there is one.
    executions.sort_by_key(|execution| Reverse(execution.start_date));
    Ok(executions)
}

/// The status of an execution.
///
/// # Errors
/// When its output is that of another version of the pipeline.
pub fn status(found: &DescribeExecutionOutput) -> anyhow::Result<Status> {
    let result = match found.status() {
        ExecutionStatus::Running => return Ok(Status::Running),
        ExecutionStatus::Succeeded => {
            let output = found.output().unwrap_or_default();
            let what_to_do = "the execution's output is not this program's: deploy the stack from the same version";
            Ok(serde_json::from_str(output).context(what_to_do)?)
        }
        _ => Err(failure(found)),
    };
    let stop = found.stop_date().unwrap_or(found.start_date());
    Ok(Status::Ended { result: Box::new(result), seconds: stop.as_secs_f64() - found.start_date().as_secs_f64() })
}

/// The failure of an execution that ended without success.
pub fn failure(found: &DescribeExecutionOutput) -> ExecutionFailure {
    let error = match found.status() {
        // One name for the run's own timeout (States.Timeout) and for that of a task, which the state machine reports.
        ExecutionStatus::TimedOut => Some("TimedOut"),
        ExecutionStatus::Aborted => Some("Aborted"),
        _ => found.error(),
    };
    ExecutionFailure::new(error, found.cause())
}
