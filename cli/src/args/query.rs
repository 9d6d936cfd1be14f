//! The options of `query`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use shared::{Interval, SymbolList, TradeDate};

use super::{TargetArgs, symbols, trade_date};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("query").args(["name", "sql"]))]
pub struct QueryArgs {
    /// The saved query to run; without one they are listed
    pub name: Option<String>,
    /// A file with one statement of Athena's SQL that reads, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub sql: Option<PathBuf>,
    /// The value of a ? of the SQL, in their order (repeatable): a number as it is, anything else as text
    ///
    /// A text that looks like a number, or that stands in single quotes, is put in single quotes: --param "'0700'".
    #[arg(long = "param", value_name = "VALUE", allow_hyphen_values = true, requires = "query",
        conflicts_with_all = ["trade_date", "from", "to", "symbols", "interval"])]
    pub params: Vec<String>,
    /// Show every row, also beyond 100
    #[arg(long, requires = "query")]
    pub all: bool,
    /// Print every row as CSV
    #[arg(long, requires = "query")]
    pub csv: bool,
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub values: ValueArgs,
}

/// The values for the parameters of a saved query, each of which it may have or not.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Parameters of a saved query")]
pub struct ValueArgs {
    /// The session's date in the exchange's zone [default: the newest day of the lake]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date, requires = "name", conflicts_with = "sql")]
    pub trade_date: Option<TradeDate>,
    /// The first trade date of a range [default: six days before the last]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date, requires = "name", conflicts_with = "sql")]
    pub from: Option<TradeDate>,
    /// The last trade date of a range [default: the newest day of the lake]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date, requires = "name", conflicts_with = "sql")]
    pub to: Option<TradeDate>,
    /// Symbols, separated by commas [default: all]
    #[arg(long, value_name = "A,B", value_parser = symbols, requires = "name", conflicts_with = "sql")]
    pub symbols: Option<SymbolList>,
    /// The length of a bar: 1m, 2m, 5m, 15m, 30m or 1h [default: 5m]
    #[arg(long, requires = "name", conflicts_with = "sql")]
    pub interval: Option<Interval>,
}
