//! What one invocation is to collect, and its answer.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use shared::{
    Bar, Companies, Interval, RunId, Symbol, TradeDate,
    payload::{CollectOutcome, Collection, ResumeRequest, SymbolOutcomes},
};

use crate::{pending::Pending, symbol_outcomes, yahoo::SymbolDay};

/// The work of one invocation, with every default filled in.
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
    /// The answer of the previous invocation; none in the first of a run.
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

    /// The bars of one symbol as they are written to the lake.
    pub fn bars(&self, companies: &Companies, symbol: &Symbol, day: SymbolDay) -> impl Iterator<Item = Bar> {
        let known = companies.name(symbol).map(str::to_owned);
        let company_name = known.or(day.name).unwrap_or_else(|| symbol.to_string());
        day.bars.into_iter().map(move |bar| Bar {
            symbol: symbol.clone(),
            company_name: company_name.clone(),
            trade_date: self.trade_date,
            ts: bar.start.to_zoned(day.session.zone.clone()),
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            currency: day.currency.clone(),
            interval: self.interval,
            collected_at: self.collected_at,
            run_id: self.run_id.clone(),
        })
    }

    /// The answer of the invocation, with the records of the earlier ones added.
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

/// The current time in UTC, truncated to a unit.
fn now(unit: Unit) -> Timestamp {
    let now = Timestamp::now();
    now.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc)).unwrap_or(now)
}
