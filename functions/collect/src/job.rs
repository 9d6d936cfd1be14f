//! What one invocation is to collect, and its answer.

use std::{borrow::Cow, sync::Arc};

use jiff::{Timestamp, Unit};
use shared::{
    Bar, Companies, Interval, ListName, RunId, Symbol, TradeDate,
    payload::{CollectOutcome, Collection, ResumeRequest, SessionWait, SymbolSummary},
};

use crate::{
    invocation::{Invocation, truncated},
    outcome_store::Stored,
    pending::Pending,
    source::{Source, SymbolDay},
    symbol_outcomes::{self, Outcomes},
    writer::SymbolBars,
};

/// The work of one invocation, with every default filled in.
#[derive(Debug)]
pub struct Job<'a> {
    /// The source of the bars.
    pub source: &'a dyn Source,
    /// The session to collect.
    pub trade_date: TradeDate,
    /// The length of the bars.
    pub interval: Interval,
    /// The run that the bars belong to.
    pub run_id: RunId,
    /// When the invocation began, in UTC, to the millisecond.
    pub collected_at: Timestamp,
    /// The list that the run is over; none where its symbols were given by hand.
    pub list: Option<ListName>,
    /// That list, or the default one: it has the names of companies.
    pub companies: Arc<Companies>,
    /// The symbols to request.
    pub pending: Vec<Pending>,
    /// For which sessions the run waits that are still going on.
    pub session_wait: SessionWait,
    /// The outcomes so far.
    pub outcomes: Outcomes,
    /// The answer of the previous invocation; none in the first of a run.
    pub earlier: Option<Collection>,
}

impl<'a> Job<'a> {
    /// The first job of a run.
    pub fn first(
        source: &'a dyn Source,
        (trade_date, interval, run_id): (TradeDate, Interval, RunId),
        (list, companies): (Option<ListName>, Arc<Companies>),
        pending: Vec<Pending>,
        session_wait: SessionWait,
        invocation: &Invocation,
    ) -> Self {
        let collected_at = invocation.collected_at();
        let outcomes = Outcomes::default();
        Self {
            source,
            trade_date,
            interval,
            run_id,
            collected_at,
            list,
            companies,
            pending,
            session_wait,
            outcomes,
            earlier: None,
        }
    }

    /// Resumes a collection where it stopped. One that an older version began waits as this one does. Of a list as it is now it
    /// takes the symbols that were added since it began: another run may have published them meanwhile, and what this one
    /// publishes lacks none of them. What is stored is believed before the answer of the previous invocation: another one may
    /// have stored it since, whose own answer was lost.
    pub fn resume(
        source: &'a dyn Source,
        request: ResumeRequest,
        stored: Stored,
        (companies, is_current): (Arc<Companies>, bool),
        default: SessionWait,
        invocation: &Invocation,
    ) -> Self {
        let mut earlier = request.collection;
        earlier.written_at = stored.written_at.unwrap_or(earlier.written_at);
        earlier.simulated |= stored.simulated;
        let outcomes = stored.outcomes;
        let mut pending = symbol_outcomes::pending(&outcomes, earlier.outcome, source, invocation.began_at);
        if earlier.list.is_some() && is_current {
            let added = companies.symbols().iter().filter(|symbol| !outcomes.contains(symbol));
            pending.extend(added.map(Pending::from));
        }
        Self {
            source,
            trade_date: earlier.trade_date,
            interval: earlier.interval,
            run_id: earlier.run_id.clone(),
            collected_at: invocation.collected_at(),
            list: earlier.list.clone(),
            companies,
            pending,
            session_wait: earlier.session_wait.unwrap_or(default),
            outcomes,
            earlier: Some(earlier),
        }
    }

    /// The number of symbols of the run.
    pub fn requested(&self) -> usize {
        let added = self.pending.iter().filter(|pending| !self.outcomes.contains(&pending.symbol));
        self.outcomes.len() + added.count()
    }

    /// Whether the previous invocation ended because the market blocked this client or was down.
    pub fn was_stopped_by_market(&self) -> bool {
        let stopped = |outcome| matches!(outcome, CollectOutcome::Blocked | CollectOutcome::Unavailable);
        self.earlier.as_ref().is_some_and(|earlier| stopped(earlier.outcome))
    }

