//! Turns the events of an execution into lines, as they happen: which state is at work, how long each took, what
//! failed and was tried again, what was counted. It knows no clock and no terminal; times are those of the events.
//!
//! States that take no time (Choice, Pass, Succeed) get no line. A loop that polls (a Wait and a Task, in turns)
//! gets one: a finished Wait is held back until it is known whether it is entered again.

use jiff::Timestamp;

use super::summary;
use crate::aws::history::{Event, Failure, Kind, Waits, What};

/// A line to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// What is going on from now on.
    Now(String),
    /// The same, once more; of no interest where nothing moves.
    Again(String),
    /// What has come to pass.
    Told(String),
}

/// The story so far.
#[derive(Debug, Default)]
pub struct Timeline {
    waits: Waits,
    last: i64,
    begun: Option<Timestamp>,
    current: Option<Visit>,
    held: Vec<Past>,
    ended: bool,
    last_state: Option<String>,
    last_failure: Option<(String, String)>,
}

/// The Task or Wait that the execution is in.
#[derive(Debug)]
struct Visit {
    state: String,
    kind: Kind,
    entered: Timestamp,
    attempts: u32,
    failure: Option<Failure>,
    answer: Option<String>,
}

/// A Task or Wait that is over, or several that took turns.
#[derive(Debug)]
struct Past {
    states: Vec<(String, u32)>,
    kind: Kind,
    entered: Timestamp,
    left: Timestamp,
    came_of_it: String,
}

impl Timeline {
    /// A story in which a wait says how long it will be, where `waits` knows.
    pub fn new(waits: Waits) -> Self {
        Self { waits, ..Self::default() }
    }

    /// The id of the last event told, or 0.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Whether the execution has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The state that an execution with this error failed in: the one whose task failed so, otherwise the
    /// last one that worked or decided before the failure was handled.
    pub fn failed_in(&self, error: &str) -> Option<&str> {
        match &self.last_failure {
            Some((state, name)) if name == error => Some(state),
            _ => self.last_state.as_deref(),
        }
    }

    /// Goes on by one event.
    pub fn tell(&mut self, event: &Event) -> Vec<Line> {
        self.last = event.id;
        self.begun.get_or_insert(event.at);
        match &event.what {
            What::Entered(state, kind) => self.enter(state, *kind, event.at),
            What::Scheduled => self.attempt(),
            What::Succeeded(output) => self.succeed(output.as_deref()),
            What::Failed(failure) => self.fail(failure, event.at),
            What::Exited => self.exit(event.at),
            What::Ended => self.end(event.at),
            What::Started | What::Other => Vec::new(),
        }
    }

    fn enter(&mut self, state: &str, kind: Kind, at: Timestamp) -> Vec<Line> {
        self.exit(at);
        if matches!(kind, Kind::Task | Kind::Wait | Kind::Choice) && !handles_the_end(state) {
            self.last_state = Some(state.to_owned());
        }
        if !matches!(kind, Kind::Task | Kind::Wait) {
            return Vec::new();
        }
        let visit = Visit { state: state.to_owned(), kind, entered: at, attempts: 0, failure: None, answer: None };
        self.current = Some(visit);
        if let Some(start) = self.held.iter().position(|past| past.has(state)) {
            let mut lines = self.release(start);
            self.held = Past::joined(std::mem::take(&mut self.held)).into_iter().collect();
            let times = 1 + self.held.iter().map(|past| past.times(state)).sum::<u32>();
            lines.push(Line::Again(self.stamped(at, &format!("{state} ×{times}"))));
            return lines;
        }
        let after_a_wait = kind == Kind::Task && matches!(self.held.as_slice(), [past] if past.kind == Kind::Wait);
        let mut lines = if after_a_wait { Vec::new() } else { self.release(self.held.len()) };
        lines.push(Line::Now(self.stamped(at, &self.announced(state, kind))));
        lines
    }

    fn announced(&self, state: &str, kind: Kind) -> String {
        match self.waits.get(state) {
            Some(seconds) if kind == Kind::Wait => format!("{state}: waits {}", format_duration(*seconds)),
            _ => state.to_owned(),
        }
    }

    fn attempt(&mut self) -> Vec<Line> {
        if let Some(visit) = &mut self.current {
            visit.attempts += 1;
            visit.failure = None;
        }
        Vec::new()
    }

    fn succeed(&mut self, output: Option<&str>) -> Vec<Line> {
        if let Some(visit) = &mut self.current {
            visit.answer = output.and_then(summary::describe);
        }
        Vec::new()
    }

