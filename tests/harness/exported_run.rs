//! Runs that export something.

use anyhow::{bail, ensure};
use serde_json::Value;
use shared::{
    HourlyExtreme, S3Uri, Symbol, TradeDate,
    payload::{CarriedOver, RunOutcome, RunSymbols, SymbolOutcomes},
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
    /// When it exported nothing, when its prices are not marked as simulated, when the CSV or the symbols' outcomes cannot be
    /// read, or when these are not those that the output counts.
    pub async fn exported(&self, outcome: RunOutcome) -> anyhow::Result<ExportedRun> {
        match outcome {
            RunOutcome::Exported {
                trade_date,
                bars,
                symbols,
                csv,
                report,
                simulated: true,
                restated_count,
                carried_over_count,
                ..
            } => {
                let csv = self.object(&csv).await?;
                let symbols = self.outcomes(&symbols).await?;
                let (restated, carried_over) = (symbols.restated(), symbols.carried_over());
                let counts = (restated.len(), carried_over.len());
                ensure!(
                    counts == (restated_count, carried_over_count),
                    "{counts:?}, and the output has {restated_count}, {carried_over_count}"
                );
                Ok(ExportedRun { trade_date, bars, symbols, restated, carried_over, csv, report })
            }
            other => bail!("not an exported run of a simulated market: {other:?}"),
        }
    }

    /// The outcome of each symbol of a run that has ended.
    ///
    /// # Errors
    /// When its object cannot be read, or is not what the output counts.
    pub async fn outcomes(&self, symbols: &RunSymbols) -> anyhow::Result<SymbolOutcomes> {
        let RunSymbols::Summary(summary) = symbols else { bail!("an output of an older version: {symbols:?}") };
        let outcomes = SymbolOutcomes::read(self.object(&summary.uri).await?.as_bytes())?;
        let counts = (outcomes.collected.len(), outcomes.failed.len(), outcomes.bar_counts());
        ensure!(
            counts == (summary.collected, summary.failed_count, summary.bars),
            "{counts:?}, and the output has {summary:?}"
        );
        Ok(outcomes)
    }
}

/// The number of bars behind rows of the CSV: the sum of their column `bars`.
pub fn count_bars<'a>(rows: impl IntoIterator<Item = &'a HourlyExtreme>) -> usize {
    rows.into_iter().map(|row| row.bars as usize).sum()
}
