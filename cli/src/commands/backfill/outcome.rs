//! What became of the days of a backfill.

use shared::{TradeDate, format::thousands, payload::SymbolOutcomes};

use crate::{
    aws::history::Failure,
    output::{summary::pluralize, timeline::format_duration},
};

/// What became of one day.
#[derive(Debug)]
pub struct DayReport {
    /// The day.
    pub date: TradeDate,
    /// `full`, `half`, `closed`, or `-` where no calendar says.
    pub session: &'static str,
    /// What came of it.
    pub outcome: DayOutcome,
}

/// What came of a day.
#[derive(Debug)]
pub enum DayOutcome {
    /// A holiday, so nothing was run.
    Closed,
    /// Nothing traded, as the market said.
    NoSession,
    /// The session is still going on, as the market said.
    NotOver,
    /// The CSV and the report are there.
    Exported(Exported),
    /// The run failed, or could not be followed.
    Failed {
        /// The execution's name.
        execution: String,
        /// Why.
        failure: Failure,
    },
}

/// An exported day.
#[derive(Debug)]
pub struct Exported {
    /// What became of each symbol.
    pub symbols: SymbolOutcomes,
    /// Bars of all symbols when none is missing.
    pub expected: usize,
    /// Whether the prices are made up.
    pub simulated: bool,
    /// How long the run took, in seconds; `None` where it was done before.
    pub seconds: Option<f64>,
}

impl Exported {
    /// Bars of all symbols.
    pub fn bars(&self) -> usize {
        self.symbols.collected.iter().map(|symbol| symbol.bars).sum()
    }
}

impl DayReport {
    /// The exported day, if it was exported.
    pub fn exported(&self) -> Option<&Exported> {
        if let DayOutcome::Exported(day) = &self.outcome { Some(day) } else { None }
    }

    /// The day in one line, as it ends.
    pub fn summary(&self) -> String {
        let what = match &self.outcome {
            DayOutcome::Closed => "closed".to_owned(),
            DayOutcome::NoSession => "no session".to_owned(),
            DayOutcome::NotOver => "its session has not ended".to_owned(),
            DayOutcome::Failed { failure, .. } => format!("failed with {}", failure.error),
            DayOutcome::Exported(day) => {
                let how = day.seconds.map_or_else(|| "done before".to_owned(), format_duration);
                let (bars, expected) = (thousands(day.bars()), thousands(day.expected));
                let symbols = pluralize(day.symbols.collected.len(), "symbol");
                format!("{bars} of {expected} bars, {symbols}, {how}")
            }
        };
        format!("{}  {what}", self.date)
    }
}
