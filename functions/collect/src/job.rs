//! What one invocation is to collect.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use shared::{
    Interval, RunId, TradeDate,
    payload::{CollectOutcome, Collection, ResumeRequest, SymbolOutcomes},
};

use crate::{pending::Pending, symbol_outcomes};

/// One invocation's work, with every default filled in.
#[derive(Debug)]
pub struct Job {
    /// The session to collect.
    pub trade_date: TradeDate,
    /// The length of the bars.
    pub interval: Interval,
    /// The run that the bars belong to.
    pub run_id: RunId,
    /// When the invocation began, in UTC, to the millisecond.
    pub collected_at: Timestamp,
    /// The symbols to request.
    pub pending: Vec<Pending>,
    /// The answer of the invocation before; none in a run's first.
    pub earlier: Option<Collection>,
}

impl Job {
    /// The first job of a run.
    pub fn first(trade_date: TradeDate, interval: Interval, run_id: RunId, pending: Vec<Pending>) -> Self {
        Self { trade_date, interval, run_id, collected_at: now(Unit::Millisecond), pending, earlier: None }
    }

    /// Resumes a collection where it stopped.
    pub fn resume(request: ResumeRequest) -> Self {
        let earlier = request.collection;
        Self {
            trade_date: earlier.trade_date,
            interval: earlier.interval,
            run_id: earlier.run_id.clone(),
            collected_at: now(Unit::Millisecond),
            pending: symbol_outcomes::pending(&earlier.symbols, earlier.outcome),
            earlier: Some(earlier),
        }
    }

    /// The answer of the invocation, added to what the earlier ones wrote.
    pub fn collection(
        self,
        outcome: CollectOutcome,
        symbols: SymbolOutcomes,
        records: usize,
        simulated: bool,
    ) -> Collection {
        let now = now(Unit::Second);
        let (earlier_records, written_at, was_simulated) =
            self.earlier.map_or((0, now, false), |earlier| (earlier.records, earlier.written_at, earlier.simulated));
        Collection {
            outcome,
            trade_date: self.trade_date,
            interval: self.interval,
            run_id: self.run_id,
            collected_at: self.collected_at,
            written_at: if records > 0 { now } else { written_at },
            bars: symbols.collected.iter().map(|symbol| symbol.bars).sum(),
            records: earlier_records + records,
            symbols,
            simulated: simulated || was_simulated,
        }
    }
}

/// The present, truncated to a unit.
fn now(unit: Unit) -> Timestamp {
    let now = Timestamp::now();
    now.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc)).unwrap_or(now)
}
