//! The JSON form of `show`.

use jiff::{Timestamp, Zoned};
use serde::Serialize;
use shared::{
    CompanyDay, HourlyExtreme, Interval, ListName, Price, RunId, S3Uri, Symbol, TradeDate, bar::offset_datetime,
};

use crate::output::json::Place;

#[derive(Debug, Serialize)]
pub struct ShowJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    pub list: &'a ListName,
    pub interval: Interval,
    pub trade_date: TradeDate,
    /// Whether the prices are simulated.
    pub simulated: bool,
    /// The run whose export is published.
    pub run_id: &'a RunId,
    /// When its collection began, in UTC.
    pub collected_at: Timestamp,
    /// Its files in the data bucket.
    pub csv: &'a S3Uri,
    pub report: &'a S3Uri,
    /// In the order of `--sort`, and not more than `--top`.
    pub companies: Vec<CompanyJson<'a>>,
}

/// The day of a company. Prices are in its currency's unit, changes in percent.
#[derive(Debug, Serialize)]
pub struct CompanyJson<'a> {
    pub company_name: &'a str,
    pub symbol: &'a Symbol,
    /// Yahoo's code; `null` where it gives none.
    pub currency: Option<&'a str>,
    /// The close of the session before; `null` where the market does not report it.
    pub previous_close: Option<Price>,
    pub open: Option<Price>,
    pub close: Option<Price>,
    /// The close against the previous close, or against the open where that is not known.
    pub change: Option<f64>,
    /// The open against the previous close.
    pub gap: Option<f64>,
    /// From the lowest to the highest price, in percent of the price that `change` is from.
    pub range: Option<f64>,
    pub high: ExtremeJson,
    pub low: ExtremeJson,
    pub bars: u32,
    pub volume: u64,
    /// With `--hours`; `null` without it.
    pub hours: Option<Vec<HourJson>>,
}

/// A row of the CSV.
#[derive(Debug, Serialize)]
pub struct HourJson {
    /// The exchange-local hour in which the bars start.
    pub hour: i8,
    pub open: Option<Price>,
    pub close: Option<Price>,
    pub high: ExtremeJson,
    pub low: ExtremeJson,
    pub bars: u32,
    pub volume: u64,
}

/// A highest or lowest price.
#[derive(Debug, Serialize)]
pub struct ExtremeJson {
    pub price: Price,
    /// The start of the earliest bar that reached it, with the exchange's offset.
    pub at: String,
}

impl<'a> CompanyJson<'a> {
    pub fn of(day: &CompanyDay<'a>, hours: bool) -> Self {
        Self {
            company_name: day.name,
            symbol: day.symbol,
            currency: day.currency,
            previous_close: day.previous_close,
            open: day.open,
            close: day.close,
            change: day.change().map(rounded),
            gap: day.gap().map(rounded),
            range: day.range().map(rounded),
            high: ExtremeJson::of(day.high),
            low: ExtremeJson::of(day.low),
            bars: day.bars,
            volume: day.volume,
            hours: hours.then(|| day.hours.iter().map(HourJson::of).collect()),
        }
    }
}

impl HourJson {
    fn of(row: &HourlyExtreme) -> Self {
        Self {
            hour: row.hour,
            open: row.open,
            close: row.close,
            high: ExtremeJson::of((row.highest_hourly_price, &row.datetime_high)),
            low: ExtremeJson::of((row.lowest_hourly_price, &row.datetime_low)),
            bars: row.bars,
            volume: row.volume,
        }
    }
}

impl ExtremeJson {
    fn of((price, at): (Price, &Zoned)) -> Self {
        Self { price, at: offset_datetime::text(at) }
    }
}

/// Percent with four decimals.
fn rounded(percent: f64) -> f64 {
    (percent * 10_000.0).round() / 10_000.0
}
