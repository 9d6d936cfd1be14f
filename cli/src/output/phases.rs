//! Turns the events of an execution into what a run is doing, in a user's words: collecting, waiting and for what, querying.
//! Several states may be one phase. [`super::timeline`] shows the states themselves, with `--verbose`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shared::{
    ErrorName,
    format::{clock, thousands},
    payload::{CollectOutcome, Collection, Export},
    trading_calendar::NEW_YORK,
};

use super::{
    format::pluralize,
    summary::TaskResult,
    timeline::{Line, is_notification, summarize},
};
use crate::aws::history::{EventKind, ExecutionFailure, RunEvent, Waits};

/// What a run is doing, as far as its events say.
#[derive(Debug, Default)]
pub struct Phases {
    waits: Waits,
    /// How many companies the run is over, where that is known.
    companies: Option<usize>,
    started_at: Option<Timestamp>,
    /// The state that was entered last.
    state: String,
    /// How often each state was entered.
    entered: BTreeMap<String, usize>,
    /// The number of attempts of the current state's task.
    attempts: u32,
    /// What has been collected so far.
    collection: Option<Collection>,
    /// Whether the market blocks this client, rather than being down.
    is_blocked: bool,
    /// The number of bars that the last query saw, when it did not see all.
    bars_seen: Option<usize>,
    current: Option<Phase>,
}

/// What a run does for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Phase {
    text: String,
    /// When it ends, where it is a wait of a length that is known.
    until: Option<Timestamp>,
}

impl Phases {
    /// Of a run over as many `companies`, where that is known, whose Wait states are `waits`.
    pub fn new(waits: Waits, companies: Option<usize>) -> Self {
        Self { waits, companies, ..Self::default() }
    }

    /// What the run is doing at `now`, with what is left of a wait: `waiting for late bars 4:12`. None before it does anything.
    pub fn describe(&self, now: Timestamp) -> Option<String> {
        self.current.as_ref().map(|phase| phase.describe(now))
    }

    /// The same with the time since the run began before it.
    pub fn line(&self, now: Timestamp) -> Option<String> {
        self.describe(now).map(|text| self.stamped(now, &text))
    }

    /// Processes the next event; returns the lines to show for it.
    pub fn advance(&mut self, event: &RunEvent) -> Vec<Line> {
        self.started_at.get_or_insert(event.at);
        match &event.kind {
            EventKind::Entered(state, _) => self.enter(state, event.at),
            EventKind::Scheduled => {
                self.attempts += 1;
                Vec::new()
            }
            EventKind::Succeeded(output) => self.succeed(output.as_deref(), event.at),
            EventKind::Failed(failure) => self.fail(failure, event.at),
            EventKind::Started | EventKind::Exited | EventKind::Ended | EventKind::Other => Vec::new(),
        }
    }

    fn enter(&mut self, state: &str, at: Timestamp) -> Vec<Line> {
        let round = self.entered.get(state).copied().unwrap_or_default();
        self.entered.insert(state.to_owned(), round + 1);
        state.clone_into(&mut self.state);
        self.attempts = 0;
        let Some(text) = self.phase_of(state) else { return Vec::new() };
        let list = usize::from(state == "WaitForMarket" && !self.is_blocked);
        // A query and a crawl are polled: what is left of one poll's wait is not what is left of them.
        let seconds =
            is_long_wait(state).then(|| self.waits.nth(state, list, round).or_else(|| self.waits.fixed(state)));
        let until = seconds.flatten().map(|seconds| at + SignedDuration::from_secs_f64(seconds));
        let phase = Phase { text, until };
        if self.current.as_ref().is_some_and(|current| current.text == phase.text && phase.until.is_none()) {
            return Vec::new();
        }
        let line = self.stamped(at, &phase.describe(at));
        self.current = Some(phase);
        vec![Line::Started(line)]
    }

