//! Whether the query saw every bar of the run: compared for each symbol by itself, since bars that one symbol has beyond
//! what was collected do not make up for those that another lacks.
//!
//! A symbol has more when an attempt wrote its bars and died before it answered, and the retry, of the same run, got fewer.

use std::{collections::BTreeMap, fmt};

use shared::{Symbol, payload::CollectedSymbol};

/// How many symbols that lack bars are named; the rest is counted.
const NAMED: usize = 5;

/// What the query saw of the bars that were collected.
#[derive(Debug, PartialEq, Eq)]
pub struct Completeness<'a> {
    /// The number of bars that it saw, of each symbol at most as many as were collected: less than were collected in all
    /// exactly while some are missing.
    pub bars_seen: usize,
    /// The symbols of which it saw fewer bars than were collected.
    pub missing: Missing<'a>,
}

/// Symbols with the number of bars that the query saw, and that were collected.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing<'a>(Vec<(&'a Symbol, usize, usize)>);

impl<'a> Completeness<'a> {
    /// Compares the run's bars in the query's result, by symbol, with what was collected.
    pub fn of(collected: &'a [CollectedSymbol], run_bars: &BTreeMap<Symbol, usize>) -> Self {
        let seen = |symbol| run_bars.get(symbol).copied().unwrap_or_default();
        let counts = || collected.iter().map(|one| (&one.symbol, seen(&one.symbol).min(one.bars), one.bars));
        Self {
            bars_seen: counts().map(|(_, seen, _)| seen).sum(),
            missing: Missing(counts().filter(|(_, seen, bars)| seen < bars).collect()),
        }
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
    use super::*;

    type Counts<'a> = &'a [(&'a str, usize)];

    fn compared(collected: Counts, run_bars: Counts) -> Result<(usize, String), Box<dyn std::error::Error>> {
        let one = |symbol: &str, bars| Ok(CollectedSymbol::new(symbol.parse()?, bars, Some(78)));
        let collected = collected.iter().map(|(symbol, bars)| one(symbol, *bars));
        let collected = collected.collect::<Result<Vec<_>, shared::symbol::InvalidSymbol>>()?;
        let run_bars = run_bars.iter().map(|(symbol, bars)| Ok((symbol.parse()?, *bars)));
        let run_bars = run_bars.collect::<Result<_, shared::symbol::InvalidSymbol>>()?;
        let found = Completeness::of(&collected, &run_bars);
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
