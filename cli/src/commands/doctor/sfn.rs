//! The state machines, and the last run.

use aws_sdk_sfn::types::ExecutionStatus;
use jiff::Timestamp;

use super::{
    age::{age, timestamp},
    deployment::Deployment,
    outcome::{Outcome, failed, wrong},
};
use crate::output::hints;

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
    let error = found.error().unwrap_or(last.status().as_str());
    Err(wrong(
        format!("{name} began {begun} and is {} with {error}", last.status()),
        format!("{}; for its cause: cargo finstream follow {name}", hints::hint(error)),
    ))
}

fn last_part(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
