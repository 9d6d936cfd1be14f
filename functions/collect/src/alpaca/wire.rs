//! What Alpaca sends, as it sends it. `decode` validates it.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use serde::{Deserialize, Deserializer};

use crate::source::Number;

/// A page of bars of many symbols.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// By symbol. `null` has been seen in place of the object, and of a symbol's list:
    /// <https://github.com/alpacahq/alpaca-trade-api-python/issues/478>.
    pub bars: Option<BTreeMap<String, Option<Vec<Bar>>>>,
    /// What requests the next page; `null` or empty on the last one.
    #[serde(default)]
    pub next_page_token: Option<String>,
}

/// One bar. Every value is optional, so that a bad one costs the bar and not the page.
#[derive(Debug, Clone, Deserialize)]
pub struct Bar {
    /// When the bar starts.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub t: Option<Timestamp>,
    /// First price.
    #[serde(default)]
    pub o: Option<Number>,
    /// Highest price.
    #[serde(default)]
    pub h: Option<Number>,
    /// Lowest price.
    #[serde(default)]
    pub l: Option<Number>,
    /// Last price.
    #[serde(default)]
    pub c: Option<Number>,
    /// Shares traded.
    #[serde(default)]
    pub v: Option<Number>,
}

/// A trading day; a day without trading is not sent.
#[derive(Debug, Clone, Deserialize)]
pub struct CalendarDay {
    pub date: Date,
    /// On New York's clock, as both are.
    #[serde(deserialize_with = "minute")]
    pub open: Time,
    #[serde(deserialize_with = "minute")]
    pub close: Time,
}

/// An instrument.
#[derive(Debug, Clone, Deserialize)]
pub struct Asset {
    /// `active` or `inactive`.
    #[serde(default)]
    pub status: String,
    /// Such as `NASDAQ`, or `OTC`.
    #[serde(default)]
    pub exchange: String,
}

/// The reason for an error. There may be a `code` beside it, which comes and goes.
#[derive(Debug, Deserialize)]
pub struct Problem {
    pub message: String,
}

fn lenient_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_str().and_then(|text| text.parse().ok()))
}

/// `09:30`.
fn minute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    Time::strptime("%H:%M", &text).map_err(serde::de::Error::custom)
}
