//! The state machines, and the last run.

use aws_sdk_sfn::{
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionListItem, ExecutionStatus},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

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
    let Some(last) = newest(deployment, arn).await? else {
        return Ok("none yet; start one with cargo finstream run".to_owned());
    };
    let (name, now) = (last.name(), Timestamp::now());
    let begun = age(timestamp(last.start_date()), now);
    match last.status() {
        ExecutionStatus::Running => return Ok(format!("{name} is running, and began {begun}")),
        ExecutionStatus::Succeeded => return Ok(format!("{name} SUCCEEDED, and began {begun}")),
        _ => {}
    }
    let found = describe(deployment, &last).await?;
    Err(unsuccessful(&format!("{name} began {begun}"), &found, &follow_command(&deployment.options, name)))
}

/// The longest time without a tick where the schedules are enabled: from a Friday's close to a Tuesday's open, and some more.
const MAX_TICK_AGE: SignedDuration = SignedDuration::from_hours(96);

/// How the newest execution of the machine of ticks ended, and whether there is a recent one.
pub async fn last_tick(deployment: &Deployment) -> Outcome {
    let arn = deployment.output("LiveStateMachineArn")?;
    let Some(last) = newest(deployment, arn).await? else {
        return Ok("none yet".to_owned());
    };
    let now = Timestamp::now();
    let began = timestamp(last.start_date());
    let tick = format!("{} began {}", last.name(), age(began, now));
    let found = describe(deployment, &last).await?;
    match last.status() {
        ExecutionStatus::Succeeded | ExecutionStatus::Running => {}
        _ => return Err(unsuccessful(&tick, &found, &describe_command(last.execution_arn()))),
    }
    if deployment.parameter("ScheduleState")? == "ENABLED" && now.duration_since(began) > MAX_TICK_AGE {
        return Err(wrong(
            format!("{tick}, and none has since, though the schedules are enabled"),
            "see the schedules of ticks and the queue of missed ticks",
        ));
    }
    let outcome = found.output().and_then(|output| serde_json::from_str::<Value>(output).ok());
    let outcome = outcome.and_then(|output| Some(format!(" with {}", output["outcome"].as_str()?)));
    Ok(format!("{tick} and is {}{}", found.status(), outcome.unwrap_or_default()))
}

fn describe_command(execution: &str) -> String {
    format!("aws stepfunctions describe-execution --execution-arn {execution}")
}

/// The newest execution of a state machine.
async fn newest(deployment: &Deployment, arn: &str) -> Result<Option<ExecutionListItem>, NotOk> {
    let call = deployment.clients.sfn.list_executions().state_machine_arn(arn).max_results(1).send().await;
    let what = format!("the state machine {}", last_part(arn));
    let response = call.map_err(|error| failed("states:ListExecutions", &what, &error))?;
    Ok(response.executions.into_iter().next())
}

async fn describe(deployment: &Deployment, execution: &ExecutionListItem) -> Result<DescribeExecutionOutput, NotOk> {
    let what = format!("the execution {}", execution.name());
    let call = deployment.clients.sfn.describe_execution().execution_arn(execution.execution_arn()).send().await;
    call.map_err(|error| failed("states:DescribeExecution", &what, &error))
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
