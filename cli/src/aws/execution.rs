//! One execution of the pipeline: how it is started, and how it stands.

use anyhow::Context;
use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use shared::payload::{RunOutcome, RunRequest};

use super::{history::Failure, sdk_error, target::Target};

/// How an execution stands.
#[derive(Debug)]
pub enum State {
    /// It goes on.
    Running,
    /// It is over.
    Ended {
        /// What came of it.
        ending: Box<Ending>,
        /// How long it took, in seconds.
        seconds: f64,
    },
}

/// How an execution ended.
#[derive(Debug)]
pub enum Ending {
    /// With an output.
    Succeeded(RunOutcome),
    /// With an error.
    Failed(Failure),
}

/// Starts an execution of that name, unless there is one.
///
/// # Errors
/// When Step Functions refuses or does not answer.
pub async fn start(target: &Target, name: &str, request: &RunRequest) -> anyhow::Result<()> {
    let input = serde_json::to_string(request).context("the input is not JSON")?;
    let call = target.sfn.start_execution().state_machine_arn(&target.state_machine).name(name).input(input);
    match call.send().await {
        Ok(_) => Ok(()),
        // The SDK's own second attempt after a lost answer, or the same command in another window.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(()),
        Err(error) => Err(sdk_error::describe("states:StartExecution", &error)),
    }
}

/// How the execution of that name stands, or `None` when there is none: never, or no more after 90 days.
///
/// # Errors
/// When Step Functions does not answer, or with an output that is not this program's.
pub async fn describe(target: &Target, name: &str) -> anyhow::Result<Option<State>> {
    let call = target.sfn.describe_execution().execution_arn(target.execution_arn(name));
    match call.send().await {
        Ok(found) => state(&found).map(Some),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => Ok(None),
        Err(error) => Err(sdk_error::describe("states:DescribeExecution", &error)),
    }
}

fn state(found: &DescribeExecutionOutput) -> anyhow::Result<State> {
    let ending = match found.status() {
        ExecutionStatus::Running => return Ok(State::Running),
        ExecutionStatus::Succeeded => {
            let output = found.output().unwrap_or_default();
            let what_to_do = "the execution's output is not this program's: deploy the stack from the same version";
            Ending::Succeeded(serde_json::from_str(output).context(what_to_do)?)
        }
        ExecutionStatus::Aborted => Ending::Failed(Failure::new(Some("Aborted"), found.cause())),
        _ => Ending::Failed(Failure::new(found.error().or(Some("States.Timeout")), found.cause())),
    };
    let stop = found.stop_date().unwrap_or(found.start_date());
    Ok(State::Ended { ending: Box::new(ending), seconds: stop.as_secs_f64() - found.start_date().as_secs_f64() })
}
