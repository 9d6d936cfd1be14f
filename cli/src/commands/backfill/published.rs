//! The published CSV of a day in the bucket, in its newest version, whichever run wrote it.
//!
//! Which version is downloaded is not decided here: `run` and `follow` take the versions that the run itself published
//! (`commands/follow.rs`), and so does a day that `backfill` runs (`backfill/day.rs`); a day that is already done takes
//! the newest, which this module reads.

use std::{collections::BTreeMap, fs, path::Path};

use aws_sdk_s3::Client;
use local::write_atomic;
use shared::{
    S3Uri, Symbol, hourly_extreme,
    payload::{CollectedSymbol, SymbolOutcomes},
};

use crate::aws::s3::{self, Object};

/// A published CSV, and the number of bars that each symbol has in it.
pub struct Published {
    object: Object,
    bars: BTreeMap<Symbol, usize>,
}

impl Published {
    /// The CSV at `uri`; `None` when it is missing or cannot be read, so that the day is run.
    pub async fn at(client: &Client, uri: &S3Uri) -> Option<Self> {
        Self::read(s3::get(client, uri, None).await.ok()?)
    }

    fn read(object: Object) -> Option<Self> {
        let mut bars = BTreeMap::new();
        for row in hourly_extreme::read(&object.content).ok()? {
            *bars.entry(row.symbol).or_default() += row.bars as usize;
        }
        Some(Self { object, bars })
    }

    pub fn is_simulated(&self) -> bool {
        self.object.simulated
    }

    /// Whether it still has what a run has collected: another run of the day may have replaced it.
    pub fn still_has(&self, symbols: &SymbolOutcomes) -> bool {
        symbols.collected.iter().all(|symbol| {
            self.bars.get(&symbol.symbol).is_some_and(|bars| (symbol.bars..=symbol.expected).contains(bars))
        })
    }

    /// The symbols with all their bars, `expected` of each; `None` when one bar is missing. No two intervals give a
    /// session the same number of bars, so this checks the interval, too.
    pub fn complete(&self, symbols: &[Symbol], expected: usize) -> Option<SymbolOutcomes> {
        let collected = symbols.iter().map(|symbol| {
            let bars = *self.bars.get(symbol).filter(|bars| **bars == expected)?;
            Some(CollectedSymbol {
                symbol: symbol.clone(),
                queried_as: None,
                bars,
                expected,
                gaps: Some(vec![]),
                attempts: 0,
                unanswered: 0,
            })
        });
        Some(SymbolOutcomes { collected: collected.collect::<Option<_>>()?, failed: vec![] })
    }

    /// Saves the CSV and the newest report to `folder`, unless the same CSV and a report are there.
    ///
    /// # Errors
    /// When the report cannot be downloaded, or a file not written.
    pub async fn save_to(&self, client: &Client, report: &S3Uri, folder: &Path) -> anyhow::Result<()> {
        let csv = folder.join("hourly_extremes.csv");
        if fs::read(&csv).is_ok_and(|saved| saved == self.object.content) && folder.join(report.file_name()).exists() {
            return Ok(());
        }
        s3::fetch(client, report, None, folder).await?;
        write_atomic(&csv, &self.object.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// META has 18 bars and SNAP 17.
    fn published() -> Option<Published> {
        let row = |name: &str, hour: u8, bars: u32| {
            let at = format!("2026-11-20T{hour:02}:30:00-05:00");
            format!("{name},{name},2026-11-20,{hour},{at},2,{at},1,{bars},100\n")
        };
        let rows = [row("META", 9, 6), row("META", 10, 12), row("SNAP", 9, 6), row("SNAP", 10, 11)].concat();
        let content = format!("{}\n{rows}", hourly_extreme::COLUMNS.join(",")).into_bytes();
        Published::read(Object { content, simulated: true })
    }

    fn collected(symbol: &str, bars: usize, expected: usize) -> Result<CollectedSymbol, shared::symbol::InvalidSymbol> {
        Ok(CollectedSymbol {
            symbol: symbol.parse()?,
            queried_as: None,
            bars,
            expected,
            gaps: None,
            attempts: 1,
            unanswered: 0,
        })
    }

    #[test]
    fn an_export_is_a_runs_own_when_it_holds_its_bars() -> Outcome {
        let export = published().ok_or("not a CSV")?;
        for (symbol, bars, expected, held) in [
            ("META", 18, 18, true),
            ("SNAP", 16, 18, true), // collected again since, with one bar more
            ("SNAP", 18, 18, false),
            ("META", 6, 6, false), // longer bars
            ("TTD", 18, 18, false),
        ] {
            let symbols = SymbolOutcomes { collected: vec![collected(symbol, bars, expected)?], failed: vec![] };
            assert_eq!(export.still_has(&symbols), held, "{symbol} {bars} of {expected}");
        }
        Ok(())
    }

    #[test]
    fn an_export_is_complete_when_no_bar_of_any_symbol_is_missing() -> Outcome {
        let export = published().ok_or("not a CSV")?;
        let complete = |names: &[&str], expected| -> Result<bool, Box<dyn std::error::Error>> {
            let symbols: Vec<Symbol> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
            Ok(export.complete(&symbols, expected).is_some())
        };
        assert!(complete(&["META"], 18)?);
        assert!(!complete(&["META", "SNAP"], 18)?);
        assert!(!complete(&["META", "TTD"], 18)?);
        assert!(!complete(&["META"], 6)?);
        let content = format!("{}\nMETA,many\n", hourly_extreme::COLUMNS.join(",")).into_bytes();
        assert!(Published::read(Object { content, simulated: false }).is_none());
        Ok(())
    }
}
