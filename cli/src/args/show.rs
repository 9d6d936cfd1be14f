//! The options of `show`.

use std::num::NonZeroUsize;

use clap::Args;
use shared::{Interval, ListName};

use super::{Day, ResultArgs, TargetArgs, day};
use crate::output::companies::SortBy;

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The day: latest, the newest that is published; yesterday, in New York; or a date as YYYY-MM-DD [default: latest]
    #[arg(value_parser = day::day)]
    pub day: Option<Day>,
    /// A list of companies in the data bucket
    #[arg(long, value_name = "NAME", default_value_t)]
    pub list: ListName,
    /// The length of a bar: 1m, 2m, 5m, 15m, 30m or 1h
    #[arg(long, default_value_t)]
    pub interval: Interval,
    /// Show every hour of each company
    #[arg(long)]
    pub hours: bool,
    /// The order: names from A on, numbers from the largest on
    #[arg(long, value_enum, value_name = "BY", default_value_t)]
    pub sort: SortBy,
    /// Show only the first N companies of that order
    #[arg(long, value_name = "N")]
    pub top: Option<NonZeroUsize>,
    #[command(flatten)]
    pub result: ResultArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}
