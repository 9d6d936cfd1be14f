//! What is published of a day, whichever run exported it: the CSV and the report that the day's manifest names.
//!
//! `run` and `follow` take the run's own files instead, which its output names (`commands/follow.rs`), and so does a day that
//! `backfill` runs (`backfill/day.rs`), or ran over symbols that were given by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use shared::{
    ExportFiles, Manifest, MarketSource, PublishedDay, Symbol, hourly_extreme,
    payload::{CollectedSymbol, SymbolOutcomes},
};

use crate::{
    aws::{
        export_files,
        s3::{self, Object},
        target::Target,
    },
    trading_day::BarsByHour,
};

/// The published files of a day, and the bars that each symbol has in the CSV.
pub struct Published {
    files: ExportFiles,
    csv: Object,
    report: Object,
    bars: BTreeMap<Symbol, BarsByHour>,
    /// The sources that the rows name.
    sources: BTreeSet<String>,
}

impl Published {
    /// What the manifest of a day names; `None` where something is missing or cannot be read, so that the day is run.
    ///
    /// Where the run's own files are deleted after the stack's `RunRetentionDays`, the day's copies of them remain.
    ///
    /// # Errors
    /// When the stack has no bucket.
    pub async fn of_day(target: &Target, day: &PublishedDay) -> anyhow::Result<Option<Self>> {
        let bucket = target.output("DataBucket")?;
        let manifest = s3::get(&target.s3, &Manifest::uri(bucket, day)).await.ok().flatten();
        let manifest = manifest.and_then(|object| serde_json::from_slice::<Manifest>(&object.content).ok());
        let Some(Manifest { files, .. }) = manifest else { return Ok(None) };
        for files in [files, ExportFiles::of_day(bucket, day)] {
            let (csv, report) = (s3::get(&target.s3, &files.csv).await, s3::get(&target.s3, &files.report).await);
            match (csv, report) {
                (Ok(Some(csv)), Ok(Some(report))) => return Ok(Self::read(files, csv, report)),
                (Err(_), _) | (_, Err(_)) => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The files of a run that publishes nothing else; `None` where one is gone or cannot be read, so that the day is run.
    pub async fn of_files(target: &Target, files: ExportFiles) -> Option<Self> {
        let csv = s3::get(&target.s3, &files.csv).await.ok().flatten()?;
        let report = s3::get(&target.s3, &files.report).await.ok().flatten()?;
        Self::read(files, csv, report)
    }

    fn read(files: ExportFiles, csv: Object, report: Object) -> Option<Self> {
        let (mut bars, mut sources): (BTreeMap<_, BarsByHour>, BTreeSet<_>) = Default::default();
        for row in hourly_extreme::read(&csv.content).ok()? {
            sources.extend(row.source.map(|source| source.to_string()));
            bars.entry(row.symbol).or_default().add(row.hour, row.bars as usize);
        }
        Some(Self { files, csv, report, bars, sources })
    }

    pub fn is_simulated(&self) -> bool {
        self.csv.simulated
    }

    /// Whether no price is from another source than this one; of simulated prices that is not known.
    pub fn is_of(&self, source: MarketSource) -> bool {
        self.is_simulated() || self.sources.iter().all(|name| *name == source.name)
    }

    /// Whether it still has what a run has collected: another run of the day may have replaced it.
    pub fn still_has(&self, symbols: &SymbolOutcomes) -> bool {
        symbols.collected.iter().all(|symbol| {
            let most = symbol.expected.unwrap_or(usize::MAX);
            self.bars.get(&symbol.symbol).is_some_and(|bars| (symbol.bars..=most).contains(&bars.sum()))
        })
    }

    /// The symbols with all their bars; `None` when one of those `expected` is missing. A few more may be there, which traded
    /// outside of the session; half as many more are those of a shorter interval.
    pub fn complete(&self, symbols: &[Symbol], expected: &BarsByHour) -> Option<SymbolOutcomes> {
        let collected = symbols.iter().map(|symbol| {
            let is_whole =
                |bars: &&BarsByHour| bars.within(expected) == expected.sum() && 2 * bars.sum() < 3 * expected.sum();
            let bars = self.bars.get(symbol).filter(is_whole)?;
            let symbol = CollectedSymbol::new(symbol.clone(), bars.sum(), Some(bars.sum()));
            Some(CollectedSymbol { gaps: Some(vec![]), attempts: 0, ..symbol })
        });
        Some(SymbolOutcomes { collected: collected.collect::<Option<_>>()?, failed: vec![] })
    }

    /// Saves both files in `folder`.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn save_to(&self, folder: &Path) -> anyhow::Result<()> {
        export_files::save(&self.files.report, &self.report, folder)?;
        export_files::save(&self.files.csv, &self.csv, folder)
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
            format!("{name},{name},2026-11-20,{hour},{at},2,{at},1,{bars},100,USD,1,2,simulated,\n")
        };
        let rows = [row("META", 9, 6), row("META", 10, 12), row("SNAP", 9, 6), row("SNAP", 10, 11)].concat();
        let content = format!("{}\n{rows}", hourly_extreme::COLUMNS.join(",")).into_bytes();
        read(content)
    }

    fn read(csv: Vec<u8>) -> Option<Published> {
        let object = |content| Object { content, etag: String::new(), simulated: true };
        let files = ExportFiles::of_run("lake", "2026-11-20".parse().ok()?, &"run-1".parse().ok()?);
        Published::read(files, object(csv), object(vec![]))
    }

    fn collected(symbol: &str, bars: usize, expected: usize) -> Result<CollectedSymbol, shared::symbol::InvalidSymbol> {
        Ok(CollectedSymbol::new(symbol.parse()?, bars, Some(expected)))
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
    fn an_export_of_the_first_ten_columns_still_counts() -> Outcome {
        let ten = hourly_extreme::COLUMNS[..10].join(",");
        let at = "2026-11-20T09:30:00-05:00";
        let export =
            read(format!("{ten}\nMeta,META,2026-11-20,9,{at},2,{at},1,6,100\n").into_bytes()).ok_or("not a CSV")?;
        assert!(export.complete(&["META".parse()?], &"09 6".to_owned().try_into()?).is_some());
        Ok(())
    }

    #[test]
    fn an_export_is_complete_when_no_bar_of_any_symbol_is_missing() -> Outcome {
        let export = published().ok_or("not a CSV")?;
        for (names, expected, is_complete) in [
            (&["META"][..], "09 6,10 12", true),
            (&["META", "SNAP"], "09 6,10 12", false),
            (&["META", "TTD"], "09 6,10 12", false),
            // With a few bars after the close of 10:50, and with those of a shorter interval.
            (&["META"], "09 6,10 10", true),
            (&["META"], "09 3,10 6", false),
            // Bars after the close do not make up for a hole before it.
            (&["SNAP"], "09 7,10 10", false),
        ] {
            let symbols: Vec<Symbol> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
            let expected = BarsByHour::try_from(expected.to_owned())?;
            assert_eq!(export.complete(&symbols, &expected).is_some(), is_complete, "{names:?} {expected:?}");
        }
        let content = format!("{}\nMETA,many\n", hourly_extreme::COLUMNS.join(",")).into_bytes();
        assert!(read(content).is_none());
        Ok(())
    }
}
