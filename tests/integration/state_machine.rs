//! The definitions of the state machines: what every state must have, and what no path may do.

mod history; // the most events of an execution

use std::{collections::BTreeSet, fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::find_strings;
use serde_json::{Map, Value, json};
use shared::ErrorName;

use crate::{Context, trials};

trials![
    the_state_machines_are_valid_amazon_states_language,
    every_state_can_be_reached_and_every_target_exists,
    every_matched_error_name_can_occur,
    every_task_has_a_timeout_a_retry_and_a_catch_all,
    transient_errors_are_retried_and_permanent_ones_are_not,
    every_wait_is_bounded_and_every_loop_has_a_counter,
    every_failure_is_reported_and_ends_the_execution_with_its_name,
    every_invocation_retries_all_transient_errors_of_lambda,
    no_execution_comes_near_the_limit_of_events,
    no_execution_fails_with_a_reserved_name,
    no_partition_is_written_out,
];

const MACHINES: [&str; 3] = ["pipeline", "watch", "live"];

/// Those that collect, and describe how they fail; the failure of the watch is its alert.
const COLLECTING: [&str; 2] = ["pipeline", "live"];

/// Errors for which a retry is futile.
const PERMANENT: [ErrorName; 8] = [
    ErrorName::InvalidInput,
    ErrorName::AccessDenied,
    ErrorName::ServiceRefused,
    ErrorName::SessionNotOver,
    ErrorName::InvalidList,
    ErrorName::SourceUnauthorized,
    ErrorName::NoBars,
    ErrorName::InvalidResult,
];

/// The error names of AWS itself:
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>,
/// <https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception>,
/// and for a service integration `Service.ExceptionName`, with the exceptions of the service's API reference and of the
/// SDK that makes the call.
const AWS_ERRORS: [&str; 22] = [
    "States.ALL",
    "States.Timeout",
    "States.TaskFailed",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "Glue.AlreadyExistsException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.SdkClientException",
    "Glue.GlueException",
    "Athena.InternalServerException",
    "Athena.TooManyRequestsException",
    "Athena.SdkClientException",
    "Athena.AthenaException",
    "Sfn.SdkClientException",
    "Sfn.SfnException",
];

/// cfn-lint checks Amazon States Language only in this type of resource, which the template does not use.
async fn the_state_machines_are_valid_amazon_states_language(context: Arc<Context>) -> Result<()> {
    let lint = async |definition: &Value| {
        let machine = json!({"Type": "AWS::StepFunctions::StateMachine", "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/pipeline", "Definition": definition}});
        let file = tempfile::Builder::new().suffix(".json").tempfile()?;
        // As CloudFormation substitutes it: cfn-lint knows one partition.
        let template = json!({"Resources": {"Pipeline": machine}}).to_string().replace("${Partition}", "aws");
        fs::write(file.path(), template)?;
        context.tools.tool("cfn-lint", &[&file.path().to_string_lossy()]).await
    };
    for name in MACHINES {
        let run = lint(&definition(&context, name)?).await?;
        ensure!(run.code == 0, "cfn-lint on {name}: {}", run.text);
    }
    // The check finds what is invalid.
    let mut broken = definition(&context, "pipeline")?;
    broken["States"]["Collect"]["Parameters"] = json!({});
    let run = lint(&broken).await?;
    ensure!(run.code != 0 && run.text.contains("E3601"), "a JSONPath field was not found: {}", run.text);
    Ok(())
}

async fn every_state_can_be_reached_and_every_target_exists(context: Arc<Context>) -> Result<()> {
    for machine in MACHINES {
        let definition = definition(&context, machine)?;
        let states = definition["States"].as_object().context("no states")?;
        let mut targets = vec![definition["StartAt"].as_str().unwrap_or_default().to_owned()];
        for state in states.values() {
            targets.extend(["Next", "Default"].iter().flat_map(|key| find_strings(state, key)));
        }
        let (targets, names): (BTreeSet<_>, BTreeSet<_>) =
            (targets.into_iter().collect(), states.keys().cloned().collect());
        let differ = targets.symmetric_difference(&names);
        ensure!(targets == names, "{machine}: targets that are not states, or states that are not targets: {differ:?}");
    }
    Ok(())
}

async fn every_matched_error_name_can_occur(context: Arc<Context>) -> Result<()> {
    let ours: BTreeSet<_> = ErrorName::ALL.iter().map(ToString::to_string).collect();
    for (state, task) in collecting_tasks(&context)? {
        for name in find_strings(&task, "ErrorEquals") {
            ensure!(
                ours.contains(&name) || AWS_ERRORS.contains(&&*name),
                "{state} matches {name}, which nothing fails with"
            );
        }
    }
    Ok(())
}

