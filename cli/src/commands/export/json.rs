//! The JSON form of `export`.

use serde::Serialize;
use shared::{Interval, ListName, TradeDate};

use crate::{args::FileFormat, output::json::Place};

#[derive(Debug, Serialize)]
pub struct ExportJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    pub list: &'a ListName,
    pub interval: Interval,
    pub format: FileFormat,
    /// The days that the file has, in order.
    pub trade_dates: &'a [TradeDate],
    /// The days of the range that have traded, and are not published: the exit code is 3.
    pub missing: &'a [TradeDate],
    /// The days that were named and have no session, or none that has ended.
    pub no_session: &'a [TradeDate],
    /// The number of hourly rows in the file; `null` where it has none.
    pub hours: Option<usize>,
    /// The number of bars in the file; `null` where it has none.
    pub bars: Option<usize>,
    /// Whether prices of any day are simulated.
    pub simulated: bool,
    /// The file; `null` where there is nothing to export, and the exit code is 4.
    pub file: Option<String>,
}
