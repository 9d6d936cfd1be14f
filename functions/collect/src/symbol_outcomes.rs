//! The outcome of each symbol over all attempts of a run: what an attempt adds, which symbols are worth another
//! attempt, and what the outcomes say of the day.

use shared::{
    Gap, Interval,
    payload::{CollectOutcome, CollectedSymbol, FailedSymbol, Reason, SymbolOutcomes},
};

use crate::{
    fetch::FetchedSymbol,
    pending::{MAX_ATTEMPTS, Pending},
};

/// The most gaps of all symbols together; at 15 bytes each they leave room for the rest in the 256 KiB that Step
/// Functions passes between states. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MAX_GAPS: usize = 8_000;

/// The symbols to request when a collection that ended as `outcome` is resumed.
pub fn pending(symbols: &SymbolOutcomes, outcome: CollectOutcome) -> Vec<Pending> {
    // When the time ran out, the collection is resumed at once, which is too early for a second attempt.
    let max_attempts = if outcome == CollectOutcome::OutOfTime { 1 } else { MAX_ATTEMPTS };
    let failed = symbols.failed.iter().filter(|symbol| symbol.attempts < max_attempts && may_change(symbol.reason));
    let failed = failed.map(|FailedSymbol { symbol, reason, attempts, .. }| Pending {
        symbol: symbol.clone(),
        attempts: *attempts,
        was_blocked: *reason == Reason::Blocked && *attempts > 0,
    });
    let short = symbols.collected.iter().filter(|symbol| symbol.attempts < max_attempts && is_worth_an_attempt(symbol));
    failed.chain(short.map(|symbol| Pending { attempts: symbol.attempts, ..Pending::from(&symbol.symbol) })).collect()
}

/// Whether an attempt minutes later may bring what this one did not: bars come late, and a session that is not over lasts
/// longer.
fn may_change(reason: Reason) -> bool {
    reason == Reason::NoTrades || reason.is_temporary() && reason != Reason::SessionNotOver
}

/// A symbol with too many gaps to list is traded so thinly that a second attempt would not fill them.
fn is_worth_an_attempt(symbol: &CollectedSymbol) -> bool {
    symbol.is_short() && symbol.gaps.is_some()
}

/// Adds the result of one attempt to the outcomes of `requested` symbols. The bars of both attempts are in the lake, so
/// a bar is missing where both lack it.
pub fn record(symbols: &mut SymbolOutcomes, fetched: &FetchedSymbol, interval: Interval, requested: usize) {
    let FetchedSymbol { pending: Pending { symbol, attempts, was_blocked }, queried_as, day } = fetched;
    let known = symbols.collected.iter().position(|collected| collected.symbol == *symbol);
    match (day, known) {
        (Err(failure), Some(at)) => symbols.collected[at].attempts += u32::from(failure.counts_as_attempt),
        (Err(failure), None) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            symbols.failed.push(FailedSymbol {
                symbol: symbol.clone(),
                reason: failure.reason,
                detail: failure.detail.clone(),
                attempts: attempts + u32::from(failure.counts_as_attempt),
            });
        }
        (Ok(day), known) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            let present = day.bars.iter().map(|bar| bar.start).collect();
            let mut gaps = day.session.gaps(interval, &present);
            if let Some(before) = known.and_then(|at| symbols.collected[at].gaps.as_ref()) {
                gaps = Gap::common(before, &gaps, interval);
            }
            let expected = day.session.expected_bars(interval);
            let collected = CollectedSymbol {
                symbol: symbol.clone(),
                queried_as: (queried_as != symbol).then(|| queried_as.clone()),
                bars: expected.saturating_sub(Gap::count(&gaps, interval)),
                expected,
                gaps: (gaps.len() <= MAX_GAPS / requested.max(1)).then_some(gaps),
                // A blocked request does not count once a later one is answered.
                attempts: if *was_blocked { 1 } else { attempts + 1 },
            };
            match known {
                Some(at) => symbols.collected[at] = collected,
                None => symbols.collected.push(collected),
            }
        }
    }
}

/// Whether every symbol failed because there is no data, and none because the market blocked a request or failed.
pub fn all_without_data(failed: &[FailedSymbol]) -> bool {
    let has_no_data = |reason| matches!(reason, Reason::NoSession | Reason::UnknownSymbol | Reason::NoTrades);
    failed.iter().all(|symbol| has_no_data(symbol.reason))
}

/// Whether the exchanges of all symbols that Yahoo knows were closed.
pub fn is_exchange_closed(failed: &[FailedSymbol]) -> bool {
    let has = |reason| failed.iter().any(|symbol| symbol.reason == reason);
    has(Reason::NoSession) && !has(Reason::NoTrades)
}
