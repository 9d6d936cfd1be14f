//! The rows of a day: the hourly rows that are published for the list, and the bars of those companies in the lake.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Zoned;
use serde::Deserialize;
use shared::{
    HourlyExtreme, Interval, Price, PublishedDay, Source, Symbol, TradeDate, bar::offset_datetime, hourly_extreme,
};

use crate::aws::{
    athena,
    export_files::{self, PublishedFiles},
    target::Target,
};

/// The query of a day's bars, with `?` for its parameters.
const SQL: &str = include_str!("../../../../sql/day_bars.sql");

/// What is published of a day.
pub struct PublishedRows {
    pub date: TradeDate,
    /// By company name, symbol and hour.
    pub hours: Vec<HourlyExtreme>,
    pub simulated: bool,
}

/// A bar of a day, as the last of its collections has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DayBar {
    pub trade_date: TradeDate,
    pub bar: LakeBar,
    /// Where the prices are from; `None` where the published row does not say.
    pub source: Option<Source>,
}

/// A row of the query's result.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LakeBar {
    pub symbol: Symbol,
    pub company_name: String,
    /// The bar's start, with the exchange's offset.
    #[serde(with = "offset_datetime")]
    pub ts: Zoned,
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    pub volume: u64,
    /// Yahoo's code; `None` where it gave none.
    pub currency: Option<String>,
}

impl PublishedRows {
    /// Those of a day; `None` where it is not published.
    ///
    /// # Errors
    /// When it is published and cannot be read.
    pub async fn of(target: &Target, day: &PublishedDay) -> anyhow::Result<Option<Self>> {
        let Some(PublishedFiles { manifest, csv }) = export_files::published(target, day).await? else {
            return Ok(None);
        };
        let hours = hourly_extreme::read(&csv.content);
        let hours = hours.with_context(|| format!("{} is not a result of this version", manifest.files.csv))?;
        Ok(Some(Self { date: day.trade_date, hours, simulated: csv.simulated }))
    }

    /// The bars of its companies, by symbol and start.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn bars(&self, target: &Target, interval: Interval) -> anyhow::Result<Vec<DayBar>> {
        let parameters =
            [self.date.to_string(), interval.to_string(), "*".to_owned()].map(|value| format!("'{value}'"));
        Ok(of_companies(
            &self.hours,
            self.date,
            athena::query(target, SQL, &parameters).await?.collect::<anyhow::Result<_>>()?,
        ))
    }
}

/// The bars of the companies that have hours.
pub fn of_companies(hours: &[HourlyExtreme], trade_date: TradeDate, bars: Vec<LakeBar>) -> Vec<DayBar> {
    let sources: BTreeMap<_, _> = hours.iter().map(|row| (&row.symbol, row.source)).collect();
    let with_source = |bar: LakeBar| Some(DayBar { trade_date, source: *sources.get(&bar.symbol)?, bar });
    bars.into_iter().filter_map(with_source).collect()
}
