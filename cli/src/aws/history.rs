//! What Step Functions has recorded of an execution, read into the few kinds of event that a person cares about.
//!
//! Only what every implementation records is used: an event's own type, time and details. `previousEventId`
//! and the `…Started` events are absent on the local cloud.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_sdk_sfn::{
    Client,
    types::{HistoryEvent, HistoryEventType as Type},
};
use jiff::Timestamp;
use serde_json::Value;

use super::sdk_error::describe;

/// One event of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in the history, from 1.
    pub id: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The execution began.
    Started,
    /// A state was entered.
    Entered(String, Kind),
    /// The task of the current state was handed to its service, for the first time or again.
    Scheduled,
    /// The task answered, where its answer is recorded.
    Succeeded(Option<String>),
    /// One attempt of the current state failed.
    Failed(Failure),
    /// The current state was left.
    Exited,
    /// The execution ended.
    Ended,
    /// Something that nothing here depends on.
    Other,
}

/// The kinds of state that differ in what is shown of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls a service.
    Task,
    /// Lets time pass.
    Wait,
    /// Ends the execution as failed.
    Fail,
    /// Decides where to go on.
    Choice,
    /// Rearranges what is passed on.
    Pass,
}

/// A name and a cause, as Retry and Catch see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error's name.
    pub error: String,
    /// What happened.
    pub cause: String,
}

impl Failure {
    /// Takes the message out of the JSON that Lambda makes of a function's error; other causes stay as they are.
    pub fn new(error: Option<&str>, cause: Option<&str>) -> Self {
        let cause = cause.unwrap_or_default();
        let message = serde_json::from_str::<Value>(cause)
            .ok()
            .and_then(|json| Some(json.get("errorMessage")?.as_str()?.to_owned()));
        Self { error: error.unwrap_or("unnamed error").to_owned(), cause: message.unwrap_or_else(|| cause.to_owned()) }
    }
}

impl From<&HistoryEvent> for Event {
    fn from(event: &HistoryEvent) -> Self {
        let at = event.timestamp().to_millis().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Self { id: event.id(), at: at.unwrap_or_default(), what: what(event) }
    }
}

fn what(event: &HistoryEvent) -> What {
    match event.r#type() {
        Type::ExecutionStarted => What::Started,
        Type::TaskStateEntered => entered(event, Kind::Task),
        Type::WaitStateEntered => entered(event, Kind::Wait),
        Type::ChoiceStateEntered => entered(event, Kind::Choice),
        Type::FailStateEntered => entered(event, Kind::Fail),
        Type::TaskScheduled => What::Scheduled,
        Type::TaskSucceeded => {
            What::Succeeded(event.task_succeeded_event_details().and_then(|d| d.output()).map(str::to_owned))
        }
        Type::ExecutionSucceeded | Type::ExecutionFailed | Type::ExecutionTimedOut | Type::ExecutionAborted => {
            What::Ended
        }
        _ if event.state_entered_event_details().is_some() => entered(event, Kind::Pass),
        _ if event.state_exited_event_details().is_some() => What::Exited,
        _ => failure(event).map_or(What::Other, What::Failed),
    }
}

fn entered(event: &HistoryEvent, kind: Kind) -> What {
    event.state_entered_event_details().map_or(What::Other, |d| What::Entered(d.name().to_owned(), kind))
}

/// The failure of one attempt, whichever way it failed.
fn failure(event: &HistoryEvent) -> Option<Failure> {
    let (error, cause) = None
        .or_else(|| event.task_failed_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.task_timed_out_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.task_start_failed_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.task_submit_failed_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.evaluation_failed_event_details().map(|d| (d.error(), d.cause())))?;
    Some(Failure::new(error, cause))
}

/// The events of `execution` after the one with the id `last`, oldest first.
///
/// A history has no "since": it is read from its newest event backwards until a known one.
///
/// # Errors
/// When Step Functions does not answer.
pub async fn since(client: &Client, execution: &str, last: i64) -> anyhow::Result<Vec<Event>> {
    let request = client.get_execution_history().execution_arn(execution).reverse_order(true);
    let mut pages = request.max_results(100).into_paginator().send();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| describe("states:GetExecutionHistory", &error))?;
        let fresh: Vec<Event> = page.events().iter().filter(|event| event.id() > last).map(Event::from).collect();
        let reached_known = fresh.len() < page.events().len();
        events.extend(fresh);
        if reached_known {
            break;
        }
    }
    events.reverse();
    Ok(events)
}

/// How long each wait of a state machine lasts, in seconds, where its definition says so in a number.
pub type Waits = BTreeMap<String, f64>;

