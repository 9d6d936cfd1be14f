//! The JSON form of `backfill`.

use std::path::Path;

use serde::Serialize;
use shared::{Interval, TradeDate, payload::SymbolOutcomes};

use super::outcome::{DayOutcome, DayReport, Exported};
use crate::output::{
    hints,
    json::{self, Place},
};

#[derive(Debug, Serialize)]
pub struct BackfillJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    pub interval: Interval,
    /// The trading days and the holidays of the range, in order. Days whose session has not ended are left out.
    pub days: Vec<DayJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct DayJson<'a> {
    pub trade_date: TradeDate,
    /// `full`, `half` or `closed`; `null` where no calendar says.
    pub session: Option<&'static str>,
    #[serde(flatten)]
    pub result: DayResultJson<'a>,
}

/// What became of a day.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DayResultJson<'a> {
    /// It was run.
    Exported(ExportedJson<'a>),
    /// It had been run before.
    AlreadyDone(ExportedJson<'a>),
    /// A holiday, so nothing was run.
    Closed,
    /// Nothing traded, as the market said.
    NoSession,
    /// The session had not ended, as the market said.
    NotOver,
    /// It is missing, and was not run, since another day's run has failed with `MarketBlocked`.
    NotRun,
    /// The run failed, or could not be followed.
    Failed {
        execution: &'a str,
        /// The error's name, such as `NoBars`.
        error: &'a str,
        /// The error's message.
        cause: &'a str,
        /// What to do about it.
        next: &'static str,
    },
}

/// The CSV and the report are published and downloaded.
#[derive(Debug, Serialize)]
pub struct ExportedJson<'a> {
    /// The number of bars of all symbols together.
    pub bars: usize,
    /// The same when none is missing; `null` where nobody knows.
    pub expected: Option<usize>,
    /// Whether none is missing, as far as that is known.
    pub complete: bool,
    /// Whether the prices are simulated.
    pub simulated: bool,
    /// How long the run took; `null` where the day was already done.
    pub seconds: Option<f64>,
    /// The outcome of each symbol.
    pub symbols: &'a SymbolOutcomes,
    /// The absolute path of the folder of the downloaded files.
    pub folder: String,
}

impl<'a> DayJson<'a> {
    /// The form of a day; `folder` is that of its files.
    pub fn of(report: &'a DayReport, folder: &Path) -> Self {
        let result = match &report.outcome {
            DayOutcome::Closed => DayResultJson::Closed,
            DayOutcome::NoSession => DayResultJson::NoSession,
            DayOutcome::NotOver => DayResultJson::NotOver,
            DayOutcome::NotRun => DayResultJson::NotRun,
            DayOutcome::Failed { execution, failure } => DayResultJson::Failed {
                execution,
                error: &failure.error,
                cause: &failure.cause,
                next: hints::hint(&failure.error),
            },
            DayOutcome::Exported(day) => {
                let exported = exported(day, json::path(folder));
                if day.seconds.is_some() {
                    DayResultJson::Exported(exported)
                } else {
                    DayResultJson::AlreadyDone(exported)
                }
            }
        };
        Self { trade_date: report.date, session: json::session(report.session), result }
    }
}

fn exported(day: &Exported, folder: String) -> ExportedJson<'_> {
    ExportedJson {
        bars: day.bars(),
        expected: day.expected,
        complete: day.symbols.is_complete(),
        simulated: day.simulated,
        seconds: day.seconds.map(json::seconds),
        symbols: &day.symbols,
        folder,
    }
}
