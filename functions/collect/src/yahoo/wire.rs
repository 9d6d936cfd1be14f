//! What Yahoo's chart endpoint sends, as it sends it. Every field is optional: each has been seen missing, null or of
//! another type. `decode` validates them.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::source::{Number, column};

/// The reply. Errors of the access layer come under `finance` in place of `chart`.
#[derive(Debug, Deserialize)]
pub struct Reply {
    #[serde(alias = "finance")]
    pub chart: Option<Chart>,
}

#[derive(Debug, Deserialize)]
pub struct Chart {
    pub result: Option<Vec<Series>>,
    pub error: Option<ChartError>,
}

/// Yahoo's reason for sending no data.
#[derive(Debug, Deserialize)]
pub struct ChartError {
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
}

/// The bars of one symbol, column by column.
#[derive(Debug, Deserialize)]
pub struct Series {
    #[serde(default, deserialize_with = "lenient")]
    pub meta: Option<Meta>,
    #[serde(default, deserialize_with = "column")]
    pub timestamp: Option<Vec<Number>>,
    #[serde(default)]
    pub indicators: Option<Indicators>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub symbol: Option<String>,
    pub currency: Option<String>,
    pub long_name: Option<String>,
    pub short_name: Option<String>,
    pub exchange_name: Option<String>,
    pub regular_market_price: Option<Number>,
    /// The close of the session before the requested window: of 226.21 and 226.78 for a window that is 2 October 2024 the
    /// former, that of 1 October, while `previousClose` is that of the session before the latest one.
    pub chart_previous_close: Option<Number>,
    pub exchange_timezone_name: Option<String>,
    pub data_granularity: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub current_trading_period: Option<CurrentPeriod>,
    #[serde(default, deserialize_with = "lenient")]
    pub trading_periods: Option<TradingPeriods>,
}

#[derive(Debug, Deserialize)]
pub struct CurrentPeriod {
    pub regular: Option<Period>,
}

/// Without pre- and post-market a list of sessions; with them an object of such lists.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum TradingPeriods {
    Regular(Vec<Vec<Period>>),
    Extended {
        #[serde(default)]
        pre: Vec<Vec<Period>>,
        #[serde(default)]
        regular: Vec<Vec<Period>>,
        #[serde(default)]
        post: Vec<Vec<Period>>,
    },
}

/// One session, in seconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Period {
    pub start: Number,
    pub end: Number,
}

#[derive(Debug, Deserialize)]
pub struct Indicators {
    #[serde(default)]
    pub quote: Vec<Quote>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Quote {
    #[serde(default, deserialize_with = "column")]
    pub open: Option<Vec<Number>>,
    #[serde(default, deserialize_with = "column")]
    pub high: Option<Vec<Number>>,
    #[serde(default, deserialize_with = "column")]
    pub low: Option<Vec<Number>>,
    #[serde(default, deserialize_with = "column")]
    pub close: Option<Vec<Number>>,
    #[serde(default, deserialize_with = "column")]
    pub volume: Option<Vec<Number>>,
}

impl TradingPeriods {
    /// The regular sessions.
    pub fn regular(&self) -> impl Iterator<Item = Period> {
        let (Self::Regular(days) | Self::Extended { regular: days, .. }) = self;
        days.iter().flatten().copied()
    }

    /// Whether a time lies in pre- or post-market trading, where that is listed.
    pub fn is_extended(&self, at: Timestamp) -> bool {
        let Self::Extended { pre, post, .. } = self else { return false };
        let holds = |period: &Period| {
            period.start.timestamp().is_some_and(|start| start <= at)
                && period.end.timestamp().is_some_and(|end| at < end)
        };
        pre.iter().chain(post).flatten().any(holds)
    }
}

/// Parses a part of the reply, or takes it as missing where it has another shape, such as a field twice. Without building
/// a `Value` of it: each symbol of a run has one.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_str(<&RawValue>::deserialize(deserializer)?.get()).ok())
}
