//! Runs that export something.

use anyhow::bail;
use serde_json::Value;
use shared::{
    HourlyExtreme, S3Uri, Symbol, TradeDate,
    payload::{CarriedOver, RunOutcome, SymbolOutcomes},
};

use crate::Stack;

/// A run that has exported the prices of the simulated market.
#[derive(Debug)]
pub struct ExportedRun {
    /// The session that was collected.
    pub trade_date: TradeDate,
    /// The number of bars that the output reports.
    pub bars: usize,
    /// The outcome of each symbol.
    pub symbols: SymbolOutcomes,
    /// The symbols of which bars of another scale or currency were left out.
    pub restated: Vec<Symbol>,
    /// The symbols whose rows are of an earlier run.
    pub carried_over: Vec<CarriedOver>,
    /// The text of the exported CSV.
    pub csv: String,
    /// Where the report is.
    pub report: S3Uri,
}

impl Stack {
    /// Executes `input` and reads what the run exported.
    ///
    /// # Errors
    /// When the execution fails, or as [`Stack::exported`].
    pub async fn export(&self, input: &Value) -> anyhow::Result<ExportedRun> {
        self.exported(self.succeed(input).await?).await
    }

    /// Reads what a run exported.
    ///
    /// # Errors
    /// When it exported nothing, when its prices are not marked as simulated, or when the CSV cannot be read.
    pub async fn exported(&self, outcome: RunOutcome) -> anyhow::Result<ExportedRun> {
        match outcome {
            RunOutcome::Exported {
                trade_date,
                bars,
                symbols,
                csv,
                report,
                simulated: true,
                restated,
                carried_over,
                ..
            } => {
                let csv = self.object(&csv).await?;
                Ok(ExportedRun { trade_date, bars, symbols, restated, carried_over, csv, report })
            }
            other => bail!("not an exported run of a simulated market: {other:?}"),
        }
    }
}

/// The number of bars behind rows of the CSV: the sum of their column `bars`.
pub fn count_bars<'a>(rows: impl IntoIterator<Item = &'a HourlyExtreme>) -> usize {
    rows.into_iter().map(|row| row.bars as usize).sum()
}
