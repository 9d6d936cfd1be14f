//! The JSON form of `list`.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    TradeDate,
    payload::{RunOutcome, SymbolOutcomes},
};

use super::{Listed, Outcome};
use crate::output::json::{self, Place};

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
        Self {
            execution: &listed.name,
            started: listed.started,
            seconds: listed.seconds.map(json::seconds),
            result: result(&listed.outcome),
        }
    }
}

fn result(outcome: &Outcome) -> ListedResultJson<'_> {
    match outcome {
        Outcome::Running => ListedResultJson::Running,
        Outcome::Ended(Ok(RunOutcome::Exported { trade_date, bars, symbols, simulated, .. })) => {
            let SymbolOutcomes { collected, failed } = symbols;
            ListedResultJson::Exported {
                trade_date: *trade_date,
                bars: *bars,
                complete: symbols.is_complete(),
                simulated: *simulated,
                collected: collected.len(),
                failed: failed.len(),
            }
        }
        Outcome::Ended(Ok(RunOutcome::NoSession { trade_date, .. })) => {
            ListedResultJson::NoSession { trade_date: *trade_date }
        }
        Outcome::Ended(Err(failure)) => ListedResultJson::Failed { error: &failure.error, cause: &failure.cause },
        Outcome::Unknown(detail) => ListedResultJson::Unknown { detail },
    }
}
