//! The state machines, and the last run.

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use jiff::Timestamp;

use super::{
    age::{age, timestamp},
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, wrong},
};
use crate::{
    aws::{execution, target::follow_command},
    output::hints,
};

/// Whether the state machine that an output names can be started.
pub async fn state_machine(deployment: &Deployment, output: &str) -> Outcome {
    let arn = deployment.output(output)?;
    let what = format!("the state machine {}", last_part(arn));
    let call = deployment.clients.sfn.describe_state_machine().state_machine_arn(arn).send().await;
    let found = call.map_err(|error| failed("states:DescribeStateMachine", &what, &error))?;
    match found.status().map(|status| status.as_str()) {
        None | Some("ACTIVE") => Ok(format!("{} is ACTIVE", last_part(arn))),
        Some(status) => Err(wrong(format!("{what} is {status}"), "deploy the stack again when it is gone")),
    }
}

/// How the newest execution of the pipeline ended.
pub async fn last_run(deployment: &Deployment) -> Outcome {
    let arn = deployment.output("StateMachineArn")?;
    let what = format!("the state machine {}", last_part(arn));
    let call = deployment.clients.sfn.list_executions().state_machine_arn(arn).max_results(1).send().await;
    let response = call.map_err(|error| failed("states:ListExecutions", &what, &error))?;
    let Some(last) = response.executions().first() else {
        return Ok("none yet; start one with cargo finstream run".to_owned());
    };
    let (name, now) = (last.name(), Timestamp::now());
    let begun = age(timestamp(last.start_date()), now);
    match last.status() {
        ExecutionStatus::Running => return Ok(format!("{name} is running, and began {begun}")),
        ExecutionStatus::Succeeded => return Ok(format!("{name} SUCCEEDED, and began {begun}")),
        _ => {}
    }
    let call = deployment.clients.sfn.describe_execution().execution_arn(last.execution_arn()).send().await;
    let found = call.map_err(|error| failed("states:DescribeExecution", &format!("the execution {name}"), &error))?;
    Err(unsuccessful(&format!("{name} began {begun}"), &found, &follow_command(&deployment.options, name)))
}

/// The problem of a run that ended without success, and what to do about its error.
fn unsuccessful(run: &str, found: &DescribeExecutionOutput, follow: &str) -> NotOk {
    let (status, error) = (found.status(), execution::failure(found).error);
    let with = if *status == ExecutionStatus::Failed { format!(" with {error}") } else { String::new() };
    wrong(format!("{run} and is {status}{with}"), format!("{}; for its cause: {follow}", hints::hint(&error)))
}

fn last_part(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::{error::BuildError, primitives::DateTime};

    use super::*;

    #[test]
    fn a_run_that_was_stopped_has_the_hint_of_its_status() -> Result<(), BuildError> {
        for (status, error, problem, fix) in [
            (ExecutionStatus::Failed, Some("NoBars"), "r and is FAILED with NoBars", "check the spelling"),
            (ExecutionStatus::Aborted, None, "r and is ABORTED", "someone stopped the execution"),
            (ExecutionStatus::TimedOut, Some("States.Timeout"), "r and is TIMED_OUT", "took longer than it may"),
        ] {
            let found = DescribeExecutionOutput::builder().execution_arn("e").state_machine_arn("m");
            let found = found.status(status).set_error(error.map(str::to_owned)).start_date(DateTime::from_secs(0));
            let NotOk::Wrong { problem: found, fix: hint } = unsuccessful("r", &found.build()?, "follow r") else {
                unreachable!("it is wrong")
            };
            assert_eq!(found, problem);
            assert!(hint.contains(fix) && hint.ends_with("; for its cause: follow r"), "{hint}");
        }
        Ok(())
    }
}
