//! The history of an execution, as Step Functions records it, reduced to the few kinds of event that are shown.
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

#[derive(Debug, Clone, PartialEq)]
pub struct RunEvent {
    /// Its number in the history, from 1.
    pub id: i64,
    pub at: Timestamp,
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// The execution started.
    Started,
    /// A state was entered: its name and kind.
    Entered(String, StateKind),
    /// An attempt of the current state's task began.
    Scheduled,
    /// The task succeeded, with its output where the history records it.
    Succeeded(Option<String>),
    /// One attempt of the current state failed.
    Failed(ExecutionFailure),
    /// The current state was left.
    Exited,
    /// The execution ended.
    Ended,
    /// An event that is not shown.
    Other,
}

/// The kinds of state that are shown differently; `Pass` stands for every other kind, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    Task,
    Wait,
    Fail,
    Choice,
    Pass,
}

/// The error of a state or an execution, as Retry and Catch see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionFailure {
    /// The error's name, such as `NoBars` or `States.Timeout`.
    pub error: String,
    /// The error's message.
    pub cause: String,
}

impl ExecutionFailure {
    /// Takes the message out of the JSON in which Lambda wraps a function's error; other causes stay as they are.
    pub fn new(error: Option<&str>, cause: Option<&str>) -> Self {
        let cause = cause.unwrap_or_default();
        let message = serde_json::from_str::<Value>(cause)
            .ok()
            .and_then(|json| Some(json.get("errorMessage")?.as_str()?.to_owned()));
        Self { error: error.unwrap_or("unnamed error").to_owned(), cause: message.unwrap_or_else(|| cause.to_owned()) }
    }
}

impl From<&HistoryEvent> for RunEvent {
    fn from(event: &HistoryEvent) -> Self {
        let at = event.timestamp().to_millis().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Self { id: event.id(), at: at.unwrap_or_default(), kind: kind(event) }
    }
}

fn kind(event: &HistoryEvent) -> EventKind {
    match event.r#type() {
        Type::ExecutionStarted => EventKind::Started,
        Type::TaskStateEntered => entered(event, StateKind::Task),
        Type::WaitStateEntered => entered(event, StateKind::Wait),
        Type::ChoiceStateEntered => entered(event, StateKind::Choice),
        Type::FailStateEntered => entered(event, StateKind::Fail),
        Type::TaskScheduled => EventKind::Scheduled,
        Type::TaskSucceeded => {
            EventKind::Succeeded(event.task_succeeded_event_details().and_then(|d| d.output()).map(str::to_owned))
        }
        Type::ExecutionSucceeded | Type::ExecutionFailed | Type::ExecutionTimedOut | Type::ExecutionAborted => {
            EventKind::Ended
        }
        _ if event.state_entered_event_details().is_some() => entered(event, StateKind::Pass),
        _ if event.state_exited_event_details().is_some() => EventKind::Exited,
        _ => failure(event).map_or(EventKind::Other, EventKind::Failed),
    }
}

fn entered(event: &HistoryEvent, kind: StateKind) -> EventKind {
    event.state_entered_event_details().map_or(EventKind::Other, |d| EventKind::Entered(d.name().to_owned(), kind))
}

/// The failure of one attempt, whichever type of event records it.
fn failure(event: &HistoryEvent) -> Option<ExecutionFailure> {
    let (error, cause) = None
        .or_else(|| event.task_failed_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.task_timed_out_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.task_start_failed_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.task_submit_failed_event_details().map(|d| (d.error(), d.cause())))
        .or_else(|| event.evaluation_failed_event_details().map(|d| (d.error(), d.cause())))?;
    Some(ExecutionFailure::new(error, cause))
}

/// The events of `execution` after the one with the id `last`, oldest first.
///
/// The API has no "since": the history is read from its newest event backwards until a known one.
///
/// # Errors
/// When Step Functions does not answer.
pub async fn since(client: &Client, execution: &str, last: i64) -> anyhow::Result<Vec<RunEvent>> {
    let request = client.get_execution_history().execution_arn(execution).reverse_order(true);
    let mut pages = request.max_results(100).into_paginator().send();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| describe("states:GetExecutionHistory", &error))?;
        let fresh: Vec<RunEvent> = page.events().iter().filter(|event| event.id() > last).map(RunEvent::from).collect();
        let reached_known = fresh.len() < page.events().len();
        events.extend(fresh);
        if reached_known {
            break;
        }
    }
    events.reverse();
    Ok(events)
}

/// How long the Wait states last, in seconds, as far as the definition gives it: a number, or lists of numbers from which an
/// expression takes one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits(BTreeMap<String, Vec<Vec<f64>>>);

impl Waits {
    /// The length of a Wait that is always the same.
    pub fn fixed(&self, state: &str) -> Option<f64> {
        match self.0.get(state)?.as_slice() {
            [lengths] if lengths.len() == 1 => lengths.first().copied(),
            _ => None,
        }
    }

    /// The length of a Wait that is entered for the time `round`, from 0, where the expression takes the list of that index.
    pub fn nth(&self, state: &str, list: usize, round: usize) -> Option<f64> {
        self.0.get(state)?.get(list)?.get(round).copied()
    }

