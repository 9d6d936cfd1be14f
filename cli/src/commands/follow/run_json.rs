//! The JSON form of a run's result: of `run`, `follow` and `demo`.

use serde::Serialize;
use shared::{
    ListName, S3Uri, Symbol, TradeDate,
    payload::{CarriedOver, SymbolOutcomes},
};

use crate::output::json::Place;

#[derive(Debug, Serialize)]
pub struct RunJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    /// The execution's name.
    pub execution: &'a str,
    /// How long the execution took.
    pub seconds: f64,
    #[serde(flatten)]
    pub result: RunResultJson<'a>,
}

/// What became of a run.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunResultJson<'a> {
    /// The CSV and the report are complete, and downloaded.
    Exported {
        /// The list; `null` where the symbols were given by hand.
        list: Option<&'a ListName>,
        trade_date: TradeDate,
        /// The number of bars of all symbols.
        bars: usize,
        /// Whether no bar is missing, as far as that is known: the exit code is 0, otherwise 3.
        complete: bool,
        /// Whether the prices are simulated.
        simulated: bool,
        /// The outcome of each symbol, as in the execution's output.
        symbols: &'a SymbolOutcomes,
        /// The symbols of which bars of another scale or currency were left out.
        restated: &'a [Symbol],
        /// The symbols whose rows are of an earlier run, since this one has no bars of them.
        carried_over: &'a [CarriedOver],
        /// The run's own files in the data bucket.
        csv: &'a S3Uri,
        report: &'a S3Uri,
        /// The downloaded copies.
        files: FilesJson,
    },
    /// Nothing traded on that date.
    NoSession { trade_date: TradeDate, simulated: bool, symbols: &'a SymbolOutcomes },
    /// The execution failed.
    Failed {
        /// The error's name, such as `NoBars`.
        error: &'a str,
        /// The error's message.
        cause: &'a str,
        /// The state in which it failed, where that is known.
        state: Option<&'a str>,
        /// What to do about it.
        next: &'static str,
    },
}

/// The absolute paths of the downloaded files.
#[derive(Debug, Serialize)]
pub struct FilesJson {
    pub csv: String,
    pub report: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{
        hints,
        json::tests::{documented, place},
    };

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn run(result: RunResultJson) -> RunJson {
        RunJson { place: place(), execution: "manual-2026-11-20-1f0c7a3e", seconds: 10.2, result }
    }

    fn symbols() -> serde_json::Result<SymbolOutcomes> {
        serde_json::from_str(
            r#"{"collected": [{"symbol": "META", "bars": 77, "expected": 78, "gaps": ["10:05"], "attempts": 2}],
                "failed": [{"symbol": "ZZZZ", "reason": "unknown_symbol",
                            "detail": "No data found, symbol may be delisted", "attempts": 1}]}"#,
        )
    }

    #[test]
    fn an_export_names_its_symbols_and_files() -> Outcome {
        let folder =
            "s3://finstream-databucket-1/runs/trade_date=2026-11-20/manual-2026-11-20-1f0c7a3e.2026-11-20T223000.123Z";
        let (csv, report) = (format!("{folder}/hourly_extremes.csv"), format!("{folder}/report.html"));
        insta::assert_snapshot!(documented(&run(RunResultJson::Exported {
            list: Some(&ListName::default()),
            trade_date: "2026-11-20".parse()?,
            bars: 77,
            complete: false,
            simulated: true,
            symbols: &symbols()?,
            restated: &[],
            carried_over: &[],
            csv: &csv.parse()?,
            report: &report.parse()?,
            files: FilesJson {
                csv: "/home/me/results/2026-11-20/hourly_extremes.csv".to_owned(),
                report: "/home/me/results/2026-11-20/report.html".to_owned(),
            },
        }))?);
        Ok(())
    }

    #[test]
    fn a_day_without_a_session_has_no_files() -> Outcome {
        let symbols = SymbolOutcomes::default();
        let result = RunResultJson::NoSession { trade_date: "2026-11-21".parse()?, simulated: true, symbols: &symbols };
        insta::assert_snapshot!(documented(&run(result))?);
        Ok(())
    }

    #[test]
    fn a_failure_says_what_to_do() -> Outcome {
        let (error, cause, state) = ("NoBars", "ZZZZ: No data found, symbol may be delisted", Some("Collect"));
        let failed = RunResultJson::Failed { error, cause, state, next: hints::hint(error) };
        insta::assert_snapshot!(documented(&run(failed))?);
        Ok(())
    }
}
