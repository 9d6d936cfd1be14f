//! A chart request, parsed and validated once; the other modules rely on it.

use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

use super::{
    error_reply::ErrorReply,
    exchange::{Exchange, FIRST_DAY},
    listing::Listing,
};

/// The query string of a chart request. Unknown parameters are ignored, as Yahoo does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The window's start in Unix seconds.
    pub period1: Option<String>,
    /// The window's end in Unix seconds.
    pub period2: Option<String>,
    /// The window up to now, such as `5d` or `1mo`; ignored beside `period1`.
    range: Option<String>,
    /// The length of the bars, one of [`INTERVALS`].
    pub interval: Option<String>,
    include_pre_post: Option<String>,
}

impl Query {
    /// The same query with `interval=1h`.
    pub fn hourly(self) -> Self {
        Self { interval: Some("1h".to_owned()), ..self }
    }
}

/// A valid chart request.
#[derive(Debug, Clone)]
pub struct ChartRequest {
    pub listing: Listing,
    pub granularity: Granularity,
    /// The first instant at which a bar may start.
    pub start: Timestamp,
    /// The instant from which on no bar may start.
    pub end: Timestamp,
    /// The `range` of the query; empty when the window was given by its ends.
    pub range: String,
    /// Whether pre- and post-market trading is included.
    pub pre_post: bool,
}

/// The length of the bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granularity {
    pub minutes: usize,
    /// Yahoo's `dataGranularity`.
    pub name: &'static str,
}

/// Yahoo's intervals, in the order and spelling of its error message about others; those of a day and longer are not simulated.
const INTERVALS: [(&str, Option<Granularity>); 14] = [
    ("1m", Some(Granularity { minutes: 1, name: "1m" })),
    ("2m", Some(Granularity { minutes: 2, name: "2m" })),
    ("5m", Some(Granularity { minutes: 5, name: "5m" })),
    ("15m", Some(Granularity { minutes: 15, name: "15m" })),
    ("30m", Some(Granularity { minutes: 30, name: "30m" })),
    ("60m", Some(Granularity { minutes: 60, name: "1h" })),
    ("90m", Some(Granularity { minutes: 90, name: "90m" })),
    ("1h", Some(Granularity { minutes: 60, name: "1h" })),
    ("4h", Some(Granularity { minutes: 240, name: "4h" })),
    ("1d", None),
    ("5d", None),
    ("1wk", None),
    ("1mo", None),
    ("3mo", None),
];

/// The ranges that Yahoo lists in every reply; it accepts others of the same form as well.
pub const RANGES: [&str; 11] = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"];

impl ChartRequest {
    /// Parses a request that arrives at `now`.
    ///
    /// # Errors
    /// The error reply that Yahoo sends to such a request.
    pub fn parse(symbol: &str, query: &Query, now: Timestamp) -> Result<Self, ErrorReply> {
        let granularity = parse_interval(query.interval.as_deref().unwrap_or("5m"))?;
        let listing = Listing::find(symbol).ok_or_else(ErrorReply::not_found)?;
        let (start, end) = window(listing.exchange, query, now)?;
        let range = if query.period1.is_some() { String::new() } else { range_of(query).to_owned() };
        let pre_post = query.include_pre_post.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Ok(Self { listing, granularity, start, end, range, pre_post })
    }
}

fn parse_interval(text: &str) -> Result<Granularity, ErrorReply> {
    match INTERVALS.iter().find(|(name, _)| *name == text) {
        Some((_, Some(granularity))) => Ok(*granularity),
        Some((_, None)) => Err(ErrorReply::not_simulated(format!(
            "the simulated market has intraday bars only, not interval={text}: use 1m to 4h"
        ))),
        None => Err(unknown_interval(text)),
    }
}

/// Yahoo's reply to an unknown interval.
pub fn unknown_interval(text: &str) -> ErrorReply {
    ErrorReply::bad_request(format!(
        "Invalid input - interval={text} is not supported. Valid intervals: [{}]",
        INTERVALS.map(|(name, _)| name).join(", ")
    ))
}

fn range_of(query: &Query) -> &str {
    query.range.as_deref().filter(|range| !range.is_empty()).unwrap_or("1d")
}

/// The window: `period1` to `period2` (or now), else the newest sessions of `range`.
fn window(exchange: &Exchange, query: &Query, now: Timestamp) -> Result<(Timestamp, Timestamp), ErrorReply> {
    let Some(period1) = &query.period1 else { return Ok((range_start(exchange, range_of(query), now)?, now)) };
    let start = parse_period("period1", period1)?;
    let end = query.period2.as_ref().map_or(Ok(now), |period2| parse_period("period2", period2))?;
    let ends = format!("startDate = {}, endDate = {}", start.as_second(), end.as_second());
    if start > end {
        return Err(ErrorReply::bad_request(format!("Invalid input - start date cannot be after end date. {ends}")));
    }
    if exchange.first_session().is_some_and(|session| end <= session.open) {
        return Err(ErrorReply::bad_request(format!("Data doesn't exist for {ends}")));
    }
    Ok((start, end))
}

fn parse_period(name: &str, text: &str) -> Result<Timestamp, ErrorReply> {
    let instant = text.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    instant
        .ok_or_else(|| ErrorReply::bad_request(format!("Invalid input - {name}={text} is not a Unix time in seconds")))
}

/// The start of a range that ends now: days are sessions, months and years are calendar months and years.
fn range_start(exchange: &Exchange, range: &str, now: Timestamp) -> Result<Timestamp, ErrorReply> {
    let today = exchange.calendar.date_of(now);
    let digits = range.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (count, unit) = (digits.parse::<u16>().ok().filter(|count| *count > 0), &range[digits.len()..]);
    let first = match (count, unit) {
        (None, "max") if digits.is_empty() => Ok(FIRST_DAY),
        (None, "ytd") if digits.is_empty() => Ok(today.first_of_year()),
        (Some(count), "d") => Ok(sessions_back(exchange, now, count)),
        (Some(count), "mo") => today.checked_sub(i32::from(count).months()),
        (Some(count), "y") => today.checked_sub(i32::from(count).years()),
        _ => return Err(unknown_range(range)),
    };
    let first = first.unwrap_or(FIRST_DAY).max(FIRST_DAY);
    first
        .to_zoned(exchange.calendar.zone.clone())
        .map(|midnight| midnight.timestamp())
        .map_err(|_| unknown_range(range))
}

fn unknown_range(range: &str) -> ErrorReply {
    ErrorReply::bad_request(format!(
        "Invalid input - range={range} is not supported. Valid ranges: [{}]",
        RANGES.join(", ")
    ))
}

/// The date of the first of the newest `count` sessions that have opened.
fn sessions_back(exchange: &Exchange, now: Timestamp, count: u16) -> Date {
    let Some(latest) = exchange.latest_session(now) else { return FIRST_DAY };
    let days = std::iter::successors(Some(latest.trade_date.date()), |day| exchange.calendar.previous(*day));
    days.take_while(|day| *day >= FIRST_DAY).take(usize::from(count)).last().unwrap_or(FIRST_DAY)
}
