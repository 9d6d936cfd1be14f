//! What the options of `export` mean: the days, and the options to repeat in another command.

use std::{collections::BTreeSet, ops::RangeInclusive};

use jiff::Timestamp;
use shared::{Interval, ListName, TradeDate};

use super::{ExportArgs, FileFormat};
use crate::args::{BadRequest, dates, period};

impl ExportArgs {
    /// The days to export, at `now`.
    ///
    /// # Errors
    /// As [`PeriodArgs::range`](crate::args::PeriodArgs::range).
    pub fn days(&self, now: Timestamp) -> Result<ExportDays, BadRequest> {
        match self.from {
            Some(from) => period::range(from, self.to, now).map(ExportDays::Range),
            None => Ok(ExportDays::Named(self.dates.iter().copied().collect())),
        }
    }

    /// The options that `run` takes, too, as they were given, each with a space before it.
    pub fn options(&self) -> String {
        let list = (self.list != ListName::default()).then(|| format!(" --list {}", self.list));
        let interval = (self.interval != Interval::default()).then(|| format!(" --interval {}", self.interval));
        list.into_iter().chain(interval).chain([self.target.options()]).collect()
    }
}

/// The days to export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportDays {
    /// Each of these; clap requires one at least.
    Named(BTreeSet<TradeDate>),
    /// Those of a range that are published.
    Range(RangeInclusive<TradeDate>),
}

impl ExportDays {
    /// Every date, in order.
    pub fn dates(&self) -> Vec<TradeDate> {
        match self {
            Self::Named(dates) => dates.iter().copied().collect(),
            Self::Range(range) => dates(range).collect(),
        }
    }
}

impl FileFormat {
    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }
}
