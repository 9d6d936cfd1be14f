//! Turns the events of an execution into lines, as they happen: which state is running, how long each took, which
//! attempts failed, what was counted. It reads no clock and knows no terminal; times are those of the events.
//!
//! States that take no time (Choice, Pass, Succeed) get no line. A polling loop (a Wait and a Task, in turns)
//! gets one: a finished Wait is held back until it is known whether it is entered again.

use jiff::Timestamp;

use super::{format::format_duration, summary};
use crate::aws::history::{EventKind, ExecutionFailure, RunEvent, StateKind, Waits};

/// A line to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A state was entered.
    Started(String),
    /// A state of a polling loop was entered again.
    Updated(String),
    /// A state was left, or an attempt failed.
    Finished(String),
}

/// What the next lines depend on of the events so far.
#[derive(Debug, Default)]
pub struct Timeline {
    waits: Waits,
    last_event: i64,
    started_at: Option<Timestamp>,
    running: Option<RunningState>,
    /// Finished but not shown yet, oldest first.
    held_back: Vec<FinishedState>,
    ended: bool,
    last_state: Option<String>,
    /// The state of the last failed attempt, and the error's name.
    last_failure: Option<(String, String)>,
}

/// The Task or Wait that the execution is in.
#[derive(Debug)]
struct RunningState {
    name: String,
    kind: StateKind,
    entered: Timestamp,
    attempts: u32,
    /// Why the last attempt failed, until the next one begins.
    failure: Option<ExecutionFailure>,
    output: Option<String>,
}

/// A Task or Wait that is over, or the states of a polling loop.
#[derive(Debug)]
struct FinishedState {
    /// Each state, and how often it was entered.
    states: Vec<(String, u32)>,
    kind: StateKind,
    entered: Timestamp,
    left: Timestamp,
    result: String,
}

impl Timeline {
    /// An empty timeline; `waits` are the lengths to show for Wait states.
    pub fn new(waits: Waits) -> Self {
        Self { waits, ..Self::default() }
    }

    /// The id of the last event, or 0.
    pub fn last_event(&self) -> i64 {
        self.last_event
    }

    /// Whether the execution has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The state in which an execution failed with this error: the one whose task failed with it, otherwise the
    /// last Task, Wait or Choice before the failure was handled.
    pub fn failed_in(&self, error: &str) -> Option<&str> {
        match &self.last_failure {
            Some((state, name)) if name == error => Some(state),
            _ => self.last_state.as_deref(),
        }
    }

    /// Processes the next event; returns the lines to show for it.
    pub fn advance(&mut self, event: &RunEvent) -> Vec<Line> {
        self.last_event = event.id;
        self.started_at.get_or_insert(event.at);
        match &event.kind {
            EventKind::Entered(state, kind) => self.enter(state, *kind, event.at),
            EventKind::Scheduled => self.start_attempt(),
            EventKind::Succeeded(output) => self.succeed(output.as_deref()),
            EventKind::Failed(failure) => self.fail(failure, event.at),
            EventKind::Exited => self.exit(event.at),
            EventKind::Ended => self.end(event.at),
            EventKind::Started | EventKind::Other => Vec::new(),
        }
    }

    fn enter(&mut self, state: &str, kind: StateKind, at: Timestamp) -> Vec<Line> {
        self.exit(at);
        if matches!(kind, StateKind::Task | StateKind::Wait | StateKind::Choice) && !is_notification(state) {
            self.last_state = Some(state.to_owned());
        }
        if !matches!(kind, StateKind::Task | StateKind::Wait) {
            return Vec::new();
        }
        let name = state.to_owned();
        self.running = Some(RunningState { name, kind, entered: at, attempts: 0, failure: None, output: None });
        if let Some(start) = self.held_back.iter().position(|finished| finished.includes(state)) {
            let mut lines = self.release(start);
            self.held_back = FinishedState::merged(std::mem::take(&mut self.held_back)).into_iter().collect();
            let times = 1 + self.held_back.iter().map(|finished| finished.times(state)).sum::<u32>();
            lines.push(Line::Updated(self.stamped(at, &format!("{state} ×{times}"))));
            return lines;
        }
        let after_a_wait =
            kind == StateKind::Task && matches!(self.held_back.as_slice(), [one] if one.kind == StateKind::Wait);
        let mut lines = if after_a_wait { Vec::new() } else { self.release(self.held_back.len()) };
        lines.push(Line::Started(self.stamped(at, &self.announcement(state, kind))));
        lines
    }

    fn announcement(&self, state: &str, kind: StateKind) -> String {
        match self.waits.fixed(state) {
            Some(seconds) if kind == StateKind::Wait => format!("{state}: waits {}", format_duration(seconds)),
            _ => state.to_owned(),
        }
    }