async fn every_task_has_a_timeout_a_retry_and_a_catch_all(context: Arc<Context>) -> Result<()> {
    for machine in COLLECTING {
        ensure!(definition(&context, machine)?["TimeoutSeconds"].as_u64().is_some_and(|seconds| seconds <= 86_400));
    }
    let tasks = collecting_tasks(&context)?;
    ensure!(tasks.len() == 9 + 4, "{} tasks", tasks.len());
    for (state, task) in tasks {
        ensure!(task["TimeoutSeconds"].is_u64(), "{state} has no timeout");
        let retries = task["Retry"].as_array().with_context(|| format!("{state} has no Retry"))?;
        for retry in retries {
            ensure!(retry["MaxAttempts"].as_u64().is_some_and(|times| (1..=5).contains(&times)), "{state}: {retry}");
            ensure!(retry["IntervalSeconds"].is_u64() && retry["BackoffRate"].is_number(), "{state}: {retry}");
        }
        ensure!(
            find_strings(&task["Retry"], "ErrorEquals")
                .iter()
                .any(|name| name == "States.Timeout" || name == "States.TaskFailed")
        );
        let last = task["Catch"].as_array().and_then(|catches| catches.last());
        ensure!(
            last.is_some_and(|last| last["ErrorEquals"] == json!(["States.ALL"])),
            "{state} does not catch every error"
        );
    }
    Ok(())
}

async fn transient_errors_are_retried_and_permanent_ones_are_not(context: Arc<Context>) -> Result<()> {
    let permanent: BTreeSet<_> = PERMANENT.iter().map(ToString::to_string).collect();
    let mut retried = BTreeSet::new();
    for (state, task) in collecting_tasks(&context)? {
        for name in find_strings(&task["Retry"], "ErrorEquals") {
            ensure!(!permanent.contains(&name) && name != "States.ALL", "{state} retries after {name}");
            retried.insert(name);
        }
    }
    // Every other error is retried somewhere; a market that blocks or is down is waited for by states of its own.
    for name in ErrorName::ALL.iter().map(ToString::to_string).filter(|name| !permanent.contains(name)) {
        let is_waited_for = ["MarketBlocked", "MarketUnavailable"].contains(&&*name);
        ensure!(retried.contains(&name) != is_waited_for, "{name}: retried or waited for, one of the two");
    }
    Ok(())
}

/// Without the choices whose conditions have a counter no path leads back to its start.
async fn every_wait_is_bounded_and_every_loop_has_a_counter(context: Arc<Context>) -> Result<()> {
    for machine in COLLECTING {
        let definition = definition(&context, machine)?;
        has_bounded_waits_and_loops(definition["States"].as_object().context("no states")?)?;
    }
    Ok(())
}

fn has_bounded_waits_and_loops(states: &Map<String, Value>) -> Result<()> {
    for (name, state) in states.iter().filter(|(_, state)| state["Type"] == "Wait") {
        let bounded = match &state["Seconds"] {
            Value::Number(seconds) => seconds.as_u64().is_some_and(|seconds| seconds <= 3600),
            // A list of waits, or what follows from a parameter of the template.
            Value::String(text) => {
                let bounds = [
                    "[300, 900, 1800, 3600] : [60, 300, 900, 1800]",
                    "[60, 120, 240, 480]",
                    "1.5 * ${BufferSeconds}",
                    // SessionWaitHours at its most, and some minutes for the last bars.
                    "$min([30000, ",
                ];
                bounds.iter().any(|bounded| text.contains(bounded))
            }
            _ => false,
        };
        ensure!(bounded, "{name} waits {}", state["Seconds"]);
    }
    let transitions = history::transitions(states);
    let unguarded: Vec<_> = transitions.iter().filter(|transition| transition.guard.is_none()).collect();
    for name in states.keys() {
        ensure!(!history::is_in_loop(&unguarded, name), "{name} is in a loop without a counter");
    }
    Ok(())
}

async fn no_execution_comes_near_the_limit_of_events(context: Arc<Context>) -> Result<()> {
    for machine in MACHINES {
        let definition = definition(&context, machine)?;
        let states = definition["States"].as_object().context("no states")?;
        let (events, visits) = history::most_events(states);
        println!("{machine}: at most {events} events");
        ensure!(events < 20_000, "{machine} can have {events} events: {visits:#?}");
    }
    Ok(())
}

