//! What is known of each symbol, over all askings of a run: what an answer adds, and which symbols are
//! worth another asking.

use shared::{
    Gap, Interval, Symbol,
    payload::{CollectOutcome, CollectedSymbol, FailedSymbol, Reason, SymbolOutcomes},
};

use crate::round::Answer;

/// A symbol is asked for its day once more, later, when the first answer was not whole.
pub const ASKINGS: u32 = 2;

/// Gaps of all symbols together; at 15 bytes each they leave room for the rest in the 256 KiB that a
/// state may pass on. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MAX_GAPS: usize = 8_000;

/// A symbol that is to be asked for.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The symbol.
    pub symbol: Symbol,
    /// How many times the market was asked for it.
    pub asked: u32,
    /// Whether the market refused to answer for it.
    pub was_refused: bool,
}

impl From<&Symbol> for Pending {
    fn from(symbol: &Symbol) -> Self {
        Self { symbol: symbol.clone(), asked: 0, was_refused: false }
    }
}

/// The symbols to ask for when a collection that ended as `outcome` goes on.
pub fn pending(symbols: &SymbolOutcomes, outcome: CollectOutcome) -> Vec<Pending> {
    // When only the time was up, it is too early to ask a second time.
    let askings = if outcome == CollectOutcome::OutOfTime { 1 } else { ASKINGS };
    let failed = symbols.failed.iter().filter(|symbol| symbol.asked < askings && may_change(symbol.reason));
    let failed = failed.map(|FailedSymbol { symbol, reason, asked, .. }| Pending {
        symbol: symbol.clone(),
        asked: *asked,
        was_refused: *reason == Reason::Blocked && *asked > 0,
    });
    let short = symbols.collected.iter().filter(|symbol| symbol.asked < askings && is_worth_asking(symbol));
    failed.chain(short.map(|symbol| Pending { asked: symbol.asked, ..Pending::from(&symbol.symbol) })).collect()
}

/// Whether a later asking may find what this one did not.
fn may_change(reason: Reason) -> bool {
    matches!(reason, Reason::Blocked | Reason::NotAsked | Reason::Unavailable | Reason::Malformed | Reason::NoTrades)
}

/// A symbol with gaps that were not listed trades so thinly that no asking will fill them.
fn is_worth_asking(symbol: &CollectedSymbol) -> bool {
    symbol.is_short() && symbol.gaps.is_some()
}

/// Adds an answer to what is known; the bars of both askings are in the lake, so what stays missing
/// is what is missing in both.
pub fn record(symbols: &mut SymbolOutcomes, answer: &Answer, interval: Interval, wanted: usize) {
    let Answer { pending: Pending { symbol, asked, was_refused }, asked_as, day } = answer;
    let known = symbols.collected.iter().position(|collected| collected.symbol == *symbol);
    match (day, known) {
        (Err(failure), Some(at)) => symbols.collected[at].asked += u32::from(failure.asked),
        (Err(failure), None) => {
            symbols.failed.retain(|failed| failed.symbol != *symbol);
            symbols.failed.push(FailedSymbol {
                symbol: symbol.clone(),
                reason: failure.reason,
                detail: failure.detail.clone(),
                asked: asked + u32::from(failure.asked),
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
                asked_as: (asked_as != symbol).then(|| asked_as.clone()),
                bars: expected.saturating_sub(Gap::count(&gaps, interval)),
                expected,
                gaps: (gaps.len() <= MAX_GAPS / wanted.max(1)).then_some(gaps),
                // A refusal that was followed by an answer is none of the two askings.
                asked: if *was_refused { 1 } else { asked + 1 },
            };
            match known {
                Some(at) => symbols.collected[at] = collected,
                None => symbols.collected.push(collected),
            }
        }
    }
}