    /// The bars of one symbol as they are written to the lake; `None` where there are none.
    pub fn bars(&self, fetched: (&Symbol, &Symbol), day: SymbolDay) -> Option<SymbolBars> {
        let Self { source, companies, interval, collected_at, run_id, .. } = self;
        bars((companies, *source), fetched, day, (*interval, *collected_at, run_id.clone()))
    }

    /// When Firehose had accepted the last record, in UTC, to the second, where this invocation, which ends now, wrote so many.
    pub fn written_at(&self, records: usize, invocation: &Invocation) -> Timestamp {
        match &self.earlier {
            Some(earlier) if records == 0 => earlier.written_at,
            _ => truncated(invocation.now(), Unit::Second),
        }
    }

    /// Whether a reply to an earlier invocation said that its prices are simulated.
    pub fn was_simulated(&self) -> bool {
        self.earlier.as_ref().is_some_and(|earlier| earlier.simulated)
    }

    /// The answer of the invocation, with the records of the earlier ones added.
    pub fn collection(
        self,
        (outcome, waits_until): (CollectOutcome, Option<Timestamp>),
        symbols: SymbolSummary,
        records: usize,
        (written_at, simulated): (Timestamp, bool),
    ) -> Collection {
        Collection {
            outcome,
            trade_date: self.trade_date,
            interval: self.interval,
            run_id: self.run_id,
            list: self.list,
            source: *self.source.market(),
            collected_at: self.collected_at,
            written_at,
            bars: symbols.bars.total(),
            records: self.earlier.map_or(0, |earlier| earlier.records) + records,
            symbols,
            simulated,
            waits_until,
            session_wait: Some(self.session_wait),
        }
    }
}

/// The bars of one symbol as they are written to the lake, of a collection that began at an instant in UTC; `None` where there
/// are none.
pub fn bars(
    (companies, source): (&Companies, &dyn Source),
    (symbol, queried_as): (&Symbol, &Symbol),
    day: SymbolDay,
    (interval, collected_at, run_id): (Interval, Timestamp, RunId),
) -> Option<SymbolBars> {
    let company_name = company_name(companies, (symbol, queried_as), |symbol| source.spelling(symbol))
        .map(str::to_owned)
        .or(day.name)
        .unwrap_or_else(|| symbol.to_string());
    let market = source.market();
    let first = day.bars.first()?;
    let common = Bar {
        symbol: symbol.clone(),
        company_name,
        trade_date: day.session.trade_date,
        ts: first.start.to_zoned(day.session.zone),
        open: first.open,
        high: first.high,
        low: first.low,
        close: first.close,
        volume: first.volume,
        currency: day.currency,
        interval,
        collected_at,
        run_id,
        previous_close: day.previous_close,
        source: Some(*market),
        feed: market.feed.map(Cow::Borrowed),
    };
    Some(SymbolBars { common, bars: day.bars })
}

/// The name in the companies file: that of the company which trades under the symbol today, or which answered as its
/// successor. A former symbol that answers by itself belongs to somebody else by now: FB is a fund since 2025.
fn company_name<'a>(
    companies: &'a Companies,
    (symbol, queried_as): (&Symbol, &Symbol),
    spelling: impl Fn(&Symbol) -> Symbol,
) -> Option<&'a str> {
    let successor = companies.successor(symbol).filter(|successor| spelling(successor) == *queried_as);
    companies.name(successor.unwrap_or(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_symbol_has_the_companys_name_only_where_the_successor_answered()
    -> Result<(), Box<dyn std::error::Error>> {
        let companies = Companies::built_in()?;
        for (symbol, queried_as, name) in [
            ("META", "META", Some("Meta Platforms")),
            ("FB", "META", Some("Meta Platforms")),
            ("FB", "FB", None),
            ("SQ", "XYZ", Some("Block")),
            ("SQ", "SQ", None),
            ("AAPL", "AAPL", None),
        ] {
            assert_eq!(
                company_name(&companies, (&symbol.parse()?, &queried_as.parse()?), Symbol::clone),
                name,
                "{symbol} as {queried_as}"
            );
        }
        Ok(())
    }
}
