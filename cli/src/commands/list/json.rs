//! The JSON form of `list`.

use jiff::Timestamp;
use serde::Serialize;
use shared::{ListName, SymbolList, TradeDate, payload::RunOutcome};

use super::{Listed, Outcome, Requested};
use crate::{
    aws::execution::RunResult,
    output::json::{self, Place},
};

#[derive(Debug, Serialize)]
pub struct ListJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    /// Newest first.
    pub executions: Vec<ListedJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct ListedJson<'a> {
    /// The execution's name.
    pub execution: &'a str,
    /// When it started, in UTC.
    pub started: Timestamp,
    /// How long it took; `null` while it is running.
    pub seconds: Option<f64>,
    /// The list that it is over; `null` where its symbols were given by hand, or its input cannot be read.
    pub list: Option<&'a ListName>,
    /// The symbols that were given by hand; `null` where it is over a list.
    pub symbols: Option<&'a SymbolList>,
    #[serde(flatten)]
    pub result: ListedResultJson<'a>,
}

/// What became of it. Where it collected bars or found no session, `follow` has the symbols and the files.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ListedResultJson<'a> {
    Running,
    Exported {
        trade_date: TradeDate,
        /// The number of bars of all symbols.
        bars: usize,
        /// Whether no bar is missing, as far as that is known.
        complete: bool,
        /// Whether the prices are simulated.
        simulated: bool,
        /// The number of symbols with bars, and without.
        collected: usize,
        failed: usize,
    },
    NoSession {
        trade_date: TradeDate,
    },
    Failed {
        /// The error's name, such as `NoBars`.
        error: &'a str,
        /// The error's message.
        cause: &'a str,
    },
    /// It could not be looked up, or has the output of another version.
    Unknown {
        detail: &'a str,
    },
}

impl<'a> From<&'a Listed> for ListedJson<'a> {
    fn from(listed: &'a Listed) -> Self {
        let (list, symbols) = match &listed.requested {
            Some(Requested::List(list)) => (Some(list), None),
            Some(Requested::Symbols(symbols)) => (None, Some(symbols)),
            None => (None, None),
        };
        Self {
            execution: &listed.name,
            started: listed.started,
            seconds: listed.seconds.map(json::seconds),
            list,
            symbols,
            result: result(&listed.outcome),
        }
    }
}

fn result(outcome: &Outcome) -> ListedResultJson<'_> {
    match outcome {
        Outcome::Running => ListedResultJson::Running,
        Outcome::Ended(result) => ended(result),
        Outcome::Unknown(detail) => ListedResultJson::Unknown { detail },
    }
}

fn ended(result: &RunResult) -> ListedResultJson<'_> {
    match result {
        Ok(RunOutcome::Exported { trade_date, bars, symbols, simulated, .. }) => ListedResultJson::Exported {
            trade_date: *trade_date,
            bars: *bars,
            complete: symbols.is_complete(),
            simulated: *simulated,
            collected: symbols.collected(),
            failed: symbols.failed().1,
        },
        Ok(RunOutcome::NoSession { trade_date, .. }) => ListedResultJson::NoSession { trade_date: *trade_date },
        Err(failure) => ListedResultJson::Failed { error: &failure.error, cause: &failure.cause },
    }
}
