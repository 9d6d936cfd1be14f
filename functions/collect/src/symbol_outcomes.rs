//! The outcome of each symbol over all attempts of a run: what an attempt adds, which symbols are worth another
//! attempt, and what the outcomes say of the day.

use indexmap::IndexMap;
use jiff::Timestamp;
use shared::{
    Interval, S3Uri, Symbol,
    payload::{
        CollectOutcome, CollectedSymbol, FailedSymbol, InvalidOutcome, Reason, Remark, RemarkKind, SymbolOutcome,
        SymbolSummary,
    },
};

use crate::{
    failure::Failure,
    fetch::FetchedSymbol,
    pending::{MAX_ATTEMPTS, Pending},
    second_attempt::{self, United},
    source::Source,
};

/// The most gaps that are listed of all symbols together, and the fewest of one symbol: they stay in memory.
const MAX_GAPS: (usize, usize) = (6_000, 12);

/// The outcome of each symbol, in the order in which they were first requested.
#[derive(Debug, Default)]
pub struct Outcomes(IndexMap<Symbol, SymbolOutcome>);

impl Outcomes {
    /// Reads the content of a `symbols.jsonl`.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn read(content: &[u8]) -> Result<Self, InvalidOutcome> {
        let outcomes = SymbolOutcome::read_all(content);
        outcomes
            .map(|outcome| outcome.map(|outcome| (outcome.symbol().clone(), outcome)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The content of a `symbols.jsonl`.
    ///
    /// # Errors
    /// When an outcome is not JSON.
    pub fn write(&self) -> serde_json::Result<Vec<u8>> {
        SymbolOutcome::write_all(self.0.values())
    }

    /// What the states carry of the outcomes, which are in the object `uri`.
    pub fn summary(&self, uri: S3Uri) -> SymbolSummary {
        SymbolSummary::of(uri, self.0.values())
    }

    /// Whether there is one of a symbol.
    pub fn contains(&self, symbol: &Symbol) -> bool {
        self.0.contains_key(symbol)
    }

    /// The number of symbols.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The symbols that have bars.
    pub fn collected(&self) -> impl Iterator<Item = &CollectedSymbol> {
        self.0.values().filter_map(SymbolOutcome::collected)
    }

    /// The symbols that have none.
    pub fn failed(&self) -> impl Iterator<Item = &FailedSymbol> {
        self.0.values().filter_map(SymbolOutcome::failed)
    }

    /// Takes the room for a number of further symbols at once: as it grows, it would take up to three times as much.
    pub fn reserve(&mut self, symbols: usize) {
        self.0.reserve(symbols);
    }

    fn insert(&mut self, outcome: SymbolOutcome) {
        self.0.insert(outcome.symbol().clone(), outcome);
    }

    fn collected_mut(&mut self, symbol: &Symbol) -> Option<&mut CollectedSymbol> {
        match self.0.get_mut(symbol) {
            Some(SymbolOutcome::Collected(collected)) => Some(collected),
            _ => None,
        }
    }
}

/// The symbols to request of a source when a collection that ended as `outcome` is resumed at `now`.
pub fn pending(symbols: &Outcomes, outcome: CollectOutcome, source: &dyn Source, now: Timestamp) -> Vec<Pending> {
    // When the time ran out, the collection is resumed at once, and after an outage soon: too early for a second attempt.
    let is_soon = matches!(outcome, CollectOutcome::OutOfTime | CollectOutcome::Unavailable);
    let max_attempts = if is_soon { 1 } else { MAX_ATTEMPTS };
    // The state machine has waited for the sessions, unless it was told to be quicker.
    let is_due = |ends_at: Option<Timestamp>| outcome == CollectOutcome::SessionOpen || has_ended(ends_at, source, now);
    let is_wanted = |symbol: &FailedSymbol| match symbol.reason {
        Reason::SessionNotOver => is_due(symbol.session_ends_at),
        _ => is_open(symbol) && symbol.attempts < max_attempts,
    };
    let failed = symbols.failed().filter(|symbol| is_wanted(symbol));
    let failed = failed.map(|FailedSymbol { symbol, attempts, refusals, .. }| Pending {
        symbol: symbol.clone(),
        attempts: *attempts,
        refusals: *refusals,
    });
    let is_wanted = |symbol: &CollectedSymbol| match symbol.session_ends_at {
        Some(_) => is_due(symbol.session_ends_at) && symbol.attempts < MAX_ATTEMPTS,
        None => is_worth_an_attempt(symbol) && symbol.attempts < max_attempts,
    };
    let collected = symbols.collected().filter(|symbol| is_wanted(symbol));
    let collected = collected.map(|CollectedSymbol { symbol, attempts, refusals, .. }| Pending {
        symbol: symbol.clone(),
        attempts: *attempts,
        refusals: *refusals,
    });
    failed.chain(collected).collect()
}

/// Whether the last bars of a session that ends then are there.
fn has_ended(session_ends_at: Option<Timestamp>, source: &dyn Source, now: Timestamp) -> bool {
    session_ends_at.is_none_or(|ends_at| source.ready_at(ends_at) <= now)
}

/// Whether no symbol is worth a further attempt, but those whose session is still going on at `now`.
pub fn is_complete(symbols: &Outcomes, source: &dyn Source, now: Timestamp) -> bool {
    let mut failed = symbols.failed().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    let mut collected = symbols.collected().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    let is_due =
        |symbol: &CollectedSymbol| symbol.session_ends_at.is_some() && has_ended(symbol.session_ends_at, source, now);
    !failed.any(is_open) && !collected.any(|symbol| is_worth_an_attempt(symbol) || is_due(symbol))
}

/// Whether the market has yet to answer, or an attempt minutes later may bring what this one did not: bars come late,
/// and a session that is not over lasts longer.
fn is_open(FailedSymbol { reason, attempts, .. }: &FailedSymbol) -> bool {
    *reason != Reason::SessionNotOver && (*attempts == 0 || *reason == Reason::NoTrades || reason.is_temporary())
}

/// When the sessions that are still going on have ended, if that is no later than `latest`; of several the last one.
pub fn sessions_end_by(symbols: &Outcomes, latest: Timestamp) -> Option<Timestamp> {
    let failed = symbols.failed().filter(|symbol| symbol.reason == Reason::SessionNotOver);
    let collected = symbols.collected().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    let ends = failed.map(|symbol| symbol.session_ends_at).chain(collected.map(|symbol| symbol.session_ends_at));
    ends.flatten().filter(|end| *end <= latest).max()
}

/// A symbol with too many gaps to list is traded so thinly that a second attempt would not fill them. One whose session is
/// still going on gets its attempt after that.
fn is_worth_an_attempt(symbol: &CollectedSymbol) -> bool {
    symbol.is_short() && symbol.gaps.is_some() && symbol.session_ends_at.is_none()
}

/// Adds the result of one attempt to the outcomes of `requested` symbols. The bars of both attempts are in the lake.
pub fn record(symbols: &mut Outcomes, fetched: &FetchedSymbol, interval: Interval, requested: usize) {
    let FetchedSymbol { pending: Pending { symbol, attempts, refusals }, queried_as, day, .. } = fetched;
    let before = symbols.collected_mut(symbol);
    match (day, before) {
        (Err(failure), Some(collected)) => record_failed_again(collected, failure, *refusals),
        (Err(failure), None) => symbols.insert(SymbolOutcome::Failed(FailedSymbol {
            attempts: attempts + attempts_of(failure),
            session_ends_at: failure.session_ends_at,
            refusals: *refusals,
            ..FailedSymbol::new(symbol.clone(), failure.reason, &failure.detail)
        })),
        (Ok(day), before) => {
            let before = before.as_deref();
            let United { bars, expected, gaps, remarks } = second_attempt::united(before, day, interval);
            let written = before.map_or(0, |before| before.written.unwrap_or(before.bars)) + day.bars.len();
            let attempts = attempts + 1;
            let (of_all, of_one) = MAX_GAPS;
            let mut collected = CollectedSymbol {
                queried_as: (queried_as != symbol).then(|| queried_as.clone()),
                gaps: (gaps.len() <= (of_all / requested.max(1)).max(of_one)).then_some(gaps),
                attempts,
                refusals: *refusals,
                written: (written != bars).then_some(written),
                remarks,
                ..CollectedSymbol::new(symbol.clone(), bars, expected)
            };
            if attempts < MAX_ATTEMPTS && is_worth_an_attempt(&collected) {
                collected.first_attempt = Some(Box::new(second_attempt::first_attempt(day, requested)));
            }
            symbols.insert(SymbolOutcome::Collected(collected));
        }
    }
}

/// A further attempt for a symbol that has bars has brought none.
fn record_failed_again(collected: &mut CollectedSymbol, failure: &Failure, refusals: u32) {
    collected.attempts += attempts_of(failure);
    collected.refusals = refusals;
    if collected.attempts >= MAX_ATTEMPTS {
        collected.first_attempt = None;
    }
    if failure.reason == Reason::SessionNotOver {
        collected.remarks.retain(|remark| remark.kind != RemarkKind::HoursDiffer);
        collected.remarks.push(Remark {
            kind: RemarkKind::HoursDiffer,
            bars: collected.bars,
            detail: format!("collected too early: {}", failure.detail),
        });
        collected.session_ends_at = failure.session_ends_at;
    }
}

/// Whether it counts as an attempt: a session that is not over says nothing yet of its bars.
fn attempts_of(failure: &Failure) -> u32 {
    u32::from(failure.counts_as_attempt && failure.reason != Reason::SessionNotOver)
}

/// Whether the exchanges of all symbols that trade were closed that day.
pub fn is_exchange_closed(symbols: &Outcomes) -> bool {
    let is_traded = |symbol: &&FailedSymbol| !matches!(symbol.reason, Reason::UnknownSymbol | Reason::NotTradedHere);
    let mut known = symbols.failed().filter(is_traded).peekable();
    symbols.collected().next().is_none()
        && known.peek().is_some()
        && known.all(|symbol| symbol.reason == Reason::NoSession)
}
