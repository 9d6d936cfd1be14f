//! The options of `export`.

#[cfg(feature = "export")]
mod days;

use clap::{
    Args, ValueEnum,
    builder::{PathBufValueParser, TypedValueParser},
};
use serde::Serialize;
use shared::{Interval, ListName, TradeDate};

use super::{TargetArgs, trade_date};
use crate::out::OutFolder;
#[cfg(feature = "export")]
pub use days::ExportDays;

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The trade dates
    #[arg(value_name = "YYYY-MM-DD", value_parser = trade_date, required_unless_present = "from", conflicts_with_all = ["from", "to"])]
    pub dates: Vec<TradeDate>,
    /// The first trade date of a range
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date)]
    pub from: Option<TradeDate>,
    /// The last trade date of the range [default: today in New York, when its session has ended]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date, requires = "from")]
    pub to: Option<TradeDate>,
    /// The format of the file
    #[arg(long, value_enum, default_value_t)]
    pub format: FileFormat,
    /// The bars of the companies: in place of the hourly rows, and beside them in a workbook
    #[arg(long)]
    pub bars: bool,
    /// A list of companies in the data bucket
    #[arg(long, value_name = "NAME", default_value_t)]
    pub list: ListName,
    /// The length of a bar: 1m, 2m, 5m, 15m, 30m or 1h
    #[arg(long, default_value_t)]
    pub interval: Interval,
    /// The folder for the file; {date} stands for the trade date, and a file of several days lies above the folders of the days
    #[arg(long, value_name = "DIR", default_value_t, value_parser = PathBufValueParser::new().map(OutFolder::from))]
    pub out: OutFolder,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// The formats of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Text for every program, in the form of hourly_extremes.csv
    #[default]
    Csv,
    /// A workbook for Excel and LibreOffice, with sheets of days and hours, and a chart
    Xlsx,
    /// Typed columns for pandas, Polars and DuckDB
    Parquet,
}