    /// The Wait states of a definition, their lengths multiplied by `scale`.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn of(definition: &str, scale: f64) -> anyhow::Result<Self> {
        let definition: Value =
            serde_json::from_str(definition).context("the state machine's definition is not JSON")?;
        let states = definition.get("States").and_then(Value::as_object);
        let lengths = states.into_iter().flatten().filter_map(|(name, state)| {
            let lengths = lengths(state.get("Seconds")?);
            let scaled = lengths.into_iter().map(|list| list.into_iter().map(|seconds| seconds * scale).collect());
            Some((name.clone(), scaled.collect()))
        });
        Ok(Self(lengths.collect()))
    }
}

/// The Wait states of the state machine that `execution` runs, their lengths multiplied by `scale`.
///
/// # Errors
/// When Step Functions does not answer, or with a definition that is not JSON.
pub async fn waits(client: &Client, execution: &str, scale: f64) -> anyhow::Result<Waits> {
    let request = client.describe_state_machine_for_execution().execution_arn(execution);
    let response = request.send().await.map_err(|e| describe("states:DescribeStateMachineForExecution", &e))?;
    Waits::of(response.definition(), scale)
}

/// A number, a JSONata expression that is nothing but a number, or the lists of numbers in one.
fn lengths(value: &Value) -> Vec<Vec<f64>> {
    if let Some(number) = value.as_f64() {
        return vec![vec![number]];
    }
    let expression = value.as_str().and_then(|text| text.strip_prefix("{%")?.strip_suffix("%}"));
    let Some(expression) = expression.map(str::trim) else { return vec![] };
    if let Ok(number) = expression.parse() {
        return vec![vec![number]];
    }
    let lists = expression.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    lists.filter_map(|(list, _)| list.split(',').map(|number| number.trim().parse().ok()).collect()).collect()
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
        let event = |r#type: Type| HistoryEvent::builder().timestamp(DateTime::from_millis(1_500)).id(7).r#type(r#type);
        let entered = |name: &str| StateEnteredEventDetails::builder().name(name).build();
        let failed = ExecutionFailure { error: "NoBars".into(), cause: "META: no trades".into() };
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
        let succeeded = TaskSucceededEventDetails::builder().resource_type("lambda").resource("invoke").output("{}");
        for (event, kind) in [
            (event(Type::ExecutionStarted), EventKind::Started),
            (
                event(Type::TaskStateEntered).state_entered_event_details(entered("Collect")?),
                EventKind::Entered("Collect".into(), StateKind::Task),
            ),
            (
                event(Type::ChoiceStateEntered).state_entered_event_details(entered("CollectionState")?),
                EventKind::Entered("CollectionState".into(), StateKind::Choice),
            ),
            (event(Type::TaskScheduled), EventKind::Scheduled),
            (event(Type::TaskStarted), EventKind::Other),
            (
                event(Type::TaskSucceeded).task_succeeded_event_details(succeeded.build()?),
                EventKind::Succeeded(Some("{}".into())),
            ),
            (
                event(Type::TaskFailed).task_failed_event_details(task("NoBars", lambda_cause)?),
                EventKind::Failed(failed.clone()),
            ),
            (
                event(Type::TaskFailed).task_failed_event_details(task("NoBars", "META: no trades")?),
                EventKind::Failed(failed.clone()),
            ),
            (
                event(Type::TaskTimedOut).task_timed_out_event_details(timed_out.error("States.Timeout").build()?),
                EventKind::Failed(ExecutionFailure { error: "States.Timeout".into(), cause: String::new() }),
            ),
            (
                event(Type::WaitStateExited)
                    .state_exited_event_details(StateExitedEventDetails::builder().name("Wait").build()?),
                EventKind::Exited,
            ),
            (event(Type::ExecutionAborted), EventKind::Ended),
        ] {
            let at = Timestamp::from_millisecond(1_500)?;
            assert_eq!(RunEvent::from(&event.build()?), RunEvent { id: 7, at, kind });
        }
        Ok(())
    }

    #[test]
    fn a_wait_is_known_when_the_definition_holds_its_numbers() -> Outcome {
        let definition = r#"{"States":{
            "Plain":{"Type":"Wait","Seconds":100},
            "Expression":{"Type":"Wait","Seconds":"{% 30 %}"},
            "Lists":{"Type":"Wait","Seconds":"{% ($a = 'b' ? [300, 900] : [60])[$rounds] %}"},
            "Computed":{"Type":"Wait","Seconds":"{% $seconds * 2 %}"},
            "Until":{"Type":"Wait","Timestamp":"{% $now() %}"},
            "Collect":{"Type":"Task"}}}"#;
        let waits = Waits::of(definition, 0.5)?;
        let fixed = ["Plain", "Expression", "Lists", "Computed", "Until", "Collect"].map(|state| waits.fixed(state));
        assert_eq!(fixed, [Some(50.0), Some(15.0), None, None, None, None]);
        let of_lists = [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)].map(|(list, round)| waits.nth("Lists", list, round));
        assert_eq!(of_lists, [Some(150.0), Some(450.0), None, Some(30.0), None]);
        assert!(Waits::of("not JSON", 1.0).is_err());
        Ok(())
    }
}
