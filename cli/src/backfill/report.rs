//! What became of the days of a backfill.

use shared::{TradeDate, payload::SymbolOutcomes};

use crate::{
    answers::{counted, grouped},
    history::Failure,
    story::lasting,
};

/// What became of one day.
#[derive(Debug)]
pub struct Report {
    /// The day.
    pub date: TradeDate,
    /// `full`, `half`, `closed`, or `-` where no calendar says.
    pub session: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a day.
#[derive(Debug)]
pub enum Outcome {
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

impl Report {
    /// The exported day, if it was exported.
    pub fn exported(&self) -> Option<&Exported> {
        if let Outcome::Exported(day) = &self.outcome { Some(day) } else { None }
    }

    /// The day in one line, as it ends.
    pub fn in_a_line(&self) -> String {
        let what = match &self.outcome {
            Outcome::Closed => "closed".to_owned(),
            Outcome::NoSession => "no session".to_owned(),
            Outcome::NotOver => "its session has not ended".to_owned(),
            Outcome::Failed { failure, .. } => format!("failed with {}", failure.error),
            Outcome::Exported(day) => {
                let how = day.seconds.map_or_else(|| "done before".to_owned(), lasting);
                let (bars, expected) = (grouped(day.bars()), grouped(day.expected));
                let symbols = counted(day.symbols.collected.len(), "symbol");
                format!("{bars} of {expected} bars, {symbols}, {how}")
            }
        };
        format!("{}  {what}", self.date)
    }
}
