//! Whether the query saw every bar of the run: compared for each symbol by itself, since bars that one symbol has beyond
//! what was collected do not make up for those that another lacks.
//!
//! A bar that two attempts wrote counts twice. A symbol has more when an attempt wrote its bars and died before it answered.

use std::{collections::BTreeMap, fmt};

use shared::{Symbol, payload::CollectedSymbol};

use crate::query_result::SeenSymbol;

/// How many symbols that lack bars are named; the rest is counted.
const NAMED: usize = 5;

/// What the query saw of the bars that were collected.
#[derive(Debug, PartialEq, Eq)]
pub struct Completeness<'a> {
    /// The number of bars that were collected, less one for each that was written and not seen: less than were collected in
    /// all exactly while some are missing.
    pub bars_seen: usize,
    /// The symbols of which it saw fewer bars than were collected.
    pub missing: Missing<'a>,
}

/// Symbols with the number of bars that the query saw, and that were written.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing<'a>(Vec<(&'a Symbol, usize, usize)>);

impl<'a> Completeness<'a> {
    /// Compares the run's bars in the query's result, by symbol, with what was collected.
    pub fn of(collected: &'a [CollectedSymbol], symbols: &BTreeMap<Symbol, SeenSymbol>) -> Self {
        let (mut bars_seen, mut missing) = (0, vec![]);
        for CollectedSymbol { symbol, bars, written, .. } in collected {
            let (seen, written) = (symbols.get(symbol).map_or(0, |seen| seen.run_bars), written.unwrap_or(*bars));
            // Not 0 where a bar was seen: the state machine takes that for a partition that is not known yet.
            let at_least = usize::from(seen > 0 && *bars > 1);
            bars_seen += bars.saturating_sub(written.saturating_sub(seen)).max(at_least);
            if seen < written {
                missing.push((symbol, seen, written));
            }
        }
        Self { bars_seen, missing: Missing(missing) }
    }
}

impl Missing<'_> {
    /// Whether no bar of any symbol is missing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().take(NAMED).map(|(symbol, seen, bars)| format!("{symbol} {seen} of {bars}"));
        f.write_str(&named.collect::<Vec<_>>().join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    type Counts<'a> = &'a [(&'a str, usize)];

    #[test]
    fn bars_of_two_attempts_are_needed_twice() -> Result<(), Box<dyn std::error::Error>> {
        let collected = [CollectedSymbol { written: Some(155), ..CollectedSymbol::new("META".parse()?, 77, Some(78)) }];
        for (run_bars, seen, missing) in
            [(0, 0, "META 0 of 155"), (78, 1, "META 78 of 155"), (154, 76, "META 154 of 155"), (155, 77, "")]
        {
            let symbols =
                [("META".parse()?, SeenSymbol { run_bars, restated: true, collected_at: Timestamp::UNIX_EPOCH })]
                    .into();
            let found = Completeness::of(&collected, &symbols);
            assert_eq!((found.bars_seen, found.missing.to_string()), (seen, missing.to_owned()), "{run_bars}");
        }
        Ok(())
    }

    fn compared(collected: Counts, run_bars: Counts) -> Result<(usize, String), Box<dyn std::error::Error>> {
        let one = |symbol: &str, bars| Ok(CollectedSymbol::new(symbol.parse()?, bars, Some(78)));
        let collected = collected.iter().map(|(symbol, bars)| one(symbol, *bars));
        let collected = collected.collect::<Result<Vec<_>, shared::symbol::InvalidSymbol>>()?;
        let seen = |run_bars| SeenSymbol { run_bars, restated: false, collected_at: Timestamp::UNIX_EPOCH };
        let symbols = run_bars.iter().map(|(symbol, bars)| Ok((symbol.parse()?, seen(*bars))));
        let symbols = symbols.collect::<Result<_, shared::symbol::InvalidSymbol>>()?;
        let found = Completeness::of(&collected, &symbols);
        assert_eq!(found.missing.is_empty(), found.bars_seen == collected.iter().map(|one| one.bars).sum::<usize>());
        Ok((found.bars_seen, found.missing.to_string()))
    }

    #[test]
    fn each_symbol_needs_its_own_bars() -> Result<(), Box<dyn std::error::Error>> {
        let many: Vec<_> = (0..7).map(|n| (["A", "B", "C", "D", "E", "F", "G"][n], n + 1)).collect();
        for (collected, run_bars, seen, missing) in [
            (&[("META", 78)][..], &[("META", 78)][..], 78, ""),
            (&[("META", 78)], &[("META", 77)], 77, "META 77 of 78"),
            (&[("META", 78)], &[], 0, "META 0 of 78"),
            // An attempt wrote 78 bars of META and died; its retry got 70, and 78 of SNAP, of which 8 are not there yet.
            (&[("META", 70), ("SNAP", 78)], &[("META", 78), ("SNAP", 70)], 140, "SNAP 70 of 78"),
            (&[("META", 70)], &[("META", 78)], 70, ""),
            // A symbol of an earlier attempt that has failed in the end.
            (&[("META", 78)], &[("META", 78), ("SNAP", 12)], 78, ""),
            (&many, &[], 0, "A 0 of 1, B 0 of 2, C 0 of 3, D 0 of 4, E 0 of 5 and 2 more"),
        ] {
            assert_eq!(compared(collected, run_bars)?, (seen, missing.to_owned()), "{collected:?} {run_bars:?}");
        }
        Ok(())
    }
}
