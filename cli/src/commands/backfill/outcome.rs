//! The outcome of each day of a backfill.

use shared::{Symbol, TradeDate, format::thousands, payload::SymbolOutcomes};

use crate::{
    aws::history::ExecutionFailure,
    output::format::{format_duration, pluralize},
};

#[derive(Debug)]
pub struct DayReport {
    pub date: TradeDate,
    /// `full`, `half`, `closed`, or `-` where no calendar says.
    pub session: &'static str,
    pub outcome: DayOutcome,
}

#[derive(Debug)]
pub enum DayOutcome {
    /// A holiday, so nothing was run.
    Closed,
    /// Nothing traded, as the market said.
    NoSession,
    /// The session had not ended, as the market said.
    NotOver,
    /// The CSV and the report are published and downloaded.
    Exported(Exported),
    /// It is missing, and was not run, since the run of another day has failed with `MarketBlocked`.
    NotRun,
    /// The run failed, or could not be followed.
    Failed {
        /// The execution's name.
        execution: String,
        failure: ExecutionFailure,
    },
}

#[derive(Debug)]
pub struct Exported {
    pub symbols: SymbolOutcomes,
    /// The symbols of which bars of another scale or currency were left out, as far as a run of the day said so.
    pub restated: Vec<Symbol>,
    /// The number of bars of all symbols together when none is missing; of a symbol for which nobody knows, those it has. None
    /// where nobody knows of any.
    pub expected: Option<usize>,
    pub simulated: bool,
    /// How long the run took, in seconds; `None` where the day was already done.
    pub seconds: Option<f64>,
}

impl Exported {
    /// The number of bars of all symbols together.
    pub fn bars(&self) -> usize {
        self.symbols.collected.iter().map(|symbol| symbol.bars).sum()
    }
}

impl DayReport {
    pub fn exported(&self) -> Option<&Exported> {
        if let DayOutcome::Exported(day) = &self.outcome { Some(day) } else { None }
    }

    /// The day in one line.
    pub fn summary(&self) -> String {
        let what = match &self.outcome {
            DayOutcome::Closed => "closed".to_owned(),
            DayOutcome::NoSession => "no session".to_owned(),
            DayOutcome::NotOver => "its session has not ended".to_owned(),
            DayOutcome::NotRun => "not run, since the market blocks this client".to_owned(),
            DayOutcome::Failed { failure, .. } => format!("failed with {}", failure.error),
            DayOutcome::Exported(day) => {
                let how = day.seconds.map_or_else(|| "already done".to_owned(), format_duration);
                let expected = day.expected.map(|expected| format!(" of {}", thousands(expected))).unwrap_or_default();
                let symbols = pluralize(day.symbols.collected.len(), "symbol");
                format!("{}{expected} bars, {symbols}, {how}", thousands(day.bars()))
            }
        };
        format!("{}  {what}", self.date)
    }
}