    fn fail(&mut self, failure: &Failure, at: Timestamp) -> Vec<Line> {
        let Some(visit) = &mut self.current else { return Vec::new() };
        visit.failure = Some(failure.clone());
        let said = format!("{} attempt {} failed: {}", visit.state, visit.attempts.max(1), in_a_line(failure));
        if !handles_the_end(&visit.state) {
            self.last_failure = Some((visit.state.clone(), failure.error.clone()));
        }
        let mut lines = self.release(self.held.len());
        lines.push(Line::Told(self.stamped(at, &said)));
        lines
    }

    fn exit(&mut self, at: Timestamp) -> Vec<Line> {
        if let Some(visit) = self.current.take() {
            match self.held.iter_mut().find(|past| past.has(&visit.state)) {
                Some(past) => past.add(visit, at),
                None => self.held.push(Past::of(visit, at)),
            }
        }
        Vec::new()
    }

    fn end(&mut self, at: Timestamp) -> Vec<Line> {
        self.ended = true;
        self.exit(at);
        self.release(self.held.len())
    }

    /// Tells the first `count` of what was held back.
    fn release(&mut self, count: usize) -> Vec<Line> {
        let told: Vec<_> = self.held.drain(..count).collect();
        told.iter().map(|past| Line::Told(self.stamped(past.left, &past.told()))).collect()
    }

    /// The line with the time since the execution began.
    fn stamped(&self, at: Timestamp, text: &str) -> String {
        format!("{:>7.1} s  {text}", self.begun.unwrap_or(at).duration_until(at).as_secs_f64())
    }
}

impl Past {
    fn of(visit: Visit, left: Timestamp) -> Self {
        let came_of_it = visit.came_of_it();
        Self { states: vec![(visit.state, 1)], kind: visit.kind, entered: visit.entered, left, came_of_it }
    }

    /// Several as one: from now on they take turns.
    fn joined(pasts: Vec<Self>) -> Option<Self> {
        pasts.into_iter().reduce(|mut loop_so_far, next| {
            loop_so_far.states.extend(next.states);
            Self { kind: Kind::Task, left: next.left, came_of_it: next.came_of_it, ..loop_so_far }
        })
    }

    fn has(&self, state: &str) -> bool {
        self.times(state) > 0
    }

    fn times(&self, state: &str) -> u32 {
        self.states.iter().find(|(name, _)| name == state).map_or(0, |(_, times)| *times)
    }

    fn add(&mut self, visit: Visit, left: Timestamp) {
        self.left = left;
        self.came_of_it = visit.came_of_it();
        if let Some((_, times)) = self.states.iter_mut().find(|(name, _)| *name == visit.state) {
            *times += 1;
        }
    }

    fn told(&self) -> String {
        let name =
            |(state, times): &(String, u32)| if *times == 1 { state.clone() } else { format!("{state} ×{times}") };
        let names: Vec<_> = self.states.iter().map(name).collect();
        let took = format_duration(self.entered.duration_until(self.left).as_secs_f64());
        format!("{} took {took}{}", names.join(", "), self.came_of_it)
    }
}

impl Visit {
    /// What follows the time it took: the answer, the retries it cost, the failure.
    fn came_of_it(&self) -> String {
        let attempts = if self.attempts > 1 { format!(", {} attempts", self.attempts) } else { String::new() };
        match (&self.failure, &self.answer) {
            (Some(failure), _) => format!("{attempts}, and failed with {}", failure.error),
            (None, Some(answer)) => format!("{attempts}: {answer}"),
            (None, None) => attempts,
        }
    }
}

/// Whether a state comes when the outcome is settled, so that nothing that happens in it decides the run.
fn handles_the_end(state: &str) -> bool {
    state.starts_with("Notify")
}

/// `0.4 s`, `1 min 40 s`: a length of time in seconds as a person says it.
pub fn format_duration(seconds: f64) -> String {
    let whole = seconds.round();
    if seconds < 59.95 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let (minutes, rest) = ((whole / 60.0).floor(), whole % 60.0);
    if rest == 0.0 { format!("{minutes} min") } else { format!("{minutes} min {rest} s") }
}

/// The failure on one line; the whole cause is told when the execution fails of it.
fn in_a_line(Failure { error, cause }: &Failure) -> String {
    const LONGEST: usize = 160;
    let first = cause.lines().next().unwrap_or_default();
    match first.char_indices().nth(LONGEST) {
        _ if first.is_empty() => error.clone(),
        Some((end, _)) => format!("{error}: {}…", first.get(..end).unwrap_or(first)),
        None => format!("{error}: {first}"),
    }
}

#[cfg(test)]
mod tests;
