//! Where exports are in the data bucket, and which run's export is that of a day.
//!
//! A run keeps its files at an address of its own, below `runs/`. The day's manifest names the files of one run, so that
//! whoever reads it never gets the CSV of one run beside the report of another. Copies of them at the day's own address are
//! for people, and for scripts that expect them there.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Interval, ListName, RunId, S3Uri, TradeDate};

/// Where the outcome of each symbol of a run is, a line of JSON each: beside the run's other files.
pub fn symbol_outcomes(bucket: &str, trade_date: TradeDate, run_id: &RunId) -> S3Uri {
    S3Uri::new(bucket, format!("{}/symbols.jsonl", run_folder(trade_date, run_id)))
}

fn run_folder(trade_date: TradeDate, run_id: &RunId) -> String {
    format!("runs/trade_date={trade_date}/{run_id}")
}

/// The two files of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFiles {
    /// Where `hourly_extremes.csv` is.
    pub csv: S3Uri,
    /// Where `report.html` is.
    pub report: S3Uri,
}

impl ExportFiles {
    fn in_folder(bucket: &str, folder: &str) -> Self {
        let uri = |name| S3Uri::new(bucket, format!("{folder}/{name}"));
        Self { csv: uri("hourly_extremes.csv"), report: uri("report.html") }
    }

    /// A run's own files, which no other run replaces. The date is in their keys, so that the runs of a day can be listed.
    pub fn of_run(bucket: &str, trade_date: TradeDate, run_id: &RunId) -> Self {
        Self::in_folder(bucket, &run_folder(trade_date, run_id))
    }

    /// The copies at the day's own address. They are written one after the other, after the manifest, so they are those of
    /// two runs for a moment while one run replaces another.
    pub fn of_day(bucket: &str, day: &PublishedDay) -> Self {
        Self::in_folder(bucket, &day.to_string())
    }

    /// Both, in the order in which they are written: a CSV always has its report.
    pub fn in_order(&self) -> [&S3Uri; 2] {
        [&self.report, &self.csv]
    }
}

/// What one run after the other publishes: a list's day, in bars of one length. Runs over symbols that were given by hand
/// publish nothing but their own files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedDay {
    /// The list.
    pub list: ListName,
    /// The length of the bars.
    pub interval: Interval,
    /// The session.
    pub trade_date: TradeDate,
}

impl fmt::Display for PublishedDay {
    /// The folder in the data bucket: `exports/companies/interval=5m/trade_date=2026-11-20`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { list, interval, trade_date } = self;
        write!(f, "exports/{list}/interval={interval}/trade_date={trade_date}")
    }
}

/// The content of a day's `manifest.json`: the run whose export is the day's, and where its files are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The run.
    pub run_id: RunId,
    /// When its collection began, in UTC: of two runs the one that collected later is published.
    pub collected_at: Timestamp,
    /// Its files.
    #[serde(flatten)]
    pub files: ExportFiles,
}

impl Manifest {
    /// Where the manifest of a day is.
    pub fn uri(bucket: &str, day: &PublishedDay) -> S3Uri {
        S3Uri::new(bucket, format!("{day}/manifest.json"))
    }

    /// Whether it is to take the place of the one that is published: it is of the same run, or of one that collected later.
    /// The run ids decide between two that began to collect in one millisecond.
    pub fn replaces(&self, published: &Self) -> bool {
        let order = |of: &Self| (of.collected_at, of.run_id.clone());
        self.run_id == published.run_id || order(self) > order(published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn manifest(run_id: &str, collected_at: &str) -> Result<Manifest, Box<dyn std::error::Error>> {
        let run_id = run_id.parse()?;
        let files = ExportFiles::of_run("lake", "2026-11-20".parse()?, &run_id);
        Ok(Manifest { files, run_id, collected_at: collected_at.parse()? })
    }

    #[test]
    fn a_manifest_names_the_files_of_its_run() -> Outcome {
        let json = r#"{"run_id":"run-1","collected_at":"2026-11-20T22:30:00.123Z","csv":"s3://lake/runs/trade_date=2026-11-20/run-1/hourly_extremes.csv","report":"s3://lake/runs/trade_date=2026-11-20/run-1/report.html"}"#;
        let manifest = manifest("run-1", "2026-11-20T22:30:00.123Z")?;
        assert_eq!(serde_json::to_string(&manifest)?, json);
        assert_eq!(serde_json::from_str::<Manifest>(json)?, manifest);
        let outcomes = symbol_outcomes("lake", "2026-11-20".parse()?, &manifest.run_id);
        assert_eq!(outcomes.to_string(), "s3://lake/runs/trade_date=2026-11-20/run-1/symbols.jsonl");
        let (list, interval, trade_date) = (ListName::default(), Interval::FiveMinutes, "2026-11-20".parse()?);
        let day = PublishedDay { list, interval, trade_date };
        let folder = "s3://lake/exports/companies/interval=5m/trade_date=2026-11-20";
        assert_eq!(Manifest::uri("lake", &day).to_string(), format!("{folder}/manifest.json"));
        let copies = ExportFiles::of_day("lake", &day);
        assert_eq!(copies.csv.to_string(), format!("{folder}/hourly_extremes.csv"));
        assert_eq!(copies.in_order().map(S3Uri::file_name), ["report.html", "hourly_extremes.csv"]);
        Ok(())
    }

    #[test]
    fn the_run_that_collected_later_replaces_the_other() -> Outcome {
        let published = ("b", "2026-11-20T22:30:00Z");
        for (run_id, collected_at, replaces) in [
            ("a", "2026-11-20T22:30:01Z", true),
            ("c", "2026-11-20T22:30:00Z", true),
            ("a", "2026-11-20T22:30:00Z", false),
            ("c", "2026-11-20T22:29:59Z", false),
            ("b", "2026-11-20T22:30:00Z", true), // the same run, exported again
            ("b", "2026-11-20T22:29:59Z", true),
        ] {
            let published = manifest(published.0, published.1)?;
            assert_eq!(manifest(run_id, collected_at)?.replaces(&published), replaces, "{run_id} {collected_at}");
        }
        Ok(())
    }
}
