//! The JSON of a chart reply, field by field as Yahoo wrote it in 2026.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::Session;

use super::{bar::Price, exchange::Exchange};

/// The whole body.
#[derive(Debug, Serialize)]
pub struct Body {
    pub chart: Chart,
}

/// The envelope. An error comes in the same one, see [`ErrorReply::body`](crate::error_reply::ErrorReply::body).
#[derive(Debug, Serialize)]
pub struct Chart {
    pub result: [ChartResult; 1],
    pub error: Option<()>,
}

/// The bars of one symbol.
#[derive(Debug, Serialize)]
pub struct ChartResult {
    pub meta: Meta,
    /// The starts of the bars in Unix seconds. Without bars the key itself is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timestamp: Vec<i64>,
    pub indicators: Indicators,
}

/// The indicators; always one set of bars.
#[derive(Debug, Serialize)]
pub struct Indicators {
    pub quote: [Quote; 1],
}

/// The bars by column, each as long as `timestamp`; `{}` without bars.
#[derive(Debug, Default, Serialize)]
pub struct Quote {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Option<Price>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub high: Vec<Option<Price>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub low: Vec<Option<Price>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub close: Vec<Option<Price>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume: Vec<Option<u64>>,
}

/// The facts about the symbol. Everything that is called regular, current or previous, and `gmtoffset` and `timezone`,
/// is as of the time of the request and not of the window.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub currency: String,
    pub symbol: String,
    pub exchange_name: &'static str,
    pub full_exchange_name: &'static str,
    pub instrument_type: &'static str,
    pub first_trade_date: Option<i64>,
    pub regular_market_time: i64,
    pub has_pre_post_market_data: bool,
    pub gmtoffset: i32,
    pub timezone: String,
    pub exchange_timezone_name: &'static str,
    pub regular_market_price: Price,
    pub regular_market_day_high: Price,
    pub regular_market_day_low: Price,
    pub regular_market_volume: u64,
    pub long_name: String,
    pub short_name: String,
    pub chart_previous_close: Price,
    pub previous_close: Price,
    pub scale: u8,
    pub price_hint: u8,
    pub current_trading_period: TradingPeriod,
    #[serde(skip_serializing_if = "TradingPeriods::is_absent")]
    pub trading_periods: TradingPeriods,
    pub data_granularity: &'static str,
    pub range: String,
    pub valid_ranges: [&'static str; 11],
}

/// A trading day in three parts, from the start of pre-market trading to the end of post-market trading.
#[derive(Debug, Serialize)]
pub struct TradingPeriod {
    pub pre: Period,
    pub regular: Period,
    pub post: Period,
}

/// The sessions in and around the window, in Yahoo's three shapes; each session is a list of one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum TradingPeriods {
    /// `includePrePost=false`: absent when the window holds no session.
    Regular(Vec<[Period; 1]>),
    /// `includePrePost=true` with sessions.
    Extended { pre: Vec<[Period; 1]>, regular: Vec<[Period; 1]>, post: Vec<[Period; 1]> },
    /// `includePrePost=true` without sessions.
    Empty { pre: [Period; 0], post: [Period; 0] },
}

impl TradingPeriods {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Regular(sessions) if sessions.is_empty())
    }

    /// The periods of `sessions` in the shape that fits the request's `includePrePost`.
    pub fn new(exchange: &Exchange, sessions: &[Session], pre_post: bool) -> Self {
        let list = |part: fn(TradingPeriod) -> Period| {
            sessions.iter().map(|session| [part(TradingPeriod::of(exchange, session))]).collect::<Vec<_>>()
        };
        match (pre_post, sessions.is_empty()) {
            (false, _) => Self::Regular(list(|day| day.regular)),
            (true, true) => Self::Empty { pre: [], post: [] },
            (true, false) => Self::Extended {
                pre: list(|day| day.pre),
                regular: list(|day| day.regular),
                post: list(|day| day.post),
            },
        }
    }
}

/// A stretch of trading: `start` and `end` in Unix seconds, `gmtoffset` in seconds.
#[derive(Debug, Serialize)]
pub struct Period {
    pub timezone: String,
    pub start: i64,
    pub end: i64,
    pub gmtoffset: i32,
}

impl TradingPeriod {
    /// The periods of a session's day. A lunch break does not split the regular one.
    pub fn of(exchange: &Exchange, session: &Session) -> Self {
        let info = exchange.calendar.zone.to_offset_info(session.open); // no clock changes on a trading day
        let period = |start: Timestamp, end: Timestamp| Period {
            timezone: info.abbreviation().to_owned(),
            start: start.as_second(),
            end: end.as_second(),
            gmtoffset: info.offset().seconds(),
        };
        let (open, close) = match session.trade_date.midnights(&session.zone) {
            Ok((midnight, next)) if exchange.lists_whole_days => (midnight, next - SignedDuration::from_mins(1)),
            _ => (session.open, session.close),
        };
        Self {
            pre: period(open - exchange.pre_market, open),
            regular: period(open, close),
            post: period(close, close + exchange.post_market),
        }
    }
}
