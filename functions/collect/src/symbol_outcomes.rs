//! The outcome of each symbol over all attempts of a run: what an attempt adds, which symbols are worth another
//! attempt, and what the outcomes say of the day.

use std::collections::BTreeSet;

use jiff::Timestamp;
use shared::{
    Gap, Interval,
    payload::{CollectOutcome, CollectedSymbol, FailedSymbol, Reason, Remark, SymbolOutcomes},
};

use crate::{
    fetch::FetchedSymbol,
    pending::{MAX_ATTEMPTS, Pending},
    scale,
};

/// The most gaps of all symbols together; at 15 bytes each they leave room for the rest in the 256 KiB that Step
/// Functions passes between states. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MAX_GAPS: usize = 6_000;

/// The most bytes that the details of the remarks on all symbols take together, for the same reason.
const MAX_REMARKS_BYTES: usize = 30_000;

/// The symbols to request when a collection that ended as `outcome` is resumed at `now`.
pub fn pending(symbols: &SymbolOutcomes, outcome: CollectOutcome, now: Timestamp) -> Vec<Pending> {
    // When the time ran out, the collection is resumed at once, and after an outage soon: too early for a second attempt.
    let is_soon = matches!(outcome, CollectOutcome::OutOfTime | CollectOutcome::Unavailable);
    let max_attempts = if is_soon { 1 } else { MAX_ATTEMPTS };
    // The state machine has waited for the sessions, unless it was told to be quicker.
    let has_ended = |symbol: &FailedSymbol| {
        symbol.reason == Reason::SessionNotOver
            && (outcome == CollectOutcome::SessionOpen || symbol.session_ends_at.is_none_or(|end| end <= now))
    };
    let is_wanted = |symbol: &FailedSymbol| is_open(symbol) && symbol.attempts < max_attempts || has_ended(symbol);
    let failed = symbols.failed.iter().filter(|symbol| is_wanted(symbol));
    let failed = failed.map(|FailedSymbol { symbol, attempts, refusals, .. }| Pending {
        symbol: symbol.clone(),
        attempts: *attempts,
        refusals: *refusals,
    });
    let short = symbols.collected.iter().filter(|symbol| symbol.attempts < max_attempts && is_worth_an_attempt(symbol));
    let short = short.map(|CollectedSymbol { symbol, attempts, refusals, .. }| Pending {
        symbol: symbol.clone(),
        attempts: *attempts,
        refusals: *refusals,
    });
    failed.chain(short).collect()
}

/// Whether no symbol is worth a further attempt.
pub fn is_complete(symbols: &SymbolOutcomes) -> bool {
    let mut failed = symbols.failed.iter().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    let mut collected = symbols.collected.iter().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    !failed.any(is_open) && !collected.any(is_worth_an_attempt)
}

/// Whether the market has yet to answer, or an attempt minutes later may bring what this one did not: bars come late,
/// and a session that is not over lasts longer.
fn is_open(FailedSymbol { reason, attempts, .. }: &FailedSymbol) -> bool {
    *reason != Reason::SessionNotOver && (*attempts == 0 || *reason == Reason::NoTrades || reason.is_temporary())
}

/// When the sessions that are still going on have ended, if that is no later than `latest`; of several the last one.
pub fn sessions_end_by(symbols: &SymbolOutcomes, latest: Timestamp) -> Option<Timestamp> {
    let ends = symbols.failed.iter().filter(|symbol| symbol.reason == Reason::SessionNotOver);
    ends.filter_map(|symbol| symbol.session_ends_at).filter(|end| *end <= latest).max()
}

/// A symbol with too many gaps to list is traded so thinly that a second attempt would not fill them.
fn is_worth_an_attempt(symbol: &CollectedSymbol) -> bool {
    symbol.is_short() && symbol.gaps.is_some()
}

/// Adds the result of one attempt to the outcomes of `requested` symbols. The bars of both attempts are in the lake, so
/// a bar is missing where both lack it, or where the earlier one has it at another scale.
pub fn record(symbols: &mut SymbolOutcomes, fetched: &FetchedSymbol, interval: Interval, requested: usize) {
    let FetchedSymbol { pending: Pending { symbol, attempts, refusals }, queried_as, day, .. } = fetched;
    let known = symbols.collected.iter().position(|collected| collected.symbol == *symbol);
    match (day, known) {
        (Err(failure), Some(at)) => {
            symbols.collected[at].attempts += u32::from(failure.counts_as_attempt);
            symbols.collected[at].refusals = *refusals;
        }
        (Err(failure), None) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            symbols.failed.push(FailedSymbol {
                symbol: symbol.clone(),
                reason: failure.reason,
                detail: failure.detail.clone(),
                // A session that is not over says nothing yet of its bars.
                attempts: attempts + u32::from(failure.counts_as_attempt && failure.reason != Reason::SessionNotOver),
                session_ends_at: failure.session_ends_at,
                refusals: *refusals,
            });
        }
        (Ok(day), known) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            let before = known.map(|at| &symbols.collected[at]);
            let fills = before.filter(|before| scale::agrees(before.scale.as_ref(), day));
            let mut gaps = day.gaps(interval);
            if let Some(before) = fills.and_then(|before| before.gaps.as_ref()) {
                gaps = Gap::common(before, &gaps, interval);
            }
            let expected = day.expected.as_ref().map(BTreeSet::len);
            let bars = expected.map_or(day.bars.len(), |expected| expected.saturating_sub(Gap::count(&gaps, interval)));
            let written = before.map_or(0, |before| before.written.unwrap_or(before.bars)) + day.bars.len();
            let mut remarks = day.remarks.clone();
            if let (Some(before), None) = (before, fills) {
                remarks.push(scale::restated(before.bars));
            }
            let attempts = attempts + 1;
            let gaps = (gaps.len() <= MAX_GAPS / requested.max(1)).then_some(gaps);
            let mut collected = CollectedSymbol {
                queried_as: (queried_as != symbol).then(|| queried_as.clone()),
                gaps,
                attempts,
                refusals: *refusals,
                written: (written != bars).then_some(written),
                remarks: short_enough(remarks, requested),
                ..CollectedSymbol::new(symbol.clone(), bars, expected)
            };
            if attempts < MAX_ATTEMPTS && is_worth_an_attempt(&collected) {
                collected.scale = Some(scale::of(day));
            }
            match known {
                Some(at) => symbols.collected[at] = collected,
                None => symbols.collected.push(collected),
            }
        }
    }
}

/// The remarks, without their details where those of all symbols are too long together.
fn short_enough(mut remarks: Vec<Remark>, requested: usize) -> Vec<Remark> {
    let length: usize = remarks.iter().map(|remark| remark.detail.len()).sum();
    if length > MAX_REMARKS_BYTES / requested.max(1) {
        for remark in &mut remarks {
            remark.detail = String::new();
        }
    }
    remarks
}

/// Whether the exchanges of all symbols that Yahoo knows were closed that day.
pub fn is_exchange_closed(symbols: &SymbolOutcomes) -> bool {
    let mut known = symbols.failed.iter().filter(|symbol| symbol.reason != Reason::UnknownSymbol).peekable();
    symbols.collected.is_empty() && known.peek().is_some() && known.all(|symbol| symbol.reason == Reason::NoSession)
}
