//! What is published of a day: its CSV in the bucket, whichever run wrote it last.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aws_sdk_s3::Client;
use serde::Deserialize;
use shared::{
    Symbol,
    payload::{CollectedSymbol, SymbolOutcomes},
};

use crate::aws::s3;

/// What a report says of made-up prices; a test finds it in the report's template.
const SIMULATED: &str = "Simulated prices.";

/// A published CSV, and how many bars each symbol has in it.
pub struct Published {
    content: Vec<u8>,
    bars: BTreeMap<Symbol, usize>,
}

/// A row of hourly_extremes.csv, as far as it counts here.
#[derive(Deserialize)]
struct Row {
    symbol: Symbol,
    bars: usize,
}

impl Published {
    /// The CSV at `s3://bucket/key`. One that is not there, or cannot be read, is as good as none: the day is run.
    pub async fn at(client: &Client, location: &str) -> Option<Self> {
        Self::read(s3::get(client, location, None).await.ok()?)
    }

    fn read(content: Vec<u8>) -> Option<Self> {
        let mut bars = BTreeMap::new();
        for row in csv::Reader::from_reader(content.as_slice()).deserialize() {
            let Row { symbol, bars: in_the_hour } = row.ok()?;
            *bars.entry(symbol).or_default() += in_the_hour;
        }
        Some(Self { content, bars })
    }

    /// Whether it holds what a run has collected: another run of the day may have taken its place.
    pub fn holds(&self, symbols: &SymbolOutcomes) -> bool {
        symbols.collected.iter().all(|symbol| {
            self.bars.get(&symbol.symbol).is_some_and(|bars| (symbol.bars..=symbol.expected).contains(bars))
        })
    }

    /// The symbols with all their bars, `expected` of each; `None` when one bar is missing. No two intervals give a
    /// session the same number of bars, so this tells the interval, too.
    pub fn complete(&self, symbols: &[Symbol], expected: usize) -> Option<SymbolOutcomes> {
        let collected = symbols.iter().map(|symbol| {
            let bars = *self.bars.get(symbol).filter(|bars| **bars == expected)?;
            Some(CollectedSymbol {
                symbol: symbol.clone(),
                asked_as: None,
                bars,
                expected,
                gaps: Some(vec![]),
                asked: 0,
            })
        });
        Some(SymbolOutcomes { collected: collected.collect::<Option<_>>()?, failed: vec![] })
    }

    /// Puts the CSV and its report into `folder`, unless they are there.
    ///
    /// # Errors
    /// When the report cannot be fetched, or a file not written.
    pub async fn save_to(&self, client: &Client, report: &str, folder: &Path) -> anyhow::Result<()> {
        let csv = folder.join("hourly_extremes.csv");
        if fs::read(&csv).is_ok_and(|kept| kept == self.content) && report_in(folder).exists() {
            return Ok(());
        }
        s3::fetch(client, report, None, folder).await?;
        s3::write_atomic(&self.content, &csv)?;
        Ok(())
    }
}

/// Whether the report in `folder` says that its prices are made up.
pub fn is_simulated(folder: &Path) -> bool {
    fs::read_to_string(report_in(folder)).is_ok_and(|report| report.contains(SIMULATED))
}

fn report_in(folder: &Path) -> PathBuf {
    folder.join("report.html")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const CSV: &str = "company_name,symbol,hour,bars\nMeta,META,9,6\nMeta,META,10,12\nSnap,SNAP,9,6\nSnap,SNAP,10,11\n";

    fn collected(symbol: &str, bars: usize, expected: usize) -> Result<CollectedSymbol, shared::symbol::InvalidSymbol> {
        Ok(CollectedSymbol { symbol: symbol.parse()?, asked_as: None, bars, expected, gaps: None, asked: 1 })
    }

    #[test]
    fn an_export_is_a_runs_own_when_it_holds_its_bars() -> Outcome {
        let export = Published::read(CSV.into()).ok_or("not a CSV")?;
        for (symbol, bars, expected, held) in [
            ("META", 18, 18, true),
            ("SNAP", 16, 18, true), // collected again since, with one bar more
            ("SNAP", 18, 18, false),
            ("META", 6, 6, false), // longer bars
            ("TTD", 18, 18, false),
        ] {
            let symbols = SymbolOutcomes { collected: vec![collected(symbol, bars, expected)?], failed: vec![] };
            assert_eq!(export.holds(&symbols), held, "{symbol} {bars} of {expected}");
        }
        Ok(())
    }

    #[test]
    fn an_export_is_complete_when_no_bar_of_any_symbol_is_missing() -> Outcome {
        let export = Published::read(CSV.into()).ok_or("not a CSV")?;
        let complete = |names: &[&str], expected| -> Result<bool, Box<dyn std::error::Error>> {
            let symbols: Vec<Symbol> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
            Ok(export.complete(&symbols, expected).is_some())
        };
        assert!(complete(&["META"], 18)?);
        assert!(!complete(&["META", "SNAP"], 18)?);
        assert!(!complete(&["META", "TTD"], 18)?);
        assert!(!complete(&["META"], 6)?);
        assert!(Published::read("symbol,bars\nMETA,many\n".into()).is_none());
        Ok(())
    }

    #[test]
    fn the_report_says_when_prices_are_simulated() -> Outcome {
        let folder = tempfile::tempdir()?;
        let template = include_str!("../../../../functions/export-csv/templates/report.html");
        assert!(!is_simulated(folder.path()));
        fs::write(report_in(folder.path()), template)?;
        assert!(is_simulated(folder.path()));
        Ok(())
    }
}