    fn start_attempt(&mut self) -> Vec<Line> {
        if let Some(running) = &mut self.running {
            running.attempts += 1;
            running.failure = None;
        }
        Vec::new()
    }

    fn succeed(&mut self, output: Option<&str>) -> Vec<Line> {
        if let Some(running) = &mut self.running {
            running.output = output.and_then(summary::describe);
        }
        Vec::new()
    }

    fn fail(&mut self, failure: &ExecutionFailure, at: Timestamp) -> Vec<Line> {
        let Some(running) = &mut self.running else { return Vec::new() };
        running.failure = Some(failure.clone());
        let text = format!("{} attempt {} failed: {}", running.name, running.attempts.max(1), summarize(failure));
        if !is_notification(&running.name) {
            self.last_failure = Some((running.name.clone(), failure.error.clone()));
        }
        let mut lines = self.release(self.held_back.len());
        lines.push(Line::Finished(self.stamped(at, &text)));
        lines
    }

    fn exit(&mut self, at: Timestamp) -> Vec<Line> {
        if let Some(running) = self.running.take() {
            match self.held_back.iter_mut().find(|finished| finished.includes(&running.name)) {
                Some(finished) => finished.add(running, at),
                None => self.held_back.push(FinishedState::new(running, at)),
            }
        }
        Vec::new()
    }

    fn end(&mut self, at: Timestamp) -> Vec<Line> {
        self.ended = true;
        self.exit(at);
        self.release(self.held_back.len())
    }

    /// The lines of the first `count` states that were held back.
    fn release(&mut self, count: usize) -> Vec<Line> {
        let released: Vec<_> = self.held_back.drain(..count).collect();
        released.iter().map(|state| Line::Finished(self.stamped(state.left, &state.summary()))).collect()
    }

    /// The line, with the time since the execution started.
    fn stamped(&self, at: Timestamp, text: &str) -> String {
        format!("{:>7.1} s  {text}", self.started_at.unwrap_or(at).duration_until(at).as_secs_f64())
    }
}

impl FinishedState {
    fn new(state: RunningState, left: Timestamp) -> Self {
        let result = state.result();
        Self { states: vec![(state.name, 1)], kind: state.kind, entered: state.entered, left, result }
    }

    /// Several states as one polling loop.
    fn merged(states: Vec<Self>) -> Option<Self> {
        states.into_iter().reduce(|mut loop_so_far, next| {
            loop_so_far.states.extend(next.states);
            Self { kind: StateKind::Task, left: next.left, result: next.result, ..loop_so_far }
        })
    }

    fn includes(&self, state: &str) -> bool {
        self.times(state) > 0
    }

    fn times(&self, state: &str) -> u32 {
        self.states.iter().find(|(name, _)| name == state).map_or(0, |(_, times)| *times)
    }

    fn add(&mut self, state: RunningState, left: Timestamp) {
        self.left = left;
        self.result = state.result();
        if let Some((_, times)) = self.states.iter_mut().find(|(name, _)| *name == state.name) {
            *times += 1;
        }
    }

    fn summary(&self) -> String {
        let name =
            |(state, times): &(String, u32)| if *times == 1 { state.clone() } else { format!("{state} ×{times}") };
        let names: Vec<_> = self.states.iter().map(name).collect();
        let took = format_duration(self.entered.duration_until(self.left).as_secs_f64());
        format!("{} took {took}{}", names.join(", "), self.result)
    }
}

impl RunningState {
    /// What its line says behind the time it took: the number of attempts, and the output or the failure.
    fn result(&self) -> String {
        let attempts = if self.attempts > 1 { format!(", {} attempts", self.attempts) } else { String::new() };
        match (&self.failure, &self.output) {
            (Some(failure), _) => format!("{attempts}, and failed with {}", failure.error),
            (None, Some(output)) => format!("{attempts}: {output}"),
            (None, None) => attempts,
        }
    }
}

/// Whether a state only reports an outcome that is settled already, so that its own failure does not decide the run.
pub fn is_notification(state: &str) -> bool {
    state.starts_with("Notify")
}

/// The failure in one line. The whole cause is shown when the execution fails with it.
pub fn summarize(ExecutionFailure { error, cause }: &ExecutionFailure) -> String {
    const MAX_CHARS: usize = 160;
    let first = cause.lines().next().unwrap_or_default();
    match first.char_indices().nth(MAX_CHARS) {
        _ if first.is_empty() => error.clone(),
        Some((end, _)) => format!("{error}: {}…", first.get(..end).unwrap_or(first)),
        None => format!("{error}: {first}"),
    }
}

#[cfg(test)]
pub mod tests;