/// AWS's own list of what a call of Lambda may transiently fail with, whole, wherever Lambda is invoked.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception>
async fn every_invocation_retries_all_transient_errors_of_lambda(context: Arc<Context>) -> Result<()> {
    const TRANSIENT: [&str; 5] = [
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ];
    for (state, task) in collecting_tasks(&context)? {
        if task["Resource"].as_str().is_some_and(|resource| resource.ends_with(":lambda:invoke")) {
            let retried = find_strings(&task["Retry"], "ErrorEquals");
            let missing: Vec<_> = TRANSIENT.iter().filter(|name| !retried.iter().any(|it| it == *name)).collect();
            ensure!(missing.is_empty(), "{state} does not retry after {missing:?}");
        }
    }
    Ok(())
}

/// Names that begin with `States.` are reserved, and a Fail state may not have one.
/// <https://states-language.net/spec.html#error-names>
async fn no_execution_fails_with_a_reserved_name(context: Arc<Context>) -> Result<()> {
    for machine in COLLECTING {
        let definition = definition(&context, machine)?;
        let states = definition["States"].as_object().context("no states")?;
        for (name, state) in states {
            let error = state["Assign"]["failure"]["Error"].as_str().unwrap_or_default();
            ensure!(!error.starts_with("States."), "{machine}: {name} fails with {error}");
        }
        let described = states["DescribeFailure"]["Assign"]["failure"]["Error"].as_str().unwrap_or_default();
        ensure!(described.contains("'TimedOut'") && described.contains("'StateMachineError'"), "{described}");
    }
    Ok(())
}

/// GovCloud and China have partitions of their own.
async fn no_partition_is_written_out(context: Arc<Context>) -> Result<()> {
    let machines = MACHINES.map(|machine| format!("statemachine/{machine}.asl.json"));
    for file in machines.iter().map(String::as_str).chain(["template.yaml"]) {
        let text = fs::read_to_string(context.tools.root.join(file))?;
        ensure!(!text.contains("arn:aws:"), "{file} has an ARN of the partition aws");
    }
    Ok(())
}

/// Every transition that assigns a failure leads, directly or by Choice states, to the state that describes it, and
/// from there to Failed, of the pipeline by the notification. A tick that fails is the matter of an alarm.
async fn every_failure_is_reported_and_ends_the_execution_with_its_name(context: Arc<Context>) -> Result<()> {
    let pipeline = definition(&context, "pipeline")?;
    ensure!(describes_failures(&pipeline["States"])? >= 12);
    ensure!(find_strings(&pipeline["States"]["DescribeFailure"], "Next") == ["NotifyFailed"]);
    ensure!(find_strings(&pipeline["States"]["NotifyFailed"], "Next") == ["Failed", "Failed"]);
    let live = definition(&context, "live")?;
    ensure!(describes_failures(&live["States"])? == 7);
    ensure!(find_strings(&live["States"]["DescribeFailure"], "Next") == ["Failed"]);
    Ok(())
}

/// The number of the transitions that assign a failure.
fn describes_failures(states: &Value) -> Result<usize> {
    let states = states.as_object().context("no states")?;
    let mut failures = 0;
    for (name, state) in states {
        let catches = state["Catch"].as_array().into_iter().flatten().chain([state]);
        for transition in
            catches.filter(|transition| !transition["Assign"]["failure"].is_null() && name != "DescribeFailure")
        {
            failures += 1;
            let next = transition["Next"].as_str().unwrap_or_default();
            ensure!(leads_to_description(states, next), "the failure of {name} is not reported: it leads to {next}");
        }
    }
    let failed = json!({"Type": "Fail", "Error": "{% $failure.Error %}", "Cause": "{% $failure.Cause %}"});
    ensure!(states["Failed"] == failed, "{}", states["Failed"]);
    Ok(failures)
}

fn leads_to_description(states: &Map<String, Value>, next: &str) -> bool {
    let state = &states[next];
    next == "DescribeFailure"
        || (state["Type"] == "Choice"
            && state["Default"].as_str().is_some_and(|next| leads_to_description(states, next)))
}

fn definition(context: &Context, machine: &str) -> Result<Value> {
    let path = context.tools.root.join(format!("statemachine/{machine}.asl.json"));
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

/// The Task states of the machines that collect, with their names.
fn collecting_tasks(context: &Context) -> Result<Vec<(String, Value)>> {
    let definitions = COLLECTING.into_iter().map(|machine| definition(context, machine)).collect::<Result<Vec<_>>>()?;
    Ok(definitions.iter().flat_map(tasks).collect())
}

/// The Task states, with their names.
fn tasks(definition: &Value) -> Vec<(String, Value)> {
    let states = definition["States"].as_object().into_iter().flatten();
    states.filter(|(_, state)| state["Type"] == "Task").map(|(name, state)| (name.clone(), state.clone())).collect()
}