    /// What the run does in a state; `None` for one that takes no time, or that is not known here.
    fn phase_of(&self, state: &str) -> Option<String> {
        Some(match state {
            "Collect" => self.collecting(),
            "WaitForMarket" if self.is_blocked => "waiting for the market, which blocks requests".to_owned(),
            "WaitForMarket" => "waiting for the market, which is down".to_owned(),
            "WaitForLateBars" => "waiting for late bars".to_owned(),
            "WaitForSessions" => self.waiting_for_sessions(),
            "WaitForDelivery" | "WaitForPartition" | "WaitForBars" => self.waiting_for_delivery(),
            "StartCrawler" | "WaitForCrawl" | "GetCrawler" => "cataloguing".to_owned(),
            "RunQuery" | "WaitForQuery" | "GetQueryExecution" => "querying".to_owned(),
            "ExportCsv" => "exporting".to_owned(),
            state if is_notification(state) => "notifying".to_owned(),
            _ => return None,
        })
    }

    fn collecting(&self) -> String {
        let Some(collection) = &self.collection else {
            let companies = self.companies.map(|count| format!(" {}", pluralize(count, "company")));
            return format!("collecting{}", companies.unwrap_or_default());
        };
        let symbols = &collection.symbols;
        let (all, left) = (symbols.requested, symbols.temporarily_failed());
        if left > 0 {
            return format!("collecting {} of {}", thousands(left), pluralize(all, "company"));
        }
        format!("collecting what was missing of {}", pluralize(symbols.short, "company"))
    }

    fn waiting_for_sessions(&self) -> String {
        let until = self.collection.as_ref().and_then(|collection| collection.waits_until);
        let until = until.map(|until| format!(" at {} in New York", clock(&until.to_zoned(NEW_YORK.zone.clone()))));
        format!("waiting for the session's end{}", until.unwrap_or_default())
    }

    fn waiting_for_delivery(&self) -> String {
        match (self.bars_seen, &self.collection) {
            (Some(seen), Some(Collection { bars, .. })) => {
                format!("waiting for delivery to S3, where {} of {} bars are", thousands(seen), thousands(bars))
            }
            _ => "waiting for delivery to S3".to_owned(),
        }
    }

    fn succeed(&mut self, output: Option<&str>, at: Timestamp) -> Vec<Line> {
        match output.and_then(TaskResult::read) {
            Some(TaskResult::Collected(collection)) => {
                self.is_blocked = collection.outcome == CollectOutcome::Blocked;
                let line = self.stamped(at, &collected(&collection));
                self.collection = Some(*collection);
                vec![Line::Finished(line)]
            }
            Some(TaskResult::Exported(Export::Incomplete { bars_seen })) => {
                self.bars_seen = Some(bars_seen);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn fail(&mut self, failure: &ExecutionFailure, at: Timestamp) -> Vec<Line> {
        self.is_blocked = failure.error == ErrorName::MarketBlocked.to_string();
        let doing = self.phase_of(&self.state).unwrap_or_else(|| self.state.clone());
        let text = format!("{doing}: attempt {} failed: {}", self.attempts.max(1), summarize(failure));
        vec![Line::Finished(self.stamped(at, &text))]
    }

    /// The text, with the time since the run began in minutes and seconds.
    fn stamped(&self, at: Timestamp, text: &str) -> String {
        format!("{:>7}  {text}", minutes(at.duration_since(self.started_at.unwrap_or(at))))
    }
}

impl Phase {
    fn describe(&self, now: Timestamp) -> String {
        match self.until {
            Some(until) => {
                let comma = if self.text.contains(',') { "," } else { "" };
                format!("{}{comma} {}", self.text, minutes(until.duration_since(now)))
            }
            None => self.text.clone(),
        }
    }
}

/// Whether a wait is worth a countdown: not one between two polls.
fn is_long_wait(state: &str) -> bool {
    matches!(state, "WaitForMarket" | "WaitForLateBars" | "WaitForDelivery" | "WaitForPartition" | "WaitForBars")
}

/// `collected 9 of 10 companies of 2026-11-20; bars: 700 of 702 expected`.
fn collected(Collection { outcome, trade_date, symbols, .. }: &Collection) -> String {
    if *outcome == CollectOutcome::NoSession {
        return format!("{trade_date} has no session");
    }
    let (with_bars, all) = (thousands(symbols.collected), pluralize(symbols.requested, "company"));
    let bars = if symbols.collected == 0 { String::new() } else { format!("; bars: {}", symbols.bars.describe()) };
    format!("collected {with_bars} of {all} of {trade_date}{bars}")
}

/// `0:09`, `4:12`, `1:00:00`; nothing negative.
fn minutes(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests;
