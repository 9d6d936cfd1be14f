//! The outcome of each symbol over all attempts of a run: what an attempt adds, which symbols are worth another
//! attempt, and what the outcomes say of the day.

use std::cmp::Reverse;

use jiff::Timestamp;
use shared::{
    Interval,
    payload::{CollectOutcome, CollectedSymbol, FailedSymbol, Reason, Remark, RemarkKind, SymbolOutcomes},
};

use crate::{
    failure::Failure,
    fetch::FetchedSymbol,
    pending::{MAX_ATTEMPTS, Pending},
    second_attempt::{self, United},
    source::Source,
};

/// The most gaps of all symbols together; at 15 bytes each they leave room for the rest in the 256 KiB that Step
/// Functions passes between states. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MAX_GAPS: usize = 6_000;

/// The most bytes of all outcomes as JSON, for the same reason.
const MAX_BYTES: usize = 200_000;

/// The symbols to request of a source when a collection that ended as `outcome` is resumed at `now`.
pub fn pending(symbols: &SymbolOutcomes, outcome: CollectOutcome, source: &dyn Source, now: Timestamp) -> Vec<Pending> {
    // When the time ran out, the collection is resumed at once, and after an outage soon: too early for a second attempt.
    let is_soon = matches!(outcome, CollectOutcome::OutOfTime | CollectOutcome::Unavailable);
    let max_attempts = if is_soon { 1 } else { MAX_ATTEMPTS };
    // The state machine has waited for the sessions, unless it was told to be quicker.
    let is_due = |ends_at: Option<Timestamp>| outcome == CollectOutcome::SessionOpen || has_ended(ends_at, source, now);
    let is_wanted = |symbol: &FailedSymbol| match symbol.reason {
        Reason::SessionNotOver => is_due(symbol.session_ends_at),
        _ => is_open(symbol) && symbol.attempts < max_attempts,
    };
    let failed = symbols.failed.iter().filter(|symbol| is_wanted(symbol));
    let failed = failed.map(|FailedSymbol { symbol, attempts, refusals, .. }| Pending {
        symbol: symbol.clone(),
        attempts: *attempts,
        refusals: *refusals,
    });
    let is_wanted = |symbol: &CollectedSymbol| match symbol.session_ends_at {
        Some(_) => is_due(symbol.session_ends_at) && symbol.attempts < MAX_ATTEMPTS,
        None => is_worth_an_attempt(symbol) && symbol.attempts < max_attempts,
    };
    let collected = symbols.collected.iter().filter(|symbol| is_wanted(symbol));
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
pub fn is_complete(symbols: &SymbolOutcomes, source: &dyn Source, now: Timestamp) -> bool {
    let mut failed = symbols.failed.iter().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    let mut collected = symbols.collected.iter().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
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
pub fn sessions_end_by(symbols: &SymbolOutcomes, latest: Timestamp) -> Option<Timestamp> {
    let failed = symbols.failed.iter().filter(|symbol| symbol.reason == Reason::SessionNotOver);
    let collected = symbols.collected.iter().filter(|symbol| symbol.attempts < MAX_ATTEMPTS);
    let ends = failed.map(|symbol| symbol.session_ends_at).chain(collected.map(|symbol| symbol.session_ends_at));
    ends.flatten().filter(|end| *end <= latest).max()
}

/// A symbol with too many gaps to list is traded so thinly that a second attempt would not fill them. One whose session is
/// still going on gets its attempt after that.
fn is_worth_an_attempt(symbol: &CollectedSymbol) -> bool {
    symbol.is_short() && symbol.gaps.is_some() && symbol.session_ends_at.is_none()
}

/// Adds the result of one attempt to the outcomes of `requested` symbols. The bars of both attempts are in the lake.
pub fn record(symbols: &mut SymbolOutcomes, fetched: &FetchedSymbol, interval: Interval, requested: usize) {
    let FetchedSymbol { pending: Pending { symbol, attempts, refusals }, queried_as, day, .. } = fetched;
    let known = symbols.collected.iter().position(|collected| collected.symbol == *symbol);
    // A session that is not over says nothing yet of its bars.
    let is_attempt =
        |failure: &Failure| u32::from(failure.counts_as_attempt && failure.reason != Reason::SessionNotOver);
    match (day, known) {
        (Err(failure), Some(at)) => {
            let collected = &mut symbols.collected[at];
            collected.attempts += is_attempt(failure);
            collected.refusals = *refusals;
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
        (Err(failure), None) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            symbols.failed.push(FailedSymbol {
                symbol: symbol.clone(),
                reason: failure.reason,
                detail: failure.detail.clone(),
                attempts: attempts + is_attempt(failure),
                session_ends_at: failure.session_ends_at,
                refusals: *refusals,
            });
        }
        (Ok(day), known) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            let before = known.map(|at| &symbols.collected[at]);
            let United { bars, expected, gaps, remarks } = second_attempt::united(before, day, interval);
            let written = before.map_or(0, |before| before.written.unwrap_or(before.bars)) + day.bars.len();
            let attempts = attempts + 1;
            let mut collected = CollectedSymbol {
                queried_as: (queried_as != symbol).then(|| queried_as.clone()),
                gaps: (gaps.len() <= MAX_GAPS / requested.max(1)).then_some(gaps),
                attempts,
                refusals: *refusals,
                written: (written != bars).then_some(written),
                remarks,
                ..CollectedSymbol::new(symbol.clone(), bars, expected)
            };
            if attempts < MAX_ATTEMPTS && is_worth_an_attempt(&collected) {
                collected.first_attempt = Some(second_attempt::first_attempt(day, requested));
            }
            match known {
                Some(at) => symbols.collected[at] = collected,
                None => symbols.collected.push(collected),
            }
        }
    }
}

/// Leaves out the details of remarks, and after them lists of gaps, until the outcomes are short enough: the longest first.
pub fn shorten(symbols: &mut SymbolOutcomes) {
    let bytes = serde_json::to_vec(symbols).map_or(0, |json| json.len());
    let mut excess = bytes.saturating_sub(MAX_BYTES);
    let mut remarks: Vec<_> = symbols.collected.iter_mut().flat_map(|symbol| &mut symbol.remarks).collect();
    remarks.sort_by_key(|remark| Reverse(remark.detail.len()));
    for remark in remarks {
        let detail = if excess > 0 { std::mem::take(&mut remark.detail) } else { return };
        excess = excess.saturating_sub(detail.len());
    }
    let mut with_gaps: Vec<_> = symbols.collected.iter_mut().filter(|symbol| symbol.gaps.is_some()).collect();
    with_gaps.sort_by_key(|symbol| Reverse(symbol.gaps.as_ref().map(Vec::len)));
    for symbol in with_gaps {
        let length = |symbol: &CollectedSymbol| serde_json::to_vec(symbol).map_or(0, |json| json.len());
        if excess == 0 {
            return;
        }
        let before = length(symbol);
        (symbol.gaps, symbol.first_attempt) = (None, None);
        excess = excess.saturating_sub(before - length(symbol));
    }
}

/// Whether the exchanges of all symbols that trade were closed that day.
pub fn is_exchange_closed(symbols: &SymbolOutcomes) -> bool {
    let is_traded = |symbol: &&FailedSymbol| !matches!(symbol.reason, Reason::UnknownSymbol | Reason::NotTradedHere);
    let mut known = symbols.failed.iter().filter(is_traded).peekable();
    symbols.collected.is_empty() && known.peek().is_some() && known.all(|symbol| symbol.reason == Reason::NoSession)
}

#[cfg(test)]
mod tests {
    use shared::{Gap, payload::FirstAttempt};

    use super::*;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    /// So many symbols, each with all that may be said of one: `bytes` in the detail of each remark.
    fn wordy(symbols: usize, bytes: usize) -> Outcome<SymbolOutcomes> {
        let symbol = |n: usize| -> Outcome<CollectedSymbol> {
            let gap = |at: &str| at.parse::<Gap>();
            let gaps = ["10:00-10:05", "11:00"].into_iter().cycle().take(12).map(gap).collect::<Result<_, _>>()?;
            let kinds = [RemarkKind::HoursDiffer, RemarkKind::LeftOut, RemarkKind::Doubtful, RemarkKind::Restated];
            let remark = |kind| Remark { kind, bars: 1_000, detail: "é".repeat(bytes / 2) };
            let price = shared::Price::from_wire(123_456.78).ok_or("a price")?;
            let closes = vec![(1_795_000_000, price); 5];
            let first = FirstAttempt {
                session: (1_795_000_000, 1_795_000_000),
                currency: Some("USD".into()),
                closes,
                outside: vec![],
                doubtful: vec![],
            };
            Ok(CollectedSymbol {
                queried_as: Some(format!("Q{n:019}").parse()?),
                gaps: Some(gaps),
                written: Some(1_000),
                remarks: kinds.map(remark).into(),
                first_attempt: Some(first),
                ..CollectedSymbol::new(format!("S{n:019}").parse()?, 1_000, Some(1_000))
            })
        };
        Ok(SymbolOutcomes { collected: (0..symbols).map(symbol).collect::<Outcome<_>>()?, failed: vec![] })
    }

    #[test]
    fn outcomes_are_short_enough_for_the_state_machine_and_no_shorter() -> Outcome {
        let mut table = String::new();
        for (symbols, bytes) in [(10, 400), (500, 0), (500, 20), (500, 400)] {
            let mut outcomes = wordy(symbols, bytes)?;
            let before = serde_json::to_vec(&outcomes)?.len();
            shorten(&mut outcomes);
            let after = serde_json::to_vec(&outcomes)?.len();
            let details =
                outcomes.collected.iter().flat_map(|it| &it.remarks).filter(|it| !it.detail.is_empty()).count();
            let gaps = outcomes.collected.iter().filter(|it| it.gaps.is_some()).count();
            assert!(after <= MAX_BYTES && (after == before || after > MAX_BYTES - 1_000), "{before} to {after} bytes");
            table += &format!("{symbols} symbols: {before} bytes, {after}: {details} details, gaps of {gaps}\n");
        }
        insta::assert_snapshot!(table);
        Ok(())
    }
}