/// The waits of the state machine that `execution` runs, each times `scale`.
///
/// # Errors
/// When Step Functions does not answer, or with a definition that is not JSON.
pub async fn waits(client: &Client, execution: &str, scale: f64) -> anyhow::Result<Waits> {
    let request = client.describe_state_machine_for_execution().execution_arn(execution);
    let answer = request.send().await.map_err(|e| describe("states:DescribeStateMachineForExecution", &e))?;
    waits_in(answer.definition(), scale)
}

fn waits_in(definition: &str, scale: f64) -> anyhow::Result<Waits> {
    let definition: Value = serde_json::from_str(definition).context("the state machine's definition is not JSON")?;
    let states = definition.get("States").and_then(Value::as_object);
    let seconds = states.into_iter().flatten().filter_map(|(name, state)| Some((name, number(state.get("Seconds")?)?)));
    Ok(seconds.map(|(name, seconds)| (name.clone(), seconds * scale)).collect())
}

/// A number, or a JSONata expression that is nothing but a number.
fn number(value: &Value) -> Option<f64> {
    let expression = |text: &str| text.strip_prefix("{%")?.strip_suffix("%}")?.trim().parse().ok();
    value.as_f64().or_else(|| expression(value.as_str()?))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::types::{
        StateEnteredEventDetails, StateExitedEventDetails, TaskFailedEventDetails, TaskSucceededEventDetails,
        TaskTimedOutEventDetails,
    };
    use aws_smithy_types::DateTime;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn events_are_read_by_their_type_and_details() -> Outcome {
        let event = |kind: Type| HistoryEvent::builder().timestamp(DateTime::from_millis(1_500)).id(7).r#type(kind);
        let entered = |name: &str| StateEnteredEventDetails::builder().name(name).build();
        let failed = Failure { error: "NoBars".into(), cause: "META: no trades".into() };
        let lambda_cause = r#"{"errorType":"NoBars","errorMessage":"META: no trades"}"#;
        let task = |error: &str, cause: &str| {
            TaskFailedEventDetails::builder()
                .resource_type("lambda")
                .resource("invoke")
                .error(error)
                .cause(cause)
                .build()
        };
        let timed_out = TaskTimedOutEventDetails::builder().resource_type("lambda").resource("invoke");
        let answer = TaskSucceededEventDetails::builder().resource_type("lambda").resource("invoke").output("{}");
        for (event, what) in [
            (event(Type::ExecutionStarted), What::Started),
            (
                event(Type::TaskStateEntered).state_entered_event_details(entered("Collect")?),
                What::Entered("Collect".into(), Kind::Task),
            ),
            (
                event(Type::ChoiceStateEntered).state_entered_event_details(entered("CollectionState")?),
                What::Entered("CollectionState".into(), Kind::Choice),
            ),
            (event(Type::TaskScheduled), What::Scheduled),
            (event(Type::TaskStarted), What::Other),
            (
                event(Type::TaskSucceeded).task_succeeded_event_details(answer.build()?),
                What::Succeeded(Some("{}".into())),
            ),
            (
                event(Type::TaskFailed).task_failed_event_details(task("NoBars", lambda_cause)?),
                What::Failed(failed.clone()),
            ),
            (
                event(Type::TaskFailed).task_failed_event_details(task("NoBars", "META: no trades")?),
                What::Failed(failed.clone()),
            ),
            (
                event(Type::TaskTimedOut).task_timed_out_event_details(timed_out.error("States.Timeout").build()?),
                What::Failed(Failure { error: "States.Timeout".into(), cause: String::new() }),
            ),
            (
                event(Type::WaitStateExited)
                    .state_exited_event_details(StateExitedEventDetails::builder().name("Wait").build()?),
                What::Exited,
            ),
            (event(Type::ExecutionAborted), What::Ended),
        ] {
            let at = Timestamp::from_millisecond(1_500)?;
            assert_eq!(Event::from(&event.build()?), Event { id: 7, at, what });
        }
        Ok(())
    }

    #[test]
    fn a_wait_is_known_when_the_definition_holds_its_number() -> Outcome {
        let definition = r#"{"States":{
            "Plain":{"Type":"Wait","Seconds":100},
            "Expression":{"Type":"Wait","Seconds":"{% 30 %}"},
            "Computed":{"Type":"Wait","Seconds":"{% $seconds * 2 %}"},
            "Until":{"Type":"Wait","Timestamp":"{% $now() %}"},
            "Collect":{"Type":"Task"}}}"#;
        let expected = [("Plain".to_owned(), 50.0), ("Expression".to_owned(), 15.0)];
        assert_eq!(waits_in(definition, 0.5)?, expected.into_iter().collect());
        assert!(waits_in("not JSON", 1.0).is_err());
        Ok(())
    }
}
